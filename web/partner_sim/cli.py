"""`tongping partner-sim`: a second city as a program that uses nothing but the partner API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from web.partner_sim.client import PartnerClient
from web.partner_sim.errors import PartnerSimError
from web.partner_sim.folder import Config, Folder
from web.partner_sim.program import CLOSED, CONVENED, PartnerSim

app = typer.Typer(help="A partner city's own system, which uses nothing but the partner API.", no_args_is_help=True)
State = Annotated[Path, typer.Option(help="The program's folder.")]


@app.command("init")
def init(
    state: State,
    centre: Annotated[str, typer.Option(help="This city's domain, as trust.json has it.")],
    server: Annotated[str, typer.Option(help="The host's public origin.")],
    node: Annotated[str, typer.Option(help="Where this city's node answers.")],
    node_token: Annotated[Path, typer.Option(help="The file with the token of the node's operator.")],
    receiver_port: Annotated[int, typer.Option(help="Port of the webhook's receiver; 0: no webhook.")] = 0,
    receiver_url: Annotated[str, typer.Option(help="How the host reaches it (default: this machine).")] = "",
) -> None:
    """Make the program's folder and the key of its client credentials; prints the public key for the host."""
    folder = Folder(state)
    folder.initialise(
        Config(
            server=server,
            centre=centre,
            node=node,
            node_token=node_token.read_text().strip(),
            receiver_port=receiver_port,
            receiver_url=receiver_url or f"http://127.0.0.1:{receiver_port}",
        )
    )
    typer.echo(json.dumps(folder.client_key.jwk))


@app.command("run")
def run(
    state: State,
    client: Annotated[str, typer.Option(help="The client id that the host gave out for the key.")],
    policy: Annotated[Path, typer.Option(help="This city's own copy of the folder with tlog-policy and trust.json.")],
    until: Annotated[str, typer.Option(help=f"`{CONVENED}` or `{CLOSED}`.")] = CLOSED,
) -> None:
    """Sign, accept, name, vouch, watch, fetch and verify; one JSON line for each thing done."""
    raise typer.Exit(asyncio.run(_run(Folder(state), client, policy, until)))


async def _run(folder: Folder, name: str, policy: Path, until: str) -> int:
    config = folder.config
    client = PartnerClient(server=config.server, client=name, key=folder.client_key)

    def say(what: str, **more: str) -> None:
        typer.echo(json.dumps({"who": config.centre, "what": what, **more}))

    try:
        return await PartnerSim(folder=folder, client=client, policy=policy, until=until, say=say).run()
    except PartnerSimError as error:
        typer.echo(f"partner-sim: {error.code}: {error}", err=True)
        return 2
    finally:
        await client.close()

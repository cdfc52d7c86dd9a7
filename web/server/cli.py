"""The command `tongping`. What only one command needs is imported there: a process that was killed is back sooner."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
import uvloop

from evaluation.errors import EvaluationError
from evidence.core.origins import proceeding_of
from evidence.errors import EvidenceError
from sessions.after_errors import AfterError
from sessions.errors import SessionError
from sessions.node_errors import NodeError
from sessions.recovery import Recovered
from sessions.service_errors import ServiceError
from sessions.verdict import Step
from signing.errors import SigningError
from web.server import bidder_commands, opening_commands, verdict_words, wiring
from web.server.desk import Desk
from web.server.errors import BadSettings, WebError
from web.server.first_day import FirstDay
from web.server.installation import Layout, Party, read_private, write_toml, write_trust
from web.server.journal import start_journal
from web.server.links import rewrite_link
from web.server.pool_commands import city_desk, pool
from web.server.processes import Sibling, Supervisor, run_until_signal
from web.server.settings import (
    CITY_FILE,
    SERVER_FILE,
    Settings,
    load_city_settings,
    load_settings,
    state_directory,
)
from web.server.tls import given, own_authority, self_signed

REFUSALS = (WebError, EvidenceError, EvaluationError, ServiceError, NodeError, SigningError, SessionError, AfterError)


class _Command(typer.Typer):
    """A refusal is one line and status 2, not a traceback."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().__call__(*arguments, **options)
        except REFUSALS as error:
            typer.echo(f"tongping: {error.code}: {error}", err=True)
            raise SystemExit(2) from None


app = _Command(
    help="Tongping 同评: remote evaluation of bids in several cities, on a record that no single city can rewrite.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
city = typer.Typer(help="A city's own node: witness, holder of shares, voice of its city.", no_args_is_help=True)
app.add_typer(city, name="city")
app.add_typer(pool, name="pool")
app.add_typer(bidder_commands.bidder, name="bidder")
app.command()(bidder_commands.bidders)

State = Annotated[Path | None, typer.Option(help="State directory (default: TONGPING_STATE, else ./state).")]
Domain = Annotated[str, typer.Option(help="The centre's domain; it becomes part of every log's name.")]
Operator = Annotated[str, typer.Option(help="Who runs this centre, as certificates and trust.json shall say.")]
NameZh = Annotated[str, typer.Option(help="What people call its city, in Chinese: 呼和浩特.")]
NameEn = Annotated[str, typer.Option(help="The same in English: Hohhot. Without both, pages show the domain.")]
PUBLIC_ORIGIN = "http://127.0.0.1:8000"


class Tls(StrEnum):
    """Where the web process has its certificate from; `none`: a reverse proxy stands in front, or nobody else calls."""

    NONE = "none"
    OWN = "own"
    SELF_SIGNED = "self-signed"
    FILES = "files"


@app.command()
def init(
    state: State = None,
    domain: Domain = "centre.example",
    operator: Operator = "示例公共资源交易中心",
    name_zh: NameZh = "",
    name_en: NameEn = "",
    public_origin: Annotated[str, typer.Option(help="The one address that people and nodes use.")] = PUBLIC_ORIGIN,
    port: Annotated[int, typer.Option(help="Port of the web process.")] = 8000,
    signing_port: Annotated[int, typer.Option(help="Port of the signing process.")] = 8001,
    media_address: Annotated[str, typer.Option(help="Address that media workers bind.")] = "127.0.0.1",
    host: Annotated[str, typer.Option(help="Address that the web process binds.")] = "127.0.0.1",
    tls: Annotated[
        Tls, typer.Option(help="own: an authority of this centre's own; self-signed; files: --certificate and --key.")
    ] = Tls.NONE,
    certificate: Annotated[Path | None, typer.Option(help="PEM, with --tls files.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM, with --tls files.")] = None,
) -> None:
    """Make a main centre: keys, certificate authority, TLS, the first administrator's link, and a checklist of what
    to keep where. What exists already stays."""
    path = state_directory(state)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    made, new = None, not (path / SERVER_FILE).exists()
    if new:
        name = urlsplit(public_origin).hostname or ""
        match tls:
            case Tls.OWN:
                made = own_authority(path / "tls", host=name, operator=operator)
            case Tls.SELF_SIGNED:
                made = self_signed(path / "tls", host=name)
            case Tls.FILES:
                if certificate is None or key is None:
                    raise BadSettings("--tls files takes --certificate and --key")
                made = given(certificate, key, host=name)
        values: dict[str, object] = {
            "domain": domain,
            "operator": operator,
            "public_origin": public_origin,
            "web.host": host,
            "web.port": port,
            "signing.port": signing_port,
            "media.address": media_address,
        }
        values |= _named(name_zh, name_en)
        if made is not None:
            values |= {"web.certificate": str(made.certificate), "web.key": str(made.key)}
        write_toml(path / SERVER_FILE, values, {})
    settings = load_settings(path)
    party = wiring.initialise_centre(settings)
    day = FirstDay(party.domain, path, wiring.first_link(settings) if new else None, made, party.name is not None)
    typer.echo(day.text, nl=False)
    if new:
        typer.echo(f"\n{day.keep()}")


@app.command()
def trust(
    city_files: Annotated[list[Path], typer.Option("--city", help="A city's public/centre.json; one option each.")],
    state: State = None,
    quorum: Annotated[int, typer.Option(help="Witnesses that must cosign; 0: all of them.")] = 0,
    holder_k: Annotated[int, typer.Option(help="Holders that open a seal; 0: a majority.")] = 0,
    f: Annotated[int, typer.Option(help="Witnesses that may be dishonest.")] = 1,
) -> None:
    """Write the agreement's policy from the parties' public files, and where the cities' nodes are."""
    path = state_directory(state)
    layout = Layout(path)
    cities = [Party.read(file) for file in city_files]
    write_trust(
        layout.policy,
        main=Party.read(layout.public),
        cities=cities,
        quorum=quorum or len(cities),
        # protocols.md section 3: k = floor(n / 2) + 1.
        holder_k=holder_k or len(cities) // 2 + 1,
        f=f,
    )
    settings = load_settings(path)
    if not settings.cities:
        rows = "".join(f'\n[[cities]]\ndomain = "{party.domain}"\nurl = "{party.url}"\n' for party in cities)
        with (path / SERVER_FILE).open("a") as file:
            file.write(rows)
        load_settings(path)
    typer.echo(f"已写入 {layout.policy}：请把该目录分发给各城市、各席位与审计人员")


@app.command()
def serve(
    state: State = None,
    with_city: Annotated[list[Path] | None, typer.Option(help="State directory of a city node, too.")] = None,
) -> None:
    """Run web, signing and the media workers (and city nodes, where named) under one supervisor."""
    path = state_directory(state)
    settings = load_settings(path)
    start_journal("supervisor")
    asyncio.run(run_until_signal(supervisor(settings, tuple(with_city or ()))))


def supervisor(settings: Settings, cities: tuple[Path, ...] = ()) -> Supervisor:
    """Every process of an installation, and of the city nodes that share its machine."""
    layout = Layout(settings.state)
    folder = wiring.worker_folder(settings)
    always = [Sibling("signing", _command("signing", settings.state))]
    for place in cities:
        name = f"city-{load_city_settings(place.absolute()).domain.partition('.')[0]}"
        always.append(Sibling(name, (*_command("city"), "serve", "--state", str(place.absolute()))))
    always.append(Sibling("web", _command("web", settings.state)))

    def workers() -> list[Sibling]:
        return [
            Sibling(worker.name, (*_command("media-worker", settings.state), worker.proceeding))
            for worker in folder.wanted()
        ]

    return Supervisor(always=always, run=layout.run, logs=layout.log, wanted=workers)


@app.command()
def vouch(
    proceeding: Annotated[str, typer.Argument(help="The proceeding's id.")],
    seat: Annotated[str, typer.Argument(help="A seat of the main centre, such as operator-1.")],
    code: Annotated[str, typer.Argument(help="The comparison code, read from the device itself.")],
    state: State = None,
) -> None:
    """Vouch for the main venue's first operator; all others are checked by an operator in the browser."""
    _desk(state).vouch(proceeding, seat, code)
    typer.echo(f"已为 {seat} 的设备作保")


@app.command("admin-link")
def admin_link(state: State = None) -> None:
    """Print a one-time link that signs an administrator in, in a browser, within a quarter of an hour."""
    typer.echo(_desk(state).administrator_link())


def _desk(state: Path | None) -> Desk:
    """The running server's doors, for its administrator."""
    settings = load_settings(state_directory(state))
    token = read_private(Layout(settings.state).secrets / wiring.ADMINISTRATOR_TOKEN).decode().strip()
    return Desk(settings.web.local, token, settings.web.certificate)


def _named(zh: str, en: str) -> dict[str, object]:
    """The settings of a city's name, where one was given."""
    return {f"name.{language}": text for language, text in (("zh", zh), ("en", en)) if text}


def _command(name: str, state: Path | None = None) -> tuple[str, ...]:
    # -P: the working directory is no place to import from.
    command = (sys.executable, "-P", "-m", "web.server", name)
    return command if state is None else (*command, "--state", str(state))


@app.command()
def web(state: State = None) -> None:
    """Run the web process alone."""
    from web.server.serving import serve as serve_app

    settings = load_settings(state_directory(state))
    start_journal("web")

    async def main() -> None:
        async with wiring.build_web(settings) as (served, stopping):
            await serve_app(served, settings.web, stopping=stopping)

    uvloop.run(main())


@app.command()
def signing(state: State = None) -> None:
    """Run the signing process alone."""
    from web.server.serving import serve as serve_app

    settings = load_settings(state_directory(state))
    start_journal("signing")
    uvloop.run(serve_app(wiring.build_signing(settings), settings.signing))


@app.command("media-worker")
def media_worker(proceeding: str, state: State = None) -> None:
    """Run the media worker of one proceeding alone."""
    from media.worker import ahead_of_others

    settings = load_settings(state_directory(state))
    start_journal("media-worker")
    ahead_of_others()
    found = [worker for worker in wiring.worker_folder(settings).wanted() if worker.proceeding == proceeding]
    if not found:
        raise BadSettings(f"nobody wants a media worker for {proceeding}")
    uvloop.run(wiring.run_media_worker(settings, found[0]))


@city.command("init")
def city_init(
    state: State = None,
    domain: Domain = "city.example",
    operator: Operator = "示例城市交易中心",
    name_zh: NameZh = "",
    name_en: NameEn = "",
    url: Annotated[str, typer.Option(help="Where the main server reaches this node.")] = "http://127.0.0.1:8100",
    main_url: Annotated[str, typer.Option(help="The main server's public origin.")] = PUBLIC_ORIGIN,
    port: Annotated[int, typer.Option(help="Port of the node.")] = 8100,
) -> None:
    """Make a city node: its keys and its operator's token. A node that exists keeps its keys."""
    path = state_directory(state)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (path / CITY_FILE).exists():
        values = {"domain": domain, "operator": operator, "main_url": main_url, "listen.port": port}
        write_toml(path / CITY_FILE, values | _named(name_zh, name_en), {})
    party = wiring.initialise_city(load_city_settings(path), url)
    layout = Layout(path)
    typer.echo(f"城市节点 {party.domain} 已就绪：{path}")
    for step in (
        f"把 {layout.public} 当面交给主场中心",
        "收到 policy/ 后运行 tongping city trust --policy DIR",
        f"妥善保管 {layout.secrets} 与 {layout.data}；见证密钥不得从备份恢复",
        "运行 tongping city serve",
    ):
        typer.echo(f"  □ {step}")


@city.command("trust")
def city_trust(
    policy: Annotated[Path, typer.Option(help="The folder with tlog-policy and trust.json.")], state: State = None
) -> None:
    """Pin the agreement's policy; what is pinned is never replaced silently."""
    layout = Layout(state_directory(state))
    wiring.read_pins(policy)
    for name in (wiring.POLICY, wiring.TRUST):
        data, pinned = (policy / name).read_bytes(), layout.policy / name
        if pinned.exists() and pinned.read_bytes() != data:
            raise BadSettings(f"{pinned} holds another agreement; remove it by hand if the parties agreed so")
        pinned.write_bytes(data)
    typer.echo(f"已钉住 {layout.policy}")


@city.command("link")
def city_link(
    url: Annotated[str, typer.Argument(help="A seat's one-time link, as the main centre handed it out.")],
    state: State = None,
) -> None:
    """The same link, naming the agreement that this city has pinned, and this node: give the seat this one."""
    layout = Layout(state_directory(state))
    typer.echo(rewrite_link(url, wiring.read_pins(layout.policy), Party.read(layout.public).url))


@city.command("vouch")
def city_vouch(
    origin: Annotated[str, typer.Argument(help="The proceeding's name: centre/proceedings/id.")],
    seat: Annotated[str, typer.Argument(help="A seat of this city, such as operator-2.")],
    code: Annotated[str, typer.Argument(help="The comparison code, read from the device itself.")],
    state: State = None,
) -> None:
    """Vouch for this city's first operator; all others are checked by an operator in the browser."""
    city_desk(state).vouch_at_node(origin, seat, code)
    typer.echo(f"已为 {seat} 的设备作保")


@city.command("confirm")
def city_confirm(
    origin: Annotated[str, typer.Argument(help="The log that goes on: centre/proceedings/id/r2.")], state: State = None
) -> None:
    """Confirm that a log goes on under another origin, after this city looked at what is missing, and why."""
    city_desk(state).confirm_at_node(origin)
    typer.echo(f"已确认 {origin} 继续；各席位须重新确认并补交缺失的操作")


city.command("release")(opening_commands.release)
city.command("open")(opening_commands.open_)


@city.command("serve")
def city_serve(state: State = None) -> None:
    """Run the node."""
    from web.server.serving import serve as serve_app

    settings = load_city_settings(state_directory(state))
    start_journal("city")

    async def main() -> None:
        async with wiring.build_city(settings) as served:
            await serve_app(served, settings.listen)

    uvloop.run(main())


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An evidence file.")],
    policy: Annotated[Path, typer.Option(help="The folder with tlog-policy and trust.json.")],
    as_json: Annotated[bool, typer.Option("--json", help="The verdict as JSON.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="JSON lines: each step as it ends, then the verdict.")] = False,
) -> None:
    """Verify an evidence file against pinned keys: 0 valid, 1 invalid, 2 undetermined or unreadable."""

    def step(found: Step) -> None:
        if lines:
            typer.echo(json.dumps(found.as_json, ensure_ascii=False))
        elif not as_json:
            typer.echo(f"({found.number:>2}) {found.code or 'ok'}: {found.name} {found.detail}".rstrip())

    try:
        verdict = wiring.verify(file, policy, progress=step)
    except OSError as error:
        typer.echo(f"tongping: {file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    found = verdict_words.as_object(verdict)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json or lines else verdict_words.in_words(verdict))
    raise typer.Exit(verdict.status)


@app.command("verify-after")
def verify_after(
    file: Annotated[Path, typer.Argument(help="An evidence file.")],
    policy: Annotated[Path, typer.Option(help="The folder with tlog-policy and trust.json.")],
    deeds: Annotated[Path, typer.Option(help="What GET …/after/acts gave to a seat.")],
) -> None:
    """Verify what followed the proceeding: one JSON line for each act, with how far it is proven."""
    try:
        found = wiring.verify_after(file, policy, deeds.read_bytes())
    except OSError as error:
        typer.echo(f"tongping: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    for act in found:
        typer.echo(json.dumps(act, ensure_ascii=False))


@app.command()
def purge(proceeding: Annotated[str, typer.Argument(help="The proceeding's id.")], state: State = None) -> None:
    """Delete what belongs to a proceeding whose time of retention is over; the centre log says so first."""
    done = _desk(state).purge(proceeding)
    typer.echo(f"中心日志第 {done['index']} 条；已删除 {done['gone']} 个对象，{done['left']} 个按存储期限仍保留")


@app.command()
def recover(
    state: State = None,
    cities: Annotated[list[str] | None, typer.Option("--from", help="A city's domain; several: once each.")] = None,
    disclosures: Annotated[Path | None, typer.Option(help="Disclosures that somebody kept, as a JSON list.")] = None,
    look: Annotated[bool, typer.Option("--look", help="Only say what would be taken back.")] = False,
) -> None:
    """Take back from the cities' copies what the database lost, while the server is stopped: 0 whole, 1 not whole."""
    from web.server.recovering import in_words, read_disclosures, whole

    settings = load_settings(state_directory(state))
    told = read_disclosures(disclosures)

    async def main() -> list[Recovered]:
        async with wiring.build_recovery(settings, cities=cities or (), told=told, look_only=look) as recovery:
            return await recovery.run()

    found = asyncio.run(main())
    for line in in_words(found, look_only=look):
        typer.echo(line)
    raise typer.Exit(0 if whole(found) else 1)


@app.command("continue")
def go_on(
    origin: Annotated[str, typer.Argument(help="The log whose entries are gone: centre/proceedings/id.")],
    reason: Annotated[str, typer.Option(help="What happened, as the log shall say it.")],
    state: State = None,
) -> None:
    """Let a log go on under the next origin, where nobody has its acknowledged entries any more (after `recover`)."""
    done = _desk(state).go_on(proceeding_of(origin).rpartition("/")[2], reason)
    left = done["continues"]
    typer.echo(
        f"日志 {left['origin']} 的第 {left['size']} 至 {left['witnessed'] - 1} 条无处可取，改以 {done['origin']} 继续"
    )
    typer.echo(f"请另一中心（非主场）核对后运行：tongping city confirm {done['origin']}")


@app.command()
def demo(
    seed: Annotated[int | None, typer.Option(help="Another tender, with other sheets.")] = None,
    state: Annotated[Path | None, typer.Option(help="Where the demo keeps everything.")] = None,
    keep: Annotated[bool, typer.Option(help="Go on serving when the proceeding is over.")] = False,
) -> None:
    """Play one whole proceeding, with real processes, real media and real signatures."""
    # Imported late: the demo brings the actors with it, which no server needs.
    from web.demo.run import run_demo

    raise typer.Exit(run_demo(seed=seed, state=state, keep=keep))


@app.command(
    "partner-sim", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)
def partner_sim(context: typer.Context) -> None:
    """A second city as a program that uses nothing but the partner API."""
    # Imported late: no server needs it.
    from web.partner_sim.cli import app as partner

    partner(context.args, prog_name="tongping partner-sim")


@app.command("openapi")
def openapi() -> None:
    """Print the description of the API, as openapi.json has it."""
    from web.server.app import routes
    from web.server.description import written

    typer.echo(written(routes()), nl=False)

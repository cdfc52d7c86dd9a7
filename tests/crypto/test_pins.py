"""The one-time link names the agreement (docs/adr/0006): a main server that hands out other pins is refused."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from evidence.core.canonical import b64u
from sessions.trust import Pins
from tests.crypto.node import Refused, browser
from tests.sessions.node_world import Main, new_signer
from web.server.cli import app
from web.server.errors import BadSettings
from web.server.installation import Layout, Party
from web.server.links import rewrite_link, write_link

ORIGIN = "https://pb.example"
NODE = "https://node.zhuhai.example:8100"


PINS = "#t." + "A" * 43
WRONG_NODES = [PINS + ".", PINS + ".!", PINS + "." + b64u(NODE.encode()) + ".x"] + [
    f"{PINS}.{b64u(text.encode())}"
    for text in ("zhuhai.example", NODE + "/", NODE + "/x", "https://a@b.example", "ftp://b.example", "javascript:1")
]
"""Behind pins in form: what is no origin of a node."""


def other_agreement() -> Pins:
    """Witnesses and centres of the main server's own making, under the same names."""
    return Main().pins


@pytest.mark.asyncio
async def test_a_browser_takes_the_agreement_that_its_link_names_and_no_other() -> None:
    mine, theirs = Main().pins, other_agreement()
    link, near = write_link(ORIGIN, "token", mine), write_link(ORIGIN, "token", mine, NODE)
    async with browser() as client:
        named = await client.ask("fragment", fragment=link.partition("#")[2])
        assert named == {"token": "token", "pins": mine.digest.hex(), "node": None}
        assert await client.ask("fragment", fragment=near.partition("#")[2]) == named | {"node": NODE}

        async def take(policy: Pins, trust: Pins) -> Any:
            return await client.ask("pins", policy=policy.policy_text, trust=trust.trust_text, digest=named["pins"])

        assert await take(mine, mine) == mine.trust.main
        for policy, trust in ((theirs, theirs), (theirs, mine), (mine, theirs)):
            with pytest.raises(Refused) as refusal:
                await take(policy, trust)
            assert refusal.value.code == "pins-refused"
        # The control switched off: asked for the digest of whatever it hands out, the browser would take it.
        told = await client.ask("pins", policy=theirs.policy_text, trust=theirs.trust_text, digest=theirs.digest.hex())
        assert told == theirs.trust.main


@pytest.mark.asyncio
@pytest.mark.parametrize("fragment", ["", "#", "#.x", "#t.", "#t.AA", "#t.a.b", "#t." + "A" * 44, "#t." + "!" * 43])
async def test_a_link_out_of_form_is_refused(fragment: str) -> None:
    async with browser() as client:
        with pytest.raises(Refused) as refusal:
            await client.ask("fragment", fragment=fragment)
        assert refusal.value.code == "pins-refused"


@pytest.mark.asyncio
async def test_a_link_whose_node_is_no_origin_is_refused() -> None:
    async with browser() as client:
        for fragment in WRONG_NODES:
            with pytest.raises(Refused) as refusal:
                await client.ask("fragment", fragment=fragment)
            assert refusal.value.code == "pins-refused"


def test_a_city_writes_its_own_pins_into_the_main_centres_link(tmp_path: Any) -> None:
    """Whatever the main centre named: the seat is the city's."""
    mine, theirs = Main().pins, other_agreement()
    layout = Layout(tmp_path)
    layout.policy.mkdir(parents=True)
    (layout.policy / "tlog-policy").write_text(mine.policy_text)
    (layout.policy / "trust.json").write_text(mine.trust_text)
    Party(domain="zhuhai.example", operator="珠海", jwk=new_signer().jwk, url=NODE).write(layout.public)
    for given in (f"{ORIGIN}/sign-in#token", write_link(ORIGIN, "token", theirs)):
        said = CliRunner().invoke(app, ["city", "link", given, "--state", str(tmp_path)])
        assert said.output.strip() == f"{ORIGIN}/sign-in#token.{b64u(mine.digest)}.{b64u(NODE.encode())}"


@pytest.mark.parametrize("url", ["", "token", f"{ORIGIN}/sign-in", f"{ORIGIN}/sign-in#", f"{ORIGIN}/else#t", "#t"])
def test_what_is_no_link_is_not_rewritten(url: str) -> None:
    with pytest.raises(BadSettings):
        rewrite_link(url, Main().pins, NODE)

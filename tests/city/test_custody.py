"""A custodian at work, by the very commands of docs/guide/operator.md, with its own node (protocols.md 4, 4(7), 4(8)).

The main centre is a play that takes the files as the draw's page hands them in. A canary is each expert's name, number,
employer and telephone: none of them is in anything that was sent or kept elsewhere, until that one person takes a seat.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import stat
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request, Response

from evaluation.core import draw as rules
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core import disclosure
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256, unb64u
from sessions import draw_secrets, people
from sessions.adapters.node_store import FileNodeStore
from sessions.core.commands import FreezeDraw, ResolveDraw
from tests.city.servers import OPERATOR, free_port, serving
from tests.commands import typed
from tests.evaluation.plain_draw import drawn as plainly_drawn
from tests.evaluation.test_pool import HEAD, row
from tests.sessions.canaries import disk, found
from tests.sessions.drive import CODES
from tests.sessions.node_play import ZHUHAI, Play, make_node, seats
from tests.sessions.node_world import PROCEEDING, Main
from web.city.app import create_city_app
from web.server.installation import write_private

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "operator.md"
OPEN = {"seat-4": "expert/law", "seat-5": "expert/it"}
DAY = "2026-11-21"


def commands() -> list[str]:
    """The guide's for a pool, in their order."""
    blocks = re.findall(r"^   ```sh\n(.*?)^   ```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("tongping pool ")]


@dataclass
class Custody:
    """The custodian's machine (`folder`), its node, and the main centre's play; `sent` is what went over the wire."""

    folder: Path
    elsewhere: Path
    play: Play
    sent: dict[str, bytes] = field(default_factory=dict)
    opened: bytes = b""

    def run(self, command: str, **changed: str) -> tuple[int, str, str]:
        known = {"ORIGIN": PROCEEDING, **{f"BIDDER_{n}": code for n, code in enumerate(CODES[:3], 1)}}
        for old, new in changed.items():
            assert old in command
            command = command.replace(old, new)
        words = shlex.split(re.sub(r"\$(\w+)", lambda name: known[name[1]], command))
        assert words.pop(0) == "tongping"
        return typed(*words)

    def hand_in(self, file: str) -> Object:
        """As the page does: `POST …/acts`."""
        handed: Object = decode_object((self.folder / file).read_bytes())
        self.play.perform(acts.parse(handed["act"]))
        return handed

    async def open_draw(self) -> None:
        """The main operator's page, and every city's node."""
        body = decode_object((self.folder / "draw-1" / "draw.json").read_bytes())
        (pool,) = self.play.state.drawing.pools.values()
        assert (body.pop("v"), body["pool"]) == (1, {"count": pool.count, "root": b64u(pool.root)})
        facts = (self.folder / "draw-1" / "facts.json").read_bytes()
        assert unb64u(body["facts"]) == sha256(facts)
        self.opened = self.play.by("operator-1", "draw.open", body | {"attempt": 1, "pool": b64u(pool.leaf)})[0].leaf
        self.play.witness()
        for node in self.play.nodes.values():
            (made,) = self.play.perform(await node.contribute(PROCEEDING, self.opened))
            assert made.act is not None
            await self.play.ack(made.act.id)
        (frozen,) = self.play.command(FreezeDraw(self.opened))
        self.play.witness()
        for node in self.play.nodes.values():
            self.play.perform(await node.reveal(PROCEEDING, frozen.leaf))
        secrets = dict(draw_secrets.of(self.play.state, self.play.state.drawing.opened(self.opened), envelope_p256))
        self.play.command(ResolveDraw(frozen.leaf, tuple(secret for secret in secrets.values() if secret)))

    def out(self) -> dict[str, bytes]:
        """All that went to somebody else: on the wire, as files, into the log, on the node's disk."""
        files = ("pool/pool.json", "pool/freeze.json", "draw-1/draw.json", "draw-1/facts.json", "answers-1.json")
        handed = {name: (self.folder / name).read_bytes() for name in files if (self.folder / name).exists()}
        log = {f"entry {entry.n}": entry.data for entry in self.play.log.entries}
        return self.sent | handed | log | disk(self.elsewhere)


def expert(n: int) -> dict[str, str]:
    changed = {"任职单位及期间": f"{CODES[1]} 2024-01-01/"} if n == 8 else {}
    return row(n, 姓名=f"金丝雀甲乙{n}", 工作单位=f"不可外传之单位{n}", **changed)


CANARIES = {
    f"{heading} {n}": expert(n)[heading].encode() for n in range(12) for heading in ("姓名", "工作单位", "联系电话")
} | {f"编号 {n}": f'"{expert(n)["编号"]}"'.encode() for n in range(12)}


@pytest.fixture
def custody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Custody]:
    folder, elsewhere, state = tmp_path / "machine", tmp_path / "node", tmp_path / "state"
    folder.mkdir()
    main, port = Main(), free_port()
    mine = next(keys for keys in main.cities if keys.domain == ZHUHAI)
    nodes = [make_node(main, keys) for keys in main.cities if keys is not mine]
    nodes.append(make_node(main, mine, store=FileNodeStore.create(elsewhere)))
    made = Custody(folder, elsewhere, Play(main, nodes))
    made.play.found(seats=[seat | ({"stratum": OPEN[seat["id"]]} if seat["id"] in OPEN else {}) for seat in seats()])
    (folder / "experts.csv").write_text("\n".join(",".join(each) for each in [HEAD, *map(_cells, range(12))]))
    (folder / "call-1.wav").write_bytes(b"call")
    (folder / "letter.pdf").write_bytes(b"letter")
    (state / "secrets").mkdir(parents=True)
    write_private(state / "secrets" / "operator.token", OPERATOR.encode())
    (state / "city.toml").write_text(f'domain = "{ZHUHAI}"\noperator = "x"\n[listen]\nport = {port}\n')
    app = create_city_app(nodes[-1], operator_token=OPERATOR, pages="http://127.0.0.1:1")

    @app.middleware("http")
    async def recorded(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        made.sent[f"request {len(made.sent)}"] = str(request.headers).encode() + await request.body()
        return await proceed(request)

    monkeypatch.chdir(folder)
    monkeypatch.setenv("TONGPING_STATE", str(state))
    with serving(app, port):
        yield made


def _cells(n: int) -> list[str]:
    return [expert(n)[name] for name in HEAD]


def test_the_guides_commands_draw_experts_and_name_nobody(custody: Custody) -> None:
    play = custody.play
    make, freeze, facts, drawn, who, answer, seat = commands()

    async def ready() -> None:
        await play.offers()
        await play.bind("operator-1")
        await play.bind("supervisor-1")

    asyncio.run(ready())
    assert custody.run(make)[0] == 0
    for file in (custody.folder / "pool").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    status, _, complaint = custody.run(make)
    assert (status, "not replaced" in complaint) == (2, True), "salts are never lost to a second run"
    assert custody.run(freeze)[0] == 0
    custody.hand_in("pool/freeze.json")
    play.witness()
    status, said, _ = custody.run(facts + f" --day {DAY}")
    # E-003 is out by its letter, E-008 by its facts; the law has no experts of odd numbers.
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines()}
    assert (status, lines["分层"]) == (0, ["入选", "declared", "employed-by-a-bidder"])
    assert (lines["expert/law"], lines["expert/it"]) == (["5", "0", "1"], ["5", "1", "0"])

    # Before there is a result nobody is named.
    assert "not-yet" in custody.run(drawn)[2]
    asyncio.run(custody.open_draw())
    honest = play.main.receipt

    async def thin(origin: str, n: int) -> bytes:
        return play.main.proof(play.log, n, witnesses=2)

    play.main.receipt = thin  # type: ignore[method-assign]
    assert "no-quorum" in custody.run(drawn)[2], "a result that the quorum has not seen names nobody"
    play.main.receipt = honest  # type: ignore[method-assign]
    assert custody.run(drawn)[0] == 0
    found_ = play.state.drawing.opened(custody.opened)
    plain = plainly_drawn(found_.seed, [(each.label, each.quota, list(each.leaves)) for each in found_.strata])
    by_leaf = leaves(custody)
    status, said, _ = custody.run(who)
    named = [line.split()[2] for line in said.splitlines() if re.match(r"\d+ +(抽中|候补)", line)]
    assert (status, named) == (0, [by_leaf[leaf]["number"] for order in plain for leaf in order])
    assert [line.split()[1] for line in said.splitlines() if line.startswith(("0 ", "1 "))] == ["抽中", "候补"] * 2

    assert custody.run(answer)[0] == 0
    handed = acts.parse(custody.hand_in("answers-1.json")["act"])
    assert [each[3] for each in handed.body["answers"]] == [b64u(sha256(b"call")), None, None]
    play.by("supervisor-1", "draw.countersign", {"statement": b64u(handed.id)})
    play.witness()
    assert rules.settled(found_.strata, play.state.drawing.opened(custody.opened).answers)
    assert found(CANARIES, custody.out()) == set()

    # The seat's file names one person, and only there; the search would find what leaks.
    assert custody.run(seat)[0] == 0
    disclosed = custody.hand_in("seat-4.json")["disclosures"]
    assert play.state.seated["seat-4"].position == 1
    taken = by_leaf[plain[0][1]]
    told = (taken["name"], taken["employer"])
    assert people.named(play.state.people, disclosed)["seat-4"] == told
    people.check_drawn(play.state, disclosed)
    assert found(CANARIES, custody.out()) == set()
    (name,) = (each for each, value in CANARIES.items() if value == told[0].encode())
    assert (name, "seat") in found(CANARIES, {"seat": encode(disclosure.parse(disclosed[0]).value)})
    assert found(CANARIES, {"leaves": (custody.folder / "pool" / "leaves.json").read_bytes()}) == {
        (each, "leaves") for each in CANARIES
    }


def leaves(custody: Custody) -> dict[bytes, Any]:
    """The custodian's file, read without the product: leaf hash -> who it is."""
    read = json.loads((custody.folder / "pool" / "leaves.json").read_bytes())["experts"]
    made: dict[bytes, Any] = {}
    for each in read:
        bound = b"tongping/pool-person/v1\x00" + each["nonce"].encode() + b"\x00"
        ref = b64u(sha256(bound + encode([each["number"], each["name"], each["employer"]])))
        made[sha256(b"\x00" + encode([each["salt"], ref, each["attributes"]]))] = each
    return made

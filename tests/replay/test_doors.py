"""The auditor's doors, over HTTP: recordings by hash, timeline, search, verification; and who is kept out."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sessions import auditing
from sessions.core import timeline
from tests.replay.site import Site, site
from tests.sessions.service_world import MAIN, NAMES, eventually, tender
from web.server.errors import NotVerified
from web.server.verifying import FAILED, Verifications

# The verifier is a process of its own at the machine's idle half.
PATIENCE_S = 240


def code(answer: httpx2.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["code"])


def octets(text: str) -> str:
    """base64url to hex."""
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()


@pytest.mark.asyncio
@pytest.mark.timeout(400)
async def test_an_auditor_reads_an_archived_proceeding(tmp_path: Path) -> None:
    """One world for the whole walk, because playing a proceeding is what takes the time."""
    async with site(tmp_path) as found:
        await _before_the_end(found)
        await found.finish()
        segment = await _recordings(found)
        await _ranges(found, segment)
        await _timeline(found)
        await _search(found)
        await _verification(found)
        await _looks(found)


async def _before_the_end(found: Site) -> None:
    """Too early: there is no evidence file yet."""
    assert code(await found.call("POST", "/verification", "auditor-1")) == "too-early"
    assert (await found.call("GET", "/timeline", "supervisor-1")).status_code == 200


async def _recordings(found: Site) -> str:
    answer = await found.call("GET", "/recordings", "auditor-1")
    tracks = answer.json()["tracks"]
    assert {(t["room"], t["kind"]) for t in tracks} >= {(f"room-{n}", k) for n in (1, 2, 3) for k in ("mic", "camera")}
    assert answer.json()["size"] == found.keeper.state.size
    later = (await found.call("GET", f"/recordings?start={answer.json()['size']}", "auditor-1")).json()
    assert later["tracks"] == []
    for name in ("sha256", "init"):
        sha256 = octets(tracks[0]["segments"][0][name])
        got = await found.call("GET", f"/recordings/{sha256}", "auditor-1")
        assert got.status_code == 200
        assert hashlib.sha256(got.content).hexdigest() == sha256
        assert "immutable" in got.headers["cache-control"]
        assert "private" in got.headers["cache-control"]
        assert got.headers["content-type"] == "video/webm"
    # Wrong person, unknown hash, an object that is no recording, a hash out of form.
    for seat in ("seat-1", "operator-1", "operator-2", "room-1"):
        for path in (f"/recordings/{sha256}", "/recordings", "/timeline", "/search", "/verification"):
            assert code(await found.call("GET", path, seat)) == "wrong-role", (seat, path)
    assert code(await found.call("GET", f"/recordings/{sha256}", "")) == "not-signed-in"
    definition = found.keeper.state.definition
    assert definition is not None
    for name in ("0" * 64, definition.sha256.hex()):
        assert code(await found.call("GET", f"/recordings/{name}", "auditor-1")) == "object-missing"
    assert (await found.call("GET", "/recordings/" + "A" * 64, "auditor-1")).status_code in (400, 422)
    return octets(tracks[0]["segments"][0]["sha256"])


async def _ranges(found: Site, sha256: str) -> None:
    """RFC 9110 section 14."""
    path = f"/recordings/{sha256}"
    whole = (await found.call("GET", path, "auditor-1")).content
    part = await found.call("GET", path, "auditor-1", Range="bytes=3-6")
    assert (part.status_code, part.content) == (206, whole[3:7])
    assert part.headers["content-range"] == f"bytes 3-6/{len(whole)}"
    rest = await found.call("GET", path, "auditor-1", Range="bytes=3-")
    assert rest.content == whole[3:]
    beyond = await found.call("GET", path, "auditor-1", Range="bytes=3-99999999")
    assert beyond.content == whole[3:]
    for wrong in ("bytes=9999999-", "bytes=6-3", "bytes=0-1,3-4", "bytes=-5", "octets=0-1", "bytes=x-y", "1" * 300):
        answer = await found.call("GET", path, "auditor-1", Range=wrong)
        assert (answer.status_code, code(answer)) == (416, "range-refused"), wrong


async def _timeline(found: Site) -> None:
    size = found.keeper.state.size
    rows: list[dict[str, Any]] = []
    while len(rows) < size:
        answer = (await found.call("GET", f"/timeline?start={len(rows)}&limit=100", "auditor-1")).json()
        assert len(answer["rows"]) <= 100
        rows += answer["rows"]
    assert [row["n"] for row in rows] == list(range(size))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert all("type" in row for row in rows)
    opened = next(row for row in rows if row["type"] == "SheetOpened")
    assert opened["body"]["p"]
    assert all(
        "body" not in row and "said" not in row for row in rows if row["type"] in ("SheetSealed", "SegmentsClosed")
    )
    assert (await found.call("GET", f"/timeline?start={size + 5}", "auditor-1")).json()["rows"] == []
    for wrong in ("start=-1", "limit=0", f"limit={timeline.MOST + 1}", "start=x"):
        assert (await found.call("GET", f"/timeline?{wrong}", "auditor-1")).status_code in (400, 422), wrong


async def _search(found: Site) -> None:
    async def hits(query: str) -> list[dict[str, Any]]:
        answer = await found.call("GET", f"/search?{query}", "auditor-1")
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    assert {row["type"] for row in await hits("text=stageadv")} == {"StageAdvanced"}
    assert {row["type"] for row in await hits("text=nothing-like-it&type=ChairElected")} == {"ChairElected"}
    mine = await hits("by=supervisor-1")
    assert mine
    assert {row["seat"] for row in mine} == {"supervisor-1"}
    first = (await hits("type=StageAdvanced"))[0]
    assert all(row["at"] >= first["at"] for row in await hits(f"since={first['at']}"))
    assert {row["at"] <= first["at"] for row in await hits(f"until={first['at']}")} == {True}
    assert await hits("text=%F0%9F%A6%8A") == []
    assert await hits("text=.*") == []
    for wrong in ("text=" + "x" * 101, "since=yesterday", "start=-1", "&".join(["type=A"] * 101)):
        assert (await found.call("GET", f"/search?{wrong}", "auditor-1")).status_code in (400, 422), wrong[:40]


async def _verification(found: Site) -> None:
    assert code(await found.call("GET", "/verification", "auditor-1")) == "not-verified"
    started = await found.call("POST", "/verification", "auditor-1")
    assert (started.status_code, started.json()["state"]) == (202, "running")
    # Asked again, it is the same run.
    await found.call("POST", "/verification", "supervisor-1")

    async def done() -> bool:
        return bool((await found.call("GET", "/verification", "auditor-1")).json()["state"] != "running")

    await eventually(done, PATIENCE_S)
    answer = (await found.call("GET", "/verification", "auditor-1")).json()
    assert (answer["state"], answer["verdict"]["verdict"]) == ("done", "valid"), answer
    assert [step["number"] for step in answer["steps"]] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]


async def _looks(found: Site) -> None:
    await found.call("GET", "/evidence", "auditor-1")
    kinds = {
        look["kind"]
        for entry in found.proceedings.centre.entries
        if entry.type == "LookNoted"
        for look in entry.body["looks"]
    }
    assert kinds == {"replay", "verify", "download"}
    told = (await found.call("GET", "/looks", "supervisor-1")).json()["looks"]
    assert {look["kind"] for look in told} == kinds
    assert code(await found.call("GET", "/looks", "seat-1")) == "wrong-role"


@pytest.mark.asyncio
async def test_an_auditor_searches_all_proceedings_of_the_office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as found:
        ours, theirs = copy.deepcopy(tender()), copy.deepcopy(tender())
        ours["definition"]["title"] = "道路照明改造工程"
        for seat in theirs["seats"]:
            if seat["role"] == "auditor":
                seat["centre"] = MAIN
        second = await found.proceedings.create(ours)
        foreign = await found.proceedings.create(theirs)

        async def search(query: str, seat: str = "auditor-1") -> Any:
            answer = await found.call("GET", f"/audited?{query}", seat)
            assert answer.status_code == 200, answer.text
            return answer.json()

        everything = await search("")
        assert [each["id"] for each in everything["proceedings"]] == [second, found.id]
        assert (everything["cursor"], everything["whole"]) == (None, True)
        (hit,) = (await search("text=%E7%85%A7%E6%98%8E"))["proceedings"]
        assert (hit["id"], hit["title"], hit["seat"], hit["state"]) == (
            second,
            "道路照明改造工程",
            "auditor-1",
            "before",
        )
        assert hit["cities"] == NAMES
        assert [bidder["id"] for bidder in hit["bidders"]] == [each["id"] for each in ours["definition"]["bidders"]]
        assert len((await search("type=DefinitionFixed&limit=50"))["proceedings"]) == 2
        assert (await search(f"text={foreign}"))["proceedings"] == [], "another office's"
        assert len((await search("city=%E7%8F%A0%E6%B5%B7&state=before&since=2000-01-01"))["proceedings"]) == 2
        for nothing in ("city=nowhere", "state=closed", "until=2000-01-01", "bidder=nobody", "text=.*"):
            assert (await search(nothing))["proceedings"] == [], nothing
        # Page by page, the same, and the cursor is this office's alone.
        first = await search("limit=1")
        rest = await search(f"limit=1&cursor={first['cursor']}")
        assert [page["proceedings"][0]["id"] for page in (first, rest)] == [second, found.id]
        assert rest["cursor"] is None
        altered = ("A" if first["cursor"][0] != "A" else "B") + first["cursor"][1:]
        for wrong in (f"cursor={altered}", "cursor=x", "cursor=" + "x" * 101):
            assert (await found.call("GET", f"/audited?{wrong}", "auditor-1")).status_code in (400, 422), wrong
        for wrong in (
            *("text=" + "x" * 101, "since=2026-13-01", "until=9999-12-31", "since=2026-1-1", "state=lost"),
            *("limit=0", "limit=51", "limit=x", "&".join(["type=A"] * 101)),
        ):
            assert (await found.call("GET", f"/audited?{wrong}", "auditor-1")).status_code in (400, 422), wrong[:40]
        for seat in ("seat-1", "operator-1", "operator-2", "supervisor-1", "room-1"):
            assert code(await found.call("GET", "/audited", seat)) == "wrong-role", seat
        assert code(await found.call("GET", "/audited", "")) == "not-signed-in"
        monkeypatch.setattr(auditing, "LOOKS", 1)
        empty = await search("text=nothing")
        assert (empty["proceedings"], bool(empty["cursor"])) == ([], True), "it goes on from there"


@pytest.mark.asyncio
async def test_a_verifier_that_dies_is_a_failed_run(tmp_path: Path) -> None:
    """Neither valid nor invalid: nobody is told what was not found out."""
    for command in (("false",), ("echo", "no json")):
        verifications = Verifications(policy=tmp_path, command=command)
        run = verifications.start("p", tmp_path / "file.zip")

        async def over(run: Any = run) -> bool:
            return bool(run.state != "running")

        await eventually(over)
        assert (run.state, run.verdict) == (FAILED, None)
        await verifications.stop()
    with pytest.raises(NotVerified):
        verifications.find("another")

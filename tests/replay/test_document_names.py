"""What people call the documents that a room shows: told to its machine, which may not read the definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.core.canonical import b64u, encode, sha256
from sessions.core.audited import Tender
from tests.replay.site import site
from tests.sessions.service_world import DOCUMENT


@pytest.mark.asyncio
async def test_a_room_is_told_a_documents_name_and_not_the_definition(tmp_path: Path) -> None:
    """Whoever may see a page may know what it is called, and from then on; of nothing else is there a name."""
    async with site(tmp_path) as found:
        named, other = (f"/documents/{name.hex()}" for name in (sha256(DOCUMENT), bytes(32)))
        early = await found.call("GET", named, "room-1")
        assert early.status_code == 409, early.text
        await found.people.play(found.keeper, lambda state: state.stage == "declarations")
        answer = await found.call("GET", named, "room-1")
        assert (answer.status_code, answer.json()) == (200, {"name": "招标文件.pdf"})
        assert (await found.call("GET", other, "room-1")).status_code == 404
        assert (await found.call("GET", named, "")).status_code == 401
        definition = found.keeper.state.definition
        assert definition is not None
        refused = await found.call("GET", f"/objects/{definition.sha256.hex()}", "room-1")
        assert refused.status_code == 403


def test_documents_of_one_name_are_told_apart_as_on_the_pages() -> None:
    """`documentNames` of the client says the same: the bidder first, and the hash where that is not enough."""
    hashes = [bytes([n]) * 32 for n in range(4)]
    rows = zip(hashes, ("bidder-1", "bidder-2", "bidder-2", None), strict=True)
    definition = {
        "title": "t",
        "bidders": [{"id": f"bidder-{n}", "name": f"公司{n}", "code": "c"} for n in (1, 2)],
        "documents": [{"sha256": b64u(name), "name": "投标文件", "bidder": bidder} for name, bidder in rows],
    }
    assert list(Tender.read(encode(definition), 10_000).documents.values()) == [
        "公司1 · 投标文件",
        "公司2 · 投标文件（01010101）",
        "公司2 · 投标文件（02020202）",
        "投标文件",
    ]

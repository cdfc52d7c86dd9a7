"""Disclosures lie sealed under keys of their own, and are forgotten with them (protocols.md section 5)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from evidence.adapters.database import DatabaseLedger, prepare
from evidence.adapters.disclosure_keys import MARK, DisclosureKeys
from evidence.core import disclosure
from evidence.errors import Untrusted
from evidence.ports import StoredDisclosure
from tests.contract.ledgers import ORIGIN, OTHER, row

MADE = disclosure.make("name", "金丝雀", bytes(16))
TOLD = StoredDisclosure(MADE.digest, MADE.text, "person")


def keys(folder: Path, master: bytes = bytes(32)) -> DisclosureKeys:
    return DisclosureKeys(folder / "keys", master=master, entropy=os.urandom)


def test_a_disclosure_opens_in_its_place_only(tmp_path: Path) -> None:
    sealed = keys(tmp_path).seal(ORIGIN, TOLD)
    assert sealed.startswith(MARK)
    assert TOLD.text not in sealed
    again = keys(tmp_path)
    assert again.open(ORIGIN, TOLD.digest, sealed) == TOLD.text
    # Sealed once more it takes another nonce, under the same key.
    assert again.seal(ORIGIN, TOLD) != sealed
    assert again.open(ORIGIN, TOLD.digest, sealed) == TOLD.text
    assert again.open(OTHER, TOLD.digest, sealed) is None
    with pytest.raises(Untrusted):
        again.open(ORIGIN, TOLD.digest, sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:])
    with pytest.raises(Untrusted):
        keys(tmp_path, b"x" * 32).open(ORIGIN, TOLD.digest, sealed)
    assert again.open(ORIGIN, TOLD.digest, TOLD.text) == TOLD.text, "rows of earlier releases lie in clear"


def test_with_its_key_a_disclosure_is_forgotten(tmp_path: Path) -> None:
    kept = keys(tmp_path)
    sealed = kept.seal(ORIGIN, TOLD)
    kept.forget(ORIGIN, [TOLD.digest, "another"])
    assert keys(tmp_path).open(ORIGIN, TOLD.digest, sealed) is None
    assert list((tmp_path / "keys").iterdir()) == []


@pytest.mark.parametrize("sealed", [True, False])
def test_the_database_file_holds_no_text_and_without_keys_it_would(tmp_path: Path, sealed: bool) -> None:
    """The control is the ledger without keys, whose rows an owner deletes: then no page of the file keeps them."""
    path = tmp_path / "ledger.sqlite"
    prepare(f"sqlite:///{path}")

    async def play() -> bool:
        ledger = DatabaseLedger(f"sqlite:///{path}", keys=keys(tmp_path) if sealed else None)
        epoch = await ledger.lease(ORIGIN, "web-1", 60)
        await ledger.append(ORIGIN, row(0, 1), [TOLD], expected_size=0, epoch=epoch)
        assert (await ledger.disclosures(ORIGIN, [TOLD.digest]))[TOLD.digest] == TOLD
        found = TOLD.text.encode() in path.read_bytes()
        await ledger.erase(ORIGIN, [TOLD.digest])
        assert await ledger.disclosures(ORIGIN, [TOLD.digest]) == {}
        ledger.close()
        return found

    assert asyncio.run(play()) is not sealed
    assert TOLD.text.encode() not in path.read_bytes()

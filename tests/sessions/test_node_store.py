"""One contract for every `sessions.node_ports.NodeStore`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.core import act as acts
from evidence.core.act import NO_ACT, Act
from evidence.core.canonical import sha256
from evidence.core.witness import Answer, Decision, WitnessState
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.adapters.node_store import DATABASE, MASTER_KEY, FileNodeStore
from sessions.node_errors import NodeStateBroken, OtherFreeze
from sessions.node_ports import NodeStore
from tests.sessions.node_world import PROCEEDING, new_log_signer, new_signer

SIGNER = new_signer()
LOG = new_log_signer(PROCEEDING)
Reopen = Callable[[], NodeStore]


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeStore]:
    if request.param == "memory":
        yield MemoryNodeStore()
    else:
        files = FileNodeStore.create(tmp_path / "node")
        yield files
        files.close()


def maker(body: str) -> Callable[[int, bytes], Act]:
    def make(ctr: int, prev: bytes) -> Act:
        return acts.make(SIGNER, act="t", aud=PROCEEDING, sub="x", body={"b": body}, ctr=ctr, iat=1, prev=prev)

    return make


def test_the_first_key_under_a_name_wins(store: NodeStore) -> None:
    assert store.secret("k") is None
    assert store.put_secret("k", b"one") == b"one"
    assert store.put_secret("k", b"two") == b"one"
    assert store.secret("k") == b"one"


def test_acts_of_a_log_are_one_chain_and_the_same_question_gets_the_same_octets(store: NodeStore) -> None:
    first = store.sign(PROCEEDING, "ack", b"1", maker("a"))
    second = store.sign(PROCEEDING, "ack", b"2", maker("b"))
    assert store.sign(PROCEEDING, "ack", b"1", maker("never asked")) == first == store.act(PROCEEDING, "ack", b"1")
    one, two = acts.parse(first), acts.parse(second)
    assert (one.ctr, one.prev, two.ctr, two.prev) == (1, NO_ACT, 2, one.id)
    assert acts.parse(store.sign("other/log", "ack", b"1", maker("c"))).ctr == 1


def test_r5_a_round_is_released_for_one_freeze_only(store: NodeStore) -> None:
    """protocols.md section 3, R5."""
    first = store.sign(PROCEEDING, "release", b"f1", maker("a"), once=("sheet", 1, b"f1"))
    with pytest.raises(OtherFreeze):
        store.sign(PROCEEDING, "release", b"f2", maker("b"), once=("sheet", 1, b"f2"))
    assert store.act(PROCEEDING, "release", b"f2") is None
    assert store.sign(PROCEEDING, "release", b"f1", maker("c"), once=("sheet", 1, b"f1")) == first
    after = store.sign(PROCEEDING, "release", b"f3", maker("d"), once=("sheet", 2, b"f3"))
    assert acts.parse(after).ctr == 2
    assert acts.parse(store.sign(PROCEEDING, "release", b"f2", maker("no R5"))).ctr == 3


def test_an_act_that_cannot_be_made_leaves_nothing(store: NodeStore) -> None:
    def fail(ctr: int, prev: bytes) -> Act:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.sign(PROCEEDING, "release", b"f1", fail, once=("sheet", 1, b"f1"))
    assert acts.parse(store.sign(PROCEEDING, "release", b"f2", maker("a"), once=("sheet", 1, b"f2"))).ctr == 1


def test_a_part_of_the_mirror_is_read_by_its_indices(store: NodeStore) -> None:
    store.extend(PROCEEDING, 0, [b"0", b"1", b"2", b"3"], b"head")
    assert store.entries(PROCEEDING, 1, 3) == [b"1", b"2"]
    assert store.entries(PROCEEDING, 3, 9) == [b"3"]
    assert store.entries(PROCEEDING, 4) == store.entries("other/log") == []


def test_the_mirror_grows_at_its_end_only(store: NodeStore) -> None:
    store.extend(PROCEEDING, 0, [b"e0", b"e1"], b"note 2")
    with pytest.raises(NodeStateBroken):
        store.extend(PROCEEDING, 1, [b"other"], b"note 2'")
    store.extend(PROCEEDING, 2, [b"e2"], b"note 3")
    assert (store.entries(PROCEEDING), store.head(PROCEEDING)) == ([b"e0", b"e1", b"e2"], b"note 3")


def test_the_first_admission_wins_and_only_cosigning_moves_it(store: NodeStore) -> None:
    state = WitnessState(LOG.vkey)
    assert store.admit(PROCEEDING, state, b"body") == state
    assert store.admit(PROCEEDING, WitnessState(new_log_signer(PROCEEDING).vkey), b"other") == state
    assert store.opening(PROCEEDING) == b"body"
    grown = replace(state, size=3, root=bytes(32), time=9)
    store.cosign(PROCEEDING, lambda held: Decision(Answer.CONFLICT, grown))
    assert store.witnessed(PROCEEDING) == state
    store.cosign(PROCEEDING, lambda held: Decision(Answer.COSIGNED, grown))
    assert store.witnessed(PROCEEDING) == grown
    assert store.cosign("unknown/log", lambda held: Decision(Answer.UNKNOWN_ORIGIN, held)).state is None


def test_a_journal_grows_at_its_end_only(store: NodeStore) -> None:
    assert (store.journal(PROCEEDING), store.journals()) == ([], [])
    store.note(PROCEEDING, 0, [b"l0", b"l1"])
    for start in (0, 1, 3):
        with pytest.raises(NodeStateBroken):
            store.note(PROCEEDING, start, [b"other", b"lines"])
    store.note(PROCEEDING, 2, [b"l2"])
    store.note("other/log", 0, [b"x"])
    assert store.journal(PROCEEDING) == [b"l0", b"l1", b"l2"]
    assert sorted(store.journals()) == sorted([PROCEEDING, "other/log"])


def test_a_store_of_an_earlier_release_gets_its_journal(tmp_path: Path) -> None:
    FileNodeStore.create(tmp_path / "n").close()
    with sqlite3.connect(tmp_path / "n" / DATABASE) as database:
        database.execute("DROP TABLE journal")
    database.close()
    opened = FileNodeStore.open(tmp_path / "n")
    opened.note(PROCEEDING, 0, [b"l0"])
    assert opened.journal(PROCEEDING) == [b"l0"]
    opened.close()


def test_objects_come_back_by_their_hash(store: NodeStore) -> None:
    store.put_object(b"ciphertext")
    assert store.object(sha256(b"ciphertext")) == b"ciphertext"
    assert store.object(sha256(b"other")) is None


def test_a_new_process_finds_everything(tmp_path: Path) -> None:
    first = FileNodeStore.create(tmp_path / "n")
    first.put_secret("k", b"one")
    first.admit(PROCEEDING, WitnessState(LOG.vkey, 4, bytes(32), 7), b"body")
    first.extend(PROCEEDING, 0, [b"e0"], b"note")
    jws = first.sign(PROCEEDING, "ack", b"1", maker("a"))
    first.put_object(b"ct")
    second = FileNodeStore.open(tmp_path / "n")
    assert second.secret("k") == b"one"
    assert second.witnessed(PROCEEDING) == WitnessState(LOG.vkey, 4, bytes(32), 7)
    assert (second.entries(PROCEEDING), second.head(PROCEEDING)) == ([b"e0"], b"note")
    assert second.sign(PROCEEDING, "ack", b"1", maker("b")) == jws
    assert second.object(sha256(b"ct")) == b"ct"
    first.close()
    second.close()


def test_keys_are_sealed_and_open_under_their_own_name_and_master_key_only(tmp_path: Path) -> None:
    """protocols.md 1.6; with the name outside the seal, swapped rows would hand out another key."""
    store = FileNodeStore.create(tmp_path / "n")
    store.put_secret("a", b"key of a" * 4)
    store.put_secret("b", b"key of b" * 4)
    store.close()
    database = tmp_path / "n" / DATABASE
    assert b"key of a" not in database.read_bytes()
    with sqlite3.connect(database) as direct:
        direct.execute("DROP TRIGGER secret_UPDATE")
        direct.execute("UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'b') WHERE name = 'a'")
    direct.close()
    reopened = FileNodeStore.open(tmp_path / "n")
    assert reopened.secret("b") == b"key of b" * 4
    with pytest.raises(NodeStateBroken):
        reopened.secret("a")
    reopened.close()
    key_file = tmp_path / "n" / MASTER_KEY
    key_file.write_bytes(bytes(32))
    reopened = FileNodeStore.open(tmp_path / "n")
    with pytest.raises(NodeStateBroken):
        reopened.secret("b")
    reopened.close()


def test_a_master_key_that_others_can_read_and_a_lost_database_are_refused(tmp_path: Path) -> None:
    FileNodeStore.create(tmp_path / "n").close()
    with pytest.raises(NodeStateBroken):
        FileNodeStore.create(tmp_path / "n")
    os.chmod(tmp_path / "n" / MASTER_KEY, 0o640)
    with pytest.raises(NodeStateBroken):
        FileNodeStore.open(tmp_path / "n")
    os.chmod(tmp_path / "n" / MASTER_KEY, 0o600)
    (tmp_path / "n" / DATABASE).unlink()
    with pytest.raises(NodeStateBroken):
        FileNodeStore.open(tmp_path / "n")


def test_records_cannot_be_changed_in_the_database(tmp_path: Path) -> None:
    store = FileNodeStore.create(tmp_path / "n")
    store.sign(PROCEEDING, "release", b"f1", maker("a"), once=("sheet", 1, b"f1"))
    store.note(PROCEEDING, 0, [b"l0"])
    store.close()
    changes = ("DELETE FROM released", "UPDATE act SET jws = ''", "DELETE FROM act")
    with sqlite3.connect(tmp_path / "n" / DATABASE) as direct:
        for statement in (*changes, "UPDATE journal SET line = x'00'", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError):
                direct.execute(statement)
    direct.close()


def test_a_damaged_copy_of_a_ciphertext_is_no_copy(tmp_path: Path) -> None:
    store = FileNodeStore.create(tmp_path / "n")
    store.put_object(b"ct")
    (tmp_path / "n" / "objects" / sha256(b"ct").hex()).write_bytes(b"xx")
    assert store.object(sha256(b"ct")) is None
    store.put_object(b"ct")
    assert store.object(sha256(b"ct")) == b"ct"
    store.close()

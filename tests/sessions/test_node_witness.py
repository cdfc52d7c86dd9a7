"""The node as witness: gate G0 and C2SP tlog-witness on a store that persists before it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.core.entry import Draft
from evidence.core.note import Note, NoteSigner
from evidence.core.witness import AddCheckpoint, AddLog, Answer
from evidence.errors import EvidenceError, Malformed, NoQuorum, Untrusted
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.adapters.node_store import FileNodeStore
from sessions.node_errors import NodeStateBroken
from sessions.node_ports import NodeStore
from sessions.node_witness import CityWitness
from tests.sessions.node_world import NOW, PROCEEDING, Log, Main, new_log_signer, request


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def witness_of(main: Main, store: NodeStore | None = None, clock: Clock | None = None) -> CityWitness:
    return CityWitness(
        pins=main.pins, store=store or MemoryNodeStore(), signer=main.cities[0].witness, clock=clock or Clock()
    )


def grow(log: Log, count: int) -> None:
    log.append([Draft("Witnessed", {"size": n, "root": "x", "note": "y"}) for n in range(count)])


def test_the_pinned_centre_log_is_cosigned_and_the_line_verifies() -> None:
    """C2SP tlog-cosignature v1: the line stands under the checkpoint and holds under the witness's vkey."""
    main = Main()
    answer = witness_of(main).add_checkpoint(request(main.centre, 0))
    assert answer.answer is Answer.COSIGNED
    note = Note.parse(main.centre.note() + answer.line.encode())
    assert note.verify(main.cities[0].witness.vkey) == NOW


def test_g0_a_proceeding_is_unknown_until_its_opening_is_shown_with_a_quorum() -> None:
    """protocols.md section 2, condition (b); with the control off (the body admitted unread) the log would be known."""
    main = Main()
    grow(main.log, 2)
    witness = witness_of(main)
    assert witness.add_checkpoint(request(main.log, 0)).answer is Answer.UNKNOWN_ORIGIN
    proof = main.proof(main.centre, main.opened.n, witnesses=2)
    with pytest.raises(NoQuorum):
        witness.add_log(bytes(AddLog(main.opened.data, proof)))
    assert witness.add_checkpoint(request(main.log, 0)).answer is Answer.UNKNOWN_ORIGIN
    witness.add_log(main.add_log())
    witness.add_log(main.add_log())
    assert witness.add_checkpoint(request(main.log, 0)).answer is Answer.COSIGNED


def test_g0_only_the_main_centre_opens_and_only_its_own_logs() -> None:
    main = Main()
    foreign = Log("other.example/proceedings/" + "a" * 26, new_log_signer("other.example/proceedings/" + "a" * 26))
    cases = [
        main.open(foreign),
        main.open(Log(PROCEEDING + "x", new_log_signer("another/name"))),
        main.open(Log(PROCEEDING + "y", NoteSigner(PROCEEDING + "y", 4, new_log_signer("k").key))),
    ]
    for opened in cases:
        with pytest.raises(EvidenceError):
            witness_of(main).add_log(main.add_log(opened))
    other = Main(main.cities)
    with pytest.raises(Untrusted):
        witness_of(main).add_log(other.add_log())


def test_a_log_keeps_its_key() -> None:
    """A second opening of the same origin under another key is refused: a key changes by the centre's order only."""
    main = Main()
    witness = witness_of(main)
    witness.add_log(main.add_log())
    again = main.open(Log(PROCEEDING, new_log_signer(PROCEEDING)))
    with pytest.raises(Untrusted):
        witness.add_log(main.add_log(again))


def test_a_fork_is_refused_and_the_record_stays() -> None:
    """The reason for a witness: two histories of one log never both carry its cosignature."""
    main = Main()
    witness = witness_of(main)
    witness.add_log(main.add_log())
    grow(main.log, 5)
    assert witness.add_checkpoint(request(main.log, 0, 3)).answer is Answer.COSIGNED
    fork = Log(PROCEEDING, main.log.signer)
    grow(fork, 6)
    assert witness.add_checkpoint(request(fork, 3, 6)).answer is Answer.INCONSISTENT
    assert witness.add_checkpoint(request(fork, 3, 3)).answer is Answer.INCONSISTENT
    assert witness.add_checkpoint(request(main.log, 3, 5)).answer is Answer.COSIGNED
    fresh = witness_of(main)
    fresh.add_log(main.add_log())
    assert fresh.add_checkpoint(request(fork, 0)).answer is Answer.COSIGNED, "without its record it would have signed"


def test_another_size_than_the_record_is_a_conflict_that_names_it() -> None:
    """C2SP tlog-witness: 409 with the size."""
    main = Main()
    witness = witness_of(main)
    witness.add_log(main.add_log())
    grow(main.log, 5)
    witness.add_checkpoint(request(main.log, 0, 4))
    answer = witness.add_checkpoint(request(main.log, 2))
    assert (answer.answer, answer.size) == (Answer.CONFLICT, 4)


def test_an_unsigned_checkpoint_and_a_size_before_the_old_one_are_refused() -> None:
    main = Main()
    witness = witness_of(main)
    witness.add_log(main.add_log())
    grow(main.log, 5)
    stolen = Log(PROCEEDING, new_log_signer(PROCEEDING), main.log.entries, main.log.tree)
    assert witness.add_checkpoint(request(stolen, 0)).answer is Answer.UNSIGNED
    assert witness.add_checkpoint(bytes(AddCheckpoint(5, (), main.log.note(3)))).answer is Answer.MALFORMED


def test_a_clock_that_went_backwards_signs_nothing() -> None:
    """C2SP tlog-cosignature: times of a witness do not decrease."""
    main, clock = Main(), Clock()
    witness = witness_of(main, clock=clock)
    grow(main.centre, 3)
    witness.add_checkpoint(request(main.centre, 0, 2))
    clock.now -= 10
    assert witness.add_checkpoint(request(main.centre, 2)).answer is Answer.CLOCK_BACKWARDS
    clock.now += 10
    assert witness.add_checkpoint(request(main.centre, 2)).answer is Answer.COSIGNED


def test_the_record_survives_the_process(tmp_path: Path) -> None:
    """Persist before answering: a restarted witness refuses the fork that a forgetful one would sign."""
    main = Main()
    grow(main.log, 5)
    store = FileNodeStore.create(tmp_path / "n")
    first = witness_of(main, store)
    first.add_log(main.add_log())
    first.add_checkpoint(request(main.log, 0))
    store.close()
    store = FileNodeStore.open(tmp_path / "n")
    second = witness_of(main, store)
    fork = Log(PROCEEDING, main.log.signer)
    grow(fork, 6)
    assert second.add_checkpoint(request(fork, 5)).answer is Answer.INCONSISTENT
    assert second.add_checkpoint(request(fork, 0)).answer is Answer.CONFLICT
    store.close()


def test_another_pinned_centre_log_key_is_refused_at_start() -> None:
    """The key of a log in the record changes by a documented step, not by editing the policy file."""
    store, main = MemoryNodeStore(), Main()
    witness_of(main, store)
    with pytest.raises(NodeStateBroken):
        witness_of(Main(main.cities), store)


@pytest.mark.parametrize(
    "body",
    [b"", b"old 0\n", b"old -1\n\nx", b"old 00\n\nx", b"\xff\n\n", b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n\nx\n"],
)
def test_malformed_bodies_are_malformed(body: bytes) -> None:
    witness = witness_of(Main())
    with pytest.raises(Malformed):
        witness.add_checkpoint(body)
    with pytest.raises(Malformed):
        witness.add_log(body)

"""What a witness decides (C2SP tlog-witness) and whom it admits (gate G0, protocols.md section 2)."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core.act import SoftwareSigner
from evidence.core.entry import Draft, Entry, write
from evidence.core.merkle import EMPTY_ROOT, Tree, leaf_hash
from evidence.core.note import COSIGNATURE_V1, ED25519, Checkpoint, Note, NoteSigner, sign, with_lines
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.core.witness import (
    MAX_ADD_CHECKPOINT,
    MAX_ADD_LOG,
    AddCheckpoint,
    AddLog,
    Answer,
    WitnessState,
    admit,
    decide,
)
from evidence.errors import EvidenceError, Malformed, NoQuorum, Untrusted
from tests.evidence.worlds import CENTRE, PROCEEDING, ed25519

LOG = NoteSigner(CENTRE, ED25519, ed25519())
THIEF = NoteSigner(CENTRE, ED25519, ed25519())
TREE = Tree([leaf_hash(bytes([i])) for i in range(20)])
FORK = Tree([leaf_hash(bytes([i, 1])) for i in range(20)])


def request(old: int, size: int, *, tree: Tree = TREE, signer: NoteSigner = LOG, **changes: Any) -> AddCheckpoint:
    note = sign(Checkpoint(CENTRE, size, tree.root(size)), signer)
    proof = tuple(tree.consistency(old, size)) if old <= size else ()
    return dataclasses.replace(AddCheckpoint(old, proof, note), **changes)


def state(size: int, time: int = 100) -> WitnessState:
    return WitnessState(LOG.vkey, size, TREE.root(size) if size else EMPTY_ROOT, time)


@pytest.mark.parametrize(("old", "size"), [(0, 1), (0, 20), (1, 2), (8, 13), (13, 20), (20, 20), (0, 0)])
def test_a_log_that_grew_is_cosigned(old: int, size: int) -> None:
    asked = request(old, size)
    decision = decide(state(old), asked, 200)
    assert decision.answer is Answer.COSIGNED
    assert decision.state == WitnessState(LOG.vkey, size, TREE.root(size), 200, asked.note)
    assert decision.text == Checkpoint(CENTRE, size, TREE.root(size)).text


@pytest.mark.parametrize(
    ("before", "asked", "answer"),
    [
        (None, request(0, 5), Answer.UNKNOWN_ORIGIN),
        (state(0), request(0, 5, signer=THIEF), Answer.UNSIGNED),
        (state(5), request(6, 5), Answer.MALFORMED),
        (state(5), request(4, 8), Answer.CONFLICT),
        (state(5), request(0, 8), Answer.CONFLICT),
        (state(8), request(5, 8), Answer.CONFLICT),
        (state(5), request(5, 8, proof=()), Answer.INCONSISTENT),
        (state(5), request(5, 8, proof=tuple(TREE.consistency(4, 8))), Answer.INCONSISTENT),
        (state(5), request(5, 8, tree=FORK), Answer.INCONSISTENT),
        (state(5), request(5, 5, tree=FORK), Answer.INCONSISTENT),
        (state(5), request(5, 5, proof=(bytes(32),)), Answer.INCONSISTENT),
        (state(0), request(0, 5, proof=(bytes(32),)), Answer.INCONSISTENT),
        (state(0), request(0, 0, note=sign(Checkpoint(CENTRE, 0, bytes(32)), LOG)), Answer.INCONSISTENT),
        (state(5, time=201), request(5, 8), Answer.CLOCK_BACKWARDS),
    ],
)  # fmt: skip
def test_everything_else_is_refused_and_changes_nothing(
    before: WitnessState | None, asked: AddCheckpoint, answer: Answer
) -> None:
    decision = decide(before, asked, 200)
    assert decision.answer is answer
    assert decision.state == before
    assert decision.text == b""
    assert decision.size == (before.size if before else 0)


def test_two_forks_are_never_both_cosigned() -> None:
    """The promise itself, over every order of two histories: without the state check both would pass."""
    held = state(0)
    for tree, size in ((TREE, 3), (FORK, 3), (FORK, 7), (TREE, 7), (FORK, 20), (TREE, 20)):
        decision = decide(held, request(held.size, size, tree=tree), 200)
        assert (decision.answer is Answer.COSIGNED) == (tree is TREE)
        assert decide(state(0), request(0, size, tree=tree), 200).answer is Answer.COSIGNED
        held = decision.state or held
    assert held.root == TREE.root()


def test_signatures_of_unknown_keys_are_ignored() -> None:
    asked = request(0, 5)
    both = with_lines(asked.note, [THIEF.line(Note.parse(asked.note).text)])
    assert decide(state(0), dataclasses.replace(asked, note=both), 200).answer is Answer.COSIGNED


def test_a_request_is_read_back() -> None:
    for asked in (request(0, 5), request(5, 13), request(20, 20)):
        assert AddCheckpoint.parse(bytes(asked)) == asked
        assert asked.checkpoint.origin == CENTRE


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b"",
        lambda b: b.replace(b"old 5", b"old 05"),
        lambda b: b.replace(b"old 5", b"old -5"),
        lambda b: b.replace(b"old 5", b"old  5"),
        lambda b: b.replace(b"old 5", b"Old 5"),
        lambda b: b.replace(b"old 5", b"old"),
        lambda b: b.replace(b"old 5", "old ٥".encode()),
        lambda b: b.replace(b"old 5", b"old " + b"5" * 5000),
        lambda b: b.replace(b"old 5\n", b"old 5\r\n"),
        lambda b: b.replace(b"\n\n", b"\n", 1),
        lambda b: b.replace(b"=\n", b"\n", 1),
        lambda b: b.replace(b"old 5\n", b"old 5\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63),
        lambda b: b.replace(b"old 5\n", b"old 5\nAAAA\n"),
        lambda b: b[:-1],
        lambda b: b + b"x" * MAX_ADD_CHECKPOINT,
        lambda b: b"\xff" + b,
        lambda b: b.split(b"\n\n")[0] + b"\n\n",
    ],
)
def test_what_is_no_request(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Malformed):
        AddCheckpoint.parse(change(bytes(request(5, 8))))


# --- add-log ---------------------------------------------------------------------------------------------------------

IDENTITY = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
CITIES = [NoteSigner(f"city{i}.example", COSIGNATURE_V1, ed25519()) for i in range(3)]
POLICY = Policy(LOG.vkey, tuple(c.vkey for c in CITIES), 2)
NEW = NoteSigner(PROCEEDING, ED25519, ed25519())


def opened(
    *,
    signer: SoftwareSigner = IDENTITY,
    log: NoteSigner = NEW,
    kind: str = "ProceedingOpened",
    name: str = "proceeding.open",
    aud: str = CENTRE,
    origin: str = CENTRE,
    n: int = 3,
    body: dict[str, Any] | None = None,
    acted: bool = True,
) -> Entry:
    content = {"kind": "real", "origin": log.name, "vkey": str(log.vkey)} if body is None else body
    act = acts.make(signer, act=name, aud=aud, sub="main.example", body=content, ctr=1, iat=0)
    draft = Draft(kind, {}, act=act if acted else None)
    return write(draft, n=n, origin=origin, at="2026-11-21T08:00:00.123Z", salt=secrets.token_bytes(16))


def introduction(entry: Entry, *, cities: int = 2, index: int = 3, log: NoteSigner = LOG) -> AddLog:
    tree = Tree([leaf_hash(bytes([i])) for i in range(6)])
    leaves = [tree.leaf(i) for i in range(6)]
    leaves[index] = entry.leaf
    tree = Tree(leaves)
    checkpoint = Checkpoint(CENTRE, 6, tree.root())
    note = with_lines(sign(checkpoint, log), [c.line(checkpoint.text, time=50) for c in CITIES[:cities]])
    return AddLog(entry.data, bytes(Proof(index, tuple(tree.inclusion(index, 6)), note)))


def test_a_proceeding_that_the_witnessed_centre_log_opened_is_admitted() -> None:
    asked = AddLog.parse(bytes(introduction(opened())))
    assert admit(asked, POLICY, IDENTITY.jwk) == WitnessState(NEW.vkey)


FOREIGN = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    "asked",
    [
        introduction(opened(signer=FOREIGN)),
        introduction(opened(kind="CentreFounded")),
        introduction(opened(name="centre.found")),
        introduction(opened(aud=PROCEEDING)),
        introduction(opened(origin=PROCEEDING)),
        introduction(opened(acted=False)),
        introduction(opened(n=4)),
        introduction(opened(log=NoteSigner("other.example/proceedings/one", ED25519, ed25519()))),
        introduction(opened(log=NoteSigner(CENTRE, ED25519, ed25519()))),
        introduction(opened(log=NoteSigner("main.example", ED25519, ed25519()))),
        introduction(opened(log=NoteSigner(PROCEEDING, COSIGNATURE_V1, ed25519()))),
        introduction(opened(body={"kind": "real", "origin": PROCEEDING + "x", "vkey": str(NEW.vkey)})),
        introduction(opened(body={"kind": "real", "origin": PROCEEDING, "vkey": "x"})),
        introduction(opened(body={"origin": PROCEEDING, "vkey": str(NEW.vkey)})),
        introduction(opened(), cities=1),
        introduction(opened(), log=THIEF),
        AddLog(opened().data, introduction(opened()).proof),
    ],
)
def test_no_other_log_is_admitted(asked: AddLog) -> None:
    with pytest.raises((Untrusted, Malformed)):
        admit(asked, POLICY, IDENTITY.jwk)


def test_a_quorum_is_demanded_for_admission() -> None:
    with pytest.raises(NoQuorum):
        admit(introduction(opened(), cities=1), POLICY, IDENTITY.jwk)
    # Control: under a policy of one the same request passes.
    assert admit(introduction(opened(), cities=1), dataclasses.replace(POLICY, quorum=1), IDENTITY.jwk)


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b"",
        lambda b: b.replace(b"\n\n", b"\n", 1),
        lambda b: b"A" + b,
        lambda b: b"\xff" + b,
        lambda b: b.replace(b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v9"),
        lambda b: b + b"x" * MAX_ADD_LOG,
        lambda b: b"e30=\n\n" + b.split(b"\n\n", 1)[1],
    ],
)
def test_what_is_no_add_log(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(EvidenceError):
        AddLog.parse(change(bytes(introduction(opened()))))

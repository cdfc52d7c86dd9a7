"""Forgeries by those who hold the log's, the centre's and every witness's key: what is left are persons and rules.

A conspiracy of all nodes can make any tree. It still cannot make an act of a person, and a result that the rules do not
yield is refused because the verifier decides again (docs/adr/0002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from evidence.core.canonical import b64u, decode_object, encode, unb64u
from evidence.core.entry import Entry
from sessions.core import contents
from sessions.verdict import Step, Verdict
from signing.core.verdict import Outcome, ReportVerdict
from tests.verify.finished import Finished, judged, pack


def rebuilt(entry: Entry, **changed: Any) -> bytes:
    """The entry with other members."""
    return encode({**decode_object(entry.data), **changed})


def octets(finished: Finished) -> list[bytes]:
    return [entry.data for entry in finished.entries]


def index(finished: Finished, kind: str) -> int:
    """The last entry of this type."""
    return max(entry.n for entry in finished.entries if entry.type == kind)


def refused(finished: Finished, entries: Sequence[bytes]) -> Step:
    """The step that refuses a file whose every node signed these entries."""
    verdict = judged(pack(finished.forged(entries)), finished.policy)
    assert verdict.status == 1, verdict
    return verdict.steps[-1]


def test_the_conspiracy_can_sign_the_true_log(finished: Finished) -> None:
    """The forger's tools work: else what follows would prove nothing."""
    assert judged(pack(finished.forged(octets(finished))), finished.policy).outcome == "valid"


def test_a_renumbered_or_shortened_log_is_refused(finished: Finished) -> None:
    entries = octets(finished)
    assert refused(finished, entries[:-1]).name == "entries"
    assert refused(finished, entries[:5] + entries[6:]).code == "untrusted"
    assert refused(finished, [*entries, entries[-1]]).name == "entries"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("ScoresTallied", lambda body: {"rows": [{**body["rows"][0], "total": "99.99"}, *body["rows"][1:]]}),
        ("RankingFixed", lambda body: {**body, "candidates": body["candidates"][::-1]}),
        ("ReviewConcluded", lambda body: {**body, "valid": body["valid"][1:]}),
        ("ChairElected", lambda body: {**body, "seat": "seat-2"}),
        ("RoundOpened", lambda body: {**body, "required": body["required"][1:]}),
        ("SheetsFrozen", lambda body: {**body, "sheets": body["sheets"][1:]}),
        ("HoldersFrozen", lambda body: {**body, "k": 1}),
        ("CredentialIssued", lambda body: {**body, "certificate": b64u(bytes(32))}),
        ("SegmentsClosed", lambda body: {**body, "segments": body["segments"][:-1]}),
        ("RecordingEnded", lambda body: {"rooms": body["rooms"][1:]}),
        ("ReportFrozen", lambda body: {**body, "ranking": b64u(bytes(32))}),
        ("ReportSigned", lambda body: {**body, "seat": "seat-1" if body["seat"] != "seat-1" else "seat-2"}),
    ],
)
def test_a_result_that_the_rules_do_not_yield(finished: Finished, kind: str, change: Any) -> None:
    """Every node signs it, and still it is refused: by the rules, or because later acts had seen another root."""
    entries, n = octets(finished), index(finished, kind)
    entries[n] = rebuilt(finished.entries[n], body=change(finished.entries[n].body))
    assert refused(finished, entries).name in {"files", "checkpoints", "rules"}


def test_a_score_changed_after_the_opening(finished: Finished) -> None:
    """The commitment in the seat's own act is to other bytes."""
    entries, n = octets(finished), index(finished, "SheetOpened")
    body = finished.entries[n].body
    plain = unb64u(body["p"])
    changed = plain.replace(b'.00",null]', b'.50",null]', 1)
    assert changed != plain
    entries[n] = rebuilt(finished.entries[n], body={**body, "p": b64u(changed)})
    assert refused(finished, entries).name in {"checkpoints", "rules"}


def test_an_act_is_not_dropped_repeated_or_put_elsewhere(finished: Finished) -> None:
    entries = octets(finished)
    n = index(finished, "FreezeConfirmed")

    def numbered(sequence: Sequence[bytes]) -> list[bytes]:
        return [encode({**decode_object(data), "n": i}) for i, data in enumerate(sequence)]

    for sequence in (
        entries[:n] + entries[n + 1 :],
        [*entries[: n + 1], entries[n], *entries[n + 1 :]],
        [*entries[:n], entries[n + 1], entries[n], *entries[n + 2 :]],
    ):
        assert refused(finished, numbered(sequence)).name in {"entries", "files", "checkpoints", "rules"}


def test_an_act_under_another_key_is_refused(finished: Finished) -> None:
    """ECDSA is malleable: (r, q-s) verifies, but the leaf is another; and a foreign signature does not verify."""
    n = index(finished, "ProceedingClosed")
    entry = finished.entries[n]
    assert entry.act is not None
    signing_input, _, signature = entry.act.jws.rpartition(".")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = unb64u(signature)
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    entries = octets(finished)
    entries[n] = rebuilt(entry, act=f"{signing_input}.{b64u(twin)}")
    # The twin is the same act (its id does not change), so with every node's help the log stays valid.
    assert judged(pack(finished.forged(entries)), finished.policy).outcome == "valid"
    # Without the nodes' help it is another leaf.
    files = {**finished.files, contents.entry_name(n): entries[n]}
    assert judged(pack(files), finished.policy).steps[-1].name == "entries"
    foreign = bytes([raw[0] ^ 1]) + raw[1:]
    entries[n] = rebuilt(entry, act=f"{signing_input}.{b64u(foreign)}")
    step = refused(finished, entries)
    assert (step.name, step.code) == ("rules", "untrusted")


def test_a_report_without_a_signer_is_refused(finished: Finished) -> None:
    """The validator's word counts: a missing signer makes the whole file invalid, and nothing else checks it."""

    def lenient(
        pdf: bytes,
        *,
        roots: Sequence[bytes],
        expected: Mapping[str, bytes],
        at: datetime,
        excused: frozenset[str] = frozenset(),
    ) -> ReportVerdict:
        state = next(e for e in finished.entries if e.type == "ReportFrozen")
        return ReportVerdict(Outcome.VALID, document=unb64u(state.body["document"]))

    def strict(
        pdf: bytes,
        *,
        roots: Sequence[bytes],
        expected: Mapping[str, bytes],
        at: datetime,
        excused: frozenset[str] = frozenset(),
    ) -> ReportVerdict:
        assert len(expected) == 5
        assert len(roots) == 1
        return ReportVerdict(Outcome.INVALID)

    data = pack(finished.files)
    found: Verdict = judged(data, finished.policy, validate=strict)
    assert (found.status, found.steps[-1].name) == (1, "report")
    assert judged(data, finished.policy, validate=lenient).outcome == "valid"

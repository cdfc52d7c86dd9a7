"""A whole proceeding: what live state, fold and replay have in common, and what no log may hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from evaluation.errors import EvaluationError
from evidence.core import entry as entry_form
from evidence.core.canonical import b64u, encode, sha256
from evidence.core.entry import Draft, Entry
from evidence.errors import Untrusted
from sessions.core import acts, permission
from sessions.core.proceeding import EVENT_OF, evolve
from sessions.core.replay import Replay
from sessions.core.state import EMPTY
from sessions.errors import Closed, EntryRefused, SessionError
from tests.sessions.drive import Drive, definition, play, real, spread

SHOWN_EVENTS = {
    "ProceedingFounded", "DefinitionFixed", "HolderOffered", "HoldersFrozen", "SeatVouched", "SeatBound",
    "CredentialIssued", "Witnessed", "RoomAdmitted", "RecordingStarted", "RecordingEnded", "SegmentsClosed",
    "StageAdvanced", "CommitmentSigned", "RecusalDeclared", "RoundOpened", "BallotSealed", "SheetSealed",
    "ShareAcked", "SheetsFrozen", "FreezeConfirmed", "OpeningApproved", "SharesReleased", "SheetOpened",
    "SheetsOpened", "ChairElected", "ReviewVoted", "ReviewConcluded", "ScoresTallied", "RankingFixed",
    "ReportFrozen", "RankingConfirmed", "SignatureAuthorised", "ReportSigned", "ProceedingClosed",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Drive:
    drive = Drive().until("done")
    drive.close()
    return drive


def test_a_whole_proceeding_gives_the_published_ranking(whole: Drive) -> None:
    """TV1 of the domain study, section 1.9."""
    evaluation = whole.state.evaluation
    assert [str(row.total) for row in evaluation.rows] == ["69.30", "75.93", "68.90", "95.00"]
    assert evaluation.ranking is not None
    assert evaluation.ranking.places == (("bidder-4", 1), ("bidder-2", 2), ("bidder-1", 3), ("bidder-3", 4))
    assert (whole.state.gate, whole.state.stage) == ("closed", "done")
    assert {entry.type for entry in whole.entries} == SHOWN_EVENTS


def test_the_fold_of_the_log_is_the_live_state(whole: Drive) -> None:
    """Architecture, section 1: state is a fold over the events."""
    state = EMPTY
    for entry in whole.entries:
        state = evolve(state, entry_form.parse(entry.data))
    assert state == whole.state


def test_real_envelopes_change_nothing_else() -> None:
    assert [entry.type for entry in play(sealer=real)] == [entry.type for entry in play()]


def replay(entries: list[Entry], drive: Drive) -> Replay:
    document = encode(drive.definition)
    steps = Replay(
        entries,
        load=lambda _: document,
        check=lambda state, act: acts.check(state, act, root_at=drive.root_at),
    )
    for _ in steps:
        pass
    return steps


def test_deciding_again_yields_the_same_log(whole: Drive) -> None:
    """ADR 2."""
    assert replay(whole.entries, whole).state == whole.state


def rewritten(drive: Drive, kind: str, change: Callable[[Entry], Draft]) -> list[Entry]:
    """The log up to the first entry of this type, which the server writes as it likes."""
    index = next(entry.n for entry in drive.entries if entry.type == kind)
    entry = drive.entries[index]
    forged = entry_form.write(change(entry), n=index, origin=entry.origin, at=entry.at, salt=bytes(16))
    return [*drive.entries[:index], forged]


FORGERIES: list[tuple[str, Callable[[Entry], Draft]]] = [
    ("RoundOpened", lambda e: Draft(e.type, e.body | {"required": ["seat-1"]})),
    ("RoundOpened", lambda e: Draft(e.type, e.body | {"choices": ["seat-3"]})),
    ("SheetsFrozen", lambda e: Draft(e.type, e.body | {"sheets": e.body["sheets"][1:]}, e.act)),
    ("ChairElected", lambda e: Draft(e.type, e.body | {"seat": "seat-2"})),
    ("ReviewConcluded", lambda e: Draft(e.type, {"valid": ["bidder-1"], "rejected": []})),
    ("ScoresTallied", lambda e: Draft(e.type, {"rows": e.body["rows"][::-1]})),
    ("RankingFixed", lambda e: Draft(e.type, e.body | {"candidates": ["bidder-3"]})),
    ("DefinitionFixed", lambda e: Draft(e.type, {"scoring": e.body["scoring"] | {"price": "80.00"}}, e.act)),
    ("ReportFrozen", lambda e: Draft(e.type, e.body | {"ranking": b64u(sha256(b"x"))})),
    ("HoldersFrozen", lambda e: Draft(e.type, e.body | {"set": b64u(sha256(b"x"))})),
]


@pytest.mark.parametrize(("kind", "change"), FORGERIES)
def test_a_fact_of_the_servers_own_making_is_refused(whole: Drive, kind: str, change: Callable[[Entry], Draft]) -> None:
    """ADR 2; with the control off, the fold alone would take it."""
    entries = rewritten(whole, kind, change)
    with pytest.raises((Untrusted, SessionError, EvaluationError)):
        replay(entries, whole)
    state = EMPTY
    for entry in entries:
        state = evolve(state, entry)
    assert state.size == len(entries)


def test_a_log_cut_in_one_append_is_refused(whole: Drive) -> None:
    """ScoresTallied and RankingFixed belong to the append of their StageAdvanced."""
    index = next(entry.n for entry in whole.entries if entry.type == "ScoresTallied")
    with pytest.raises(Untrusted, match="middle"):
        replay(whole.entries[:index], whole)


def test_an_act_that_stands_twice_is_refused(whole: Drive) -> None:
    index = next(entry.n for entry in whole.entries if entry.type == "CommitmentSigned")
    first = whole.entries[index]
    again = entry_form.write(
        Draft(first.type, {}, first.act), n=index + 1, origin=first.origin, at=first.at, salt=bytes(16)
    )
    with pytest.raises(SessionError):
        replay([*whole.entries[: index + 1], again], whole)


def test_after_the_close_nothing_follows(whole: Drive) -> None:
    """protocols.md 1.6: a closed log cannot grow."""
    drive = Drive(state=whole.state, entries=list(whole.entries), tree=whole.tree)
    with pytest.raises(Closed):
        drive.witness()
    with pytest.raises(Closed):
        drive.perform("operator-1", "proceeding.pause", {"reason": "x"})
    with pytest.raises(EntryRefused):
        drive.append([Draft("Witnessed", {"size": 1, "root": b64u(bytes(32)), "note": b64u(bytes(32))})])


def test_an_entry_must_continue_its_log(whole: Drive) -> None:
    state = EMPTY
    first, second, third = whole.entries[:3]
    with pytest.raises(EntryRefused):
        evolve(state, second)
    state = evolve(state, first)
    for wrong in (
        first,
        third,
        replace(second, origin="other.example/proceedings/x"),
        replace(second, v=2),
        replace(second, type="Unheard"),
        replace(second, act=None),
        replace(second, act=third.act),
        replace(second, body={}),
        replace(second, body={"scoring": {"regime": 1}}),
    ):
        with pytest.raises((EntryRefused, EvaluationError)):
            evolve(state, wrong)
    assert evolve(state, second).definition is not None


@pytest.mark.parametrize("kind", sorted(SHOWN_EVENTS - {"ProceedingFounded"}))
def test_a_body_out_of_form_has_a_code(whole: Drive, kind: str) -> None:
    """Whatever a hostile server writes, the fold ends in a coded error or takes it; it never breaks."""
    index = next(entry.n for entry in whole.entries if entry.type == kind)
    state = EMPTY
    for entry in whole.entries[:index]:
        state = evolve(state, entry)
    found = whole.entries[index]
    bodies: list[dict[str, object]] = [{}, {"x": 1}, dict.fromkeys(found.body), {name: [] for name in found.body}]
    bodies += [{name: {"a": [1]} for name in found.body}, dict.fromkeys(found.body, "!")]
    for body in bodies:
        with suppress(SessionError, EvaluationError):
            evolve(state, replace(found, body=body))


def test_every_act_has_its_event_and_its_permission() -> None:
    """docs/protocol.md section 2."""
    assert set(EVENT_OF) == set(permission.ACTS)


def test_another_tender_another_ranking() -> None:
    """Equal totals: the lower price leads (87号令 57)."""
    tender = definition(prices=("100.00", "100.00", "200.00"))
    drive = Drive(definition=tender)
    drive.until("tally", spread(("60.00", "60.00", "70.00")))
    ranking = drive.state.evaluation.ranking
    assert ranking is not None
    assert [str(row.total) for row in drive.state.evaluation.rows] == ["80.00", "80.00", "80.00"]
    assert ranking.places == (("bidder-1", 1), ("bidder-2", 1), ("bidder-3", 3))

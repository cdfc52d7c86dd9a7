"""`venue.journal` (protocols.md section 6): what a venue's node states, what the log then has to hold, and who says so.

Rows of the docstring's promise in `sessions.core.venue_journal`: an id of a journal that is not in the log has a name;
one that was merged beside a journal is told only where the node was keeping others of the same loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluation.core import report
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256, tagged
from evidence.errors import Malformed
from sessions.core import venue_journal
from sessions.core.commands import EndRecording, LoseVenue
from sessions.core.view import visibility
from sessions.errors import Closed, UnknownVenue, WrongRole, WrongVenue
from tests.sessions.cut_off import Away, back
from tests.sessions.draws import audited
from tests.sessions.drive import FINANCE, MAIN, ZHONGSHAN, ZHUHAI, Drive


def journal(drive: Drive, kept: Sequence[Act], **more: object) -> None:
    body = venue_journal.body("venue-3", [act.id for act in kept], lost=1_000, returned=61_000)
    drive.perform(ZHUHAI, "venue.journal", body | more)


def found(drive: Drive) -> list[tuple[str, bytes]]:
    return [(each.kind, each.act) for each in venue_journal.findings(drive.state, drive.entries)]


def incidents(drive: Drive) -> list[Object]:
    log = report._Log(drive.entries)
    return [told for told in log.incidents() if told["type"] == "VenueJournaled"]


def test_a_journal_is_signed_over_the_ids_in_their_order() -> None:
    """{count, H of the act ids in order, node clock at loss and return}: domain-separated as in 1.1."""
    one, two = sha256(b"1"), sha256(b"2")
    body = venue_journal.body("venue-3", [one, two], lost=5, returned=9)
    assert body["digest"] == b64u(tagged("venue-journal", one + two)) != b64u(venue_journal.digest([two, one]))
    assert (body["count"], body["acts"], body["lost"], body["returned"]) == (2, [b64u(one), b64u(two)], 5, 9)


def test_every_act_of_a_journal_that_is_merged_is_accounted_for(drive: Drive, away: Away) -> None:
    """Accepted or refused: either way it stands in the log, and the journal may come before it or after."""
    sheet, note = away.seal(), away.note()
    journal(drive, [sheet, note])
    assert found(drive) == [("missing", sheet.id), ("missing", note.id)]
    away.resume([sheet])
    drive.take(sheet)
    assert found(drive) == [("missing", note.id)]
    drive.take(note)
    assert found(drive) == []
    back(drive, "room-3", "operator-3")
    assert found(drive) == []
    (told,) = incidents(drive)
    assert (told["venue"], told["by"], told["count"], told["missing"]) == ("venue-3", ZHUHAI, 2, [])
    (kept,) = drive.state.journals
    assert (kept.venue, kept.acts, kept.lost, kept.returned) == ("venue-3", (sheet.id, note.id), 1_000, 61_000)
    audited(drive)


def test_what_never_comes_has_a_name(drive: Drive, away: Away) -> None:
    """The control switched off: without the journal nobody would know of it."""
    note, dropped = away.note(), away.note("二")
    # A device that says it has signed one act only, as one would that a hostile server talks to.
    away.ctr, away.last = note.ctr, note.id
    away.resume([note])
    drive.take(note)
    back(drive, "room-3", "operator-3")
    assert found(drive) == []
    journal(drive, [note, dropped])
    assert found(drive) == [("missing", dropped.id)]
    (told,) = incidents(drive)
    assert told["missing"] == [b64u(dropped.id)]
    audited(drive)


def test_an_act_beside_a_journal_is_told_only_where_others_of_its_loss_were_kept(drive: Drive, away: Away) -> None:
    """A seat may not have reached its node; a node may have been without power itself."""
    one, two, vote = away.note(), away.note("二"), away.sign("review.vote", {"findings": []})
    away.resume([one, two])
    for act in (one, two, vote):
        drive.take(act)
    journal(drive, [away.note("从未交出")])
    missing = [("missing", drive.state.journals[0].acts[0])]
    assert found(drive) == missing, "of this loss the node kept nothing"
    journal(drive, [one])
    assert found(drive) == [*missing, ("beside", two.id)], "what may not be signed offline, no node keeps"
    back(drive, "room-3", "operator-3")
    assert found(drive) == [*missing, ("beside", two.id)]
    # Another loss, of which the node knows nothing.
    later = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 50))
    third = later.note("三")
    later.resume([third])
    drive.take(third)
    back(drive, "room-3", "operator-3")
    assert found(drive) == [*missing, ("beside", two.id)]


def test_a_second_act_at_one_place_is_in_the_log_once_the_key_is_suspended(drive: Drive, away: Away) -> None:
    """Two acts with one `ctr`: both are kept, here and there."""
    ours, last = away.note(), away.note("二")
    theirs = drive.act("seat-5", "incident.note", {"seat": None, "text": "另"}, ctr=ours.ctr, prev=ours.prev)
    journal(drive, [ours, theirs, last])
    away.resume([ours, last])
    drive.take(ours)
    assert [entry.type for entry in drive.take(theirs)] == ["SeatSuspended"]
    assert found(drive) == [("missing", last.id)]


def test_a_centre_speaks_for_its_own_venues_only_and_in_every_gate(drive: Drive, away: Away) -> None:
    note = away.note()
    for domain in (ZHONGSHAN, FINANCE, MAIN):
        with pytest.raises(WrongVenue):
            drive.perform(domain, "venue.journal", venue_journal.body("venue-3", [note.id], lost=1, returned=2))
    with pytest.raises(UnknownVenue):
        journal(drive, [note], venue="venue-9")
    for seat in ("operator-3", "seat-5", "supervisor-1"):
        with pytest.raises(WrongRole):
            drive.perform(seat, "venue.journal", venue_journal.body("venue-3", [note.id], lost=1, returned=2))
    drive.perform("supervisor-1", "proceeding.abort", {"reason": "停电"})
    journal(drive, [note])
    assert visibility(drive.entries[-1], drive.state, "seat-4") == "full"
    drive.execute(EndRecording(tuple(sorted(drive.state.recording))))
    drive.perform("operator-1", "proceeding.seal", {})
    with pytest.raises(Closed):
        journal(drive, [note])


MAX = venue_journal.MAX_ACTS


@pytest.mark.parametrize(
    "wrong",
    [
        {"acts": [], "count": 0, "digest": b64u(venue_journal.digest([]))},
        {"acts": [b64u(bytes(32))] * 2, "count": 2, "digest": b64u(venue_journal.digest([bytes(32)] * 2))},
        {"acts": [b64u(bytes(31))]},
        {"acts": [7]},
        {"count": 2},
        {"count": True},
        {"digest": b64u(sha256(b"other"))},
        {"digest": None},
        {"lost": 9, "returned": 8},
        {"lost": -1},
        {"returned": "1"},
        {"venue": None},
        {"more": 1},
        venue_journal.body("venue-3", [sha256(b"%d" % n) for n in range(MAX + 1)], lost=1, returned=2),
    ],
)
def test_a_journal_out_of_form_is_refused(drive: Drive, away: Away, wrong: Object) -> None:
    with pytest.raises(Malformed):
        journal(drive, [away.note()], **wrong)


def test_the_largest_journal_fits_an_entry(drive: Drive) -> None:
    body = venue_journal.body("venue-3", [sha256(b"%d" % n) for n in range(MAX)], lost=1, returned=2**53 - 1)
    drive.perform(ZHUHAI, "venue.journal", body)
    assert len(drive.state.journals[-1].acts) == MAX

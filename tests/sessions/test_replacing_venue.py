"""A lost venue is replaced by another one (issue 4, item 10: "replacement of an expert or venue")."""

from __future__ import annotations

import pytest

from evaluation.adapters.report_typst import render
from evaluation.core import report, tender
from evidence.core import act as acts_form
from evidence.core.act import thumbprint
from evidence.core.canonical import Object, b64u, encode, sha256
from evidence.errors import Malformed
from sessions.core.commands import IssueCredential, LoseRecording, LoseVenue, StartRecording
from sessions.core.todo import todo
from sessions.core.unsealing import told
from sessions.core.view import view
from sessions.errors import (
    AlreadyFixed,
    CommandRefused,
    NotLost,
    NotPaused,
    UnknownVenue,
    WrongRole,
    WrongVenue,
)
from tests.ranking.logs import ranked_alike
from tests.sessions.cut_off import Away, back, seal_of
from tests.sessions.draws import audited
from tests.sessions.drive import HOLDERS, MEMBERS, POLICY, TRUST, ZHONGSHAN, ZHUHAI, Drive, signer_of, spread
from tests.sessions.newcomers import person

ORDER: Object = {"venue": "venue-3", "by": "venue-2", "reason": "珠海分会场断电，四小时内无法恢复"}
DEVICE = "seat-5/2"


def sit_down(drive: Drive) -> None:
    """The member at the other venue: its operator sees the person, its centre vouches, the new device is bound."""
    signer = signer_of(DEVICE)
    thumb = acts_form.thumbprint(signer.jwk)
    checked: Object = {"seat": "seat-5", "thumbprint": thumb, "document": "identity-card", "note": None}
    if "operator-3" in drive.state.seat_key:
        with pytest.raises(WrongVenue):
            drive.perform("operator-3", "identity.check", checked)
    drive.perform("operator-2", "identity.check", checked)
    vouch: Object = {"seat": "seat-5", "thumbprint": thumb, "cose": None}
    with pytest.raises(WrongRole):
        drive.perform(ZHUHAI, "seat.vouch", vouch)
    drive.perform(ZHONGSHAN, "seat.vouch", vouch)
    pins = {"policy": b64u(POLICY), "trust": b64u(TRUST), "client": None}
    drive.take(drive.act(DEVICE, "seat.bind", {"jwk": signer.jwk, **pins}, sub="seat-5"))
    assert drive.state.seat_key["seat-5"] == thumbprint(signer.jwk)


def test_members_of_a_lost_venue_go_on_from_another_and_what_they_sealed_stands(drive: Drive) -> None:
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores))
    sealed = drive.round.current["seat-5"]
    away = Away(drive, "seat-5")
    drive.execute(LoseVenue("venue-3", 40))
    drive.execute(LoseRecording("room-3"))
    late = away.note("备用电源耗尽")
    replaced = drive.perform("supervisor-1", "venue.replace", ORDER)
    assert [entry.type for entry in replaced] == ["VenueReplaced", "ProceedingResumed"]
    assert replaced[0].body == {"moved": ["seat-5"]}
    assert drive.state.gate == "open"
    moved = drive.state.seat("seat-5")
    assert (moved.venue, moved.centre) == ("venue-2", ZHONGSHAN)
    assert todo(drive.state, moved) == ["seat.bind"]
    assert view(drive.state, "supervisor-1")["venues"]["venue-3"] == {
        "centre": ZHUHAI,
        "kind": "secondary",
        "lost": False,
        "replaced": "venue-2",
    }
    # What was signed in the lost venue and comes now is kept, and counts for nothing.
    (kept,) = drive.take(late)
    assert (kept.type, kept.body["code"]) == ("OfflineAct", "seat-key-ended")
    with pytest.raises(AlreadyFixed):
        drive.execute(LoseVenue("venue-3", 40))
    assert "room-3" not in drive.state.recording
    sit_down(drive)
    # The sheet of the old device stands; the member says of the freeze what the new one shows.
    assert drive.round.current["seat-5"] == sealed
    drive.acknowledge()
    drive.freeze()
    drive.confirm(MEMBERS[:-1])
    assert drive.round.freeze is not None
    drive.take(drive.act(DEVICE, "freeze.ok", {"freeze": b64u(drive.round.freeze.leaf)}, sub="seat-5"))
    drive.approve()
    drive.witness()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    drive.advance()
    drive.advance()
    ranked_alike(drive)
    names = dict.fromkeys(drive.state.seats, ("某人", "某大学"))
    content = report.content(tender.parse(encode(drive.definition)), drive.state.evaluation, drive.entries, names)
    assert "VenueReplaced" in {each["type"] for each in content["other"]["incidents"]}
    assert render(content).startswith(b"%PDF")
    audited(drive)


def test_before_the_start_nobody_waits_for_a_venue_that_never_connected() -> None:
    """It is declared, its members go to another one, and the check-in is complete without its rooms and operator."""
    drive = Drive()
    drive.found()
    drive.fix()
    drive.freeze_holders()
    there = [seat.id for seat in drive.state.seats.values() if seat.venue != "venue-3"]
    for seat in there:
        drive.bind(seat)
    declared: Object = {"venue": "venue-3", "kind": "network", "text": "始终未能接入"}
    drive.perform("operator-1", "incident.declare", declared)
    drive.perform("supervisor-1", "venue.replace", ORDER)
    assert drive.state.gate == "open"
    sit_down(drive)
    for n in (1, 2):
        drive.perform(f"operator-{n}", "room.admit", {"room": f"room-{n}"})
    record(drive)
    drive.witness()
    drive.advance()
    assert drive.state.stage == "declarations"
    audited(drive)


def record(drive: Drive) -> None:
    drive.execute(StartRecording(("room-1", "room-2"), "engine-1"))
    for n in (1, 2):
        drive.segments(n, 0)
    for seat in MEMBERS:
        drive.execute(IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))


def test_the_venue_to_which_a_member_moves_is_told_its_name(drive: Drive) -> None:
    """protocols.md 5: each venue is told the names of those who sit there, and the log says when."""
    drive.perform("supervisor-1", "member.remove", {"seat": "seat-5", "ground": "absent", "reason": "联系不上"})
    stated: Object = {"label": "expert/province", "reference": "省库 2026-117", "evidence": b64u(bytes(32))}
    drive.perform("supervisor-1", "draw.external", stated)
    body: Object = {"seat": "seat-6", "replaces": "seat-5", "source": {"kind": "external", "label": "expert/province"}}
    drive.take(drive.act("supervisor-1", "member.seat", body, sd=(person("seat-6").digest,)))
    drive.perform("operator-1", "incident.declare", {"venue": "venue-3", "kind": "power", "text": "停电"})
    assert "seat-6" not in told(drive.state, drive.state.seat("operator-2"))
    made = drive.perform("supervisor-1", "venue.replace", ORDER)
    assert made[0].body == {"moved": ["seat-6"]}
    assert made[-1].type == "CaseDisclosed"
    assert made[-1].body == {"to": "venue-2", "digests": [person("seat-6").digest]}
    assert "seat-6" in told(drive.state, drive.state.seat("operator-2"))
    audited(drive)


def test_only_the_supervisor_replaces_a_lost_secondary_venue_by_one_that_is_there(drive: Drive) -> None:
    with pytest.raises(NotPaused):
        drive.perform("supervisor-1", "venue.replace", ORDER)
    drive.execute(LoseVenue("venue-3", 40))
    for actor in ("operator-1", "operator-2", "seat-1", "auditor-1"):
        with pytest.raises(WrongRole):
            drive.perform(actor, "venue.replace", ORDER)
    wrong: tuple[tuple[Object, type[Exception]], ...] = (
        ({"venue": "venue-2"}, NotLost),
        ({"venue": "venue-9"}, UnknownVenue),
        ({"by": "venue-9"}, UnknownVenue),
        ({"by": "venue-3"}, CommandRefused),
        ({"reason": " "}, Malformed),
        ({"more": 1}, Malformed),
    )
    for change, error in wrong:
        with pytest.raises(error):
            drive.perform("supervisor-1", "venue.replace", ORDER | change)
    drive.execute(LoseVenue("venue-2", 40))
    with pytest.raises(CommandRefused):
        drive.perform("supervisor-1", "venue.replace", ORDER)
    back(drive, "seat-4", "operator-2", "room-2")
    drive.perform("supervisor-1", "venue.replace", ORDER)
    # A venue that was replaced is nobody's refuge, and the main one is replaced by none.
    drive.execute(LoseVenue("venue-2", 40))
    with pytest.raises(CommandRefused):
        drive.perform("supervisor-1", "venue.replace", {**ORDER, "venue": "venue-2", "by": "venue-3"})
    drive.execute(LoseVenue("venue-1", 40))
    back(drive, "seat-4", "operator-2", "room-2")
    with pytest.raises(CommandRefused):
        drive.perform("supervisor-1", "venue.replace", {**ORDER, "venue": "venue-1"})
    audited(drive)


def test_a_member_who_moved_may_seal_another_sheet_from_its_new_place(drive: Drive) -> None:
    """Conflict row: "expert moved to another seat … the sheet in the log stands and may be replaced by a new seal"."""
    drive.seal("seat-5", drive.sheet("seat-5", spread()["seat-5"]))
    standing = drive.round.current["seat-5"]
    drive.execute(LoseVenue("venue-3", 40))
    drive.perform("supervisor-1", "venue.replace", ORDER)
    sit_down(drive)
    _, body = seal_of(drive, "seat-5", bytes(32), replaces=b64u(standing))
    (entry,) = drive.take(drive.act(DEVICE, "sheet.seal", body, sub="seat-5"))
    assert entry.type == "SheetSealed"
    assert drive.round.current["seat-5"] != standing
    audited(drive)

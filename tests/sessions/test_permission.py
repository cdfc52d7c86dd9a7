"""The permission table against what it should say, in another form: role by role instead of act by act."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from evaluation.core.stages import STAGES
from evaluation.errors import TooEarly, TooLate
from sessions.core.permission import ADMINISTRATOR, NODE, TABLE, Rule, allowed, demand
from sessions.core.state import EMPTY, ORDERED, Proceeding
from sessions.errors import Aborted, Closed, NotPaused, Paused, UnknownAct, WrongRole, WrongVenue
from tests.sessions.drive import FINANCE, MAIN, ZHUHAI, Drive

# Who (with the venue that it is about): actor, venue.
ACTORS = {
    "expert": ("seat-1", None),
    "buyer-representative": ("seat-3", None),
    "operator@main": ("operator-1", "venue-2"),
    "operator@own": ("operator-2", "venue-2"),
    "operator@other": ("operator-2", "venue-3"),
    "supervisor": ("supervisor-1", "venue-2"),
    "auditor": ("auditor-1", None),
    "room@own": ("room-2", "venue-2"),
    "room@other": ("room-2", "venue-1"),
    "main-centre": (MAIN, None),
    "holder": (FINANCE, None),
    "guest": (ZHUHAI, None),
    "foreign-tenant": ("guangzhou.example", None),
    "foreign-tenant-2": ("shenzhen.example", None),
    "node": (NODE, None),
    "administrator": (ADMINISTRATOR, None),
    "stranger": ("stranger.example", None),
    "nobody": ("seat-99", None),
}
# Shorthands for the columns below: stages by their first letters, gates by theirs.
STAGE = dict(zip(["K", "D", "C", "V", "S", "T", "R", "G", "F"], STAGES, strict=True))
GATE = {"o": "open", "p": "paused", "a": "aborted", "c": "closed"}
ANY_TIME = "KDCVSTRGF"

# role: rows of "gates / stages: what is allowed then".
EXPECTED: dict[str, tuple[str, ...]] = {
    "expert": (
        "opac/VSTRGF: advice.get",
        f"opac/{ANY_TIME}: view socket objects.get log.read receipts.get",
        f"opac/{ANY_TIME}: names",
        f"opa/{ANY_TIME}: watch",
        "opac/DCVSTRGF: pages.get",
        "op/DCVSTRGF: viewing",
        f"ac/{ANY_TIME}: evidence.get",
        f"op/{ANY_TIME}: seat.bind proofs.bring keys.announce device-check",
        f"p/{ANY_TIME}: seat.resume",
        f"o/{ANY_TIME}: presenter.hand-over",
        f"op/{ANY_TIME}: incident.note help.ask",
        "o/DCVSTRG: page.show pointer screen",
        "op/KDCVST: recusal.request",
        f"op/{ANY_TIME}: attention",
        "o/D: commitment.sign",
        "o/DCVST: recusal.declare",
        "o/C: ballot.seal sheet.author_open freeze.ok freeze.dispute",
        "o/V: review.vote",
        "o/VS: motion.open motion.vote clarification.ask clarification.lapse extension.ask",
        "o/S: sheet.author_open sheet.seal sheet.reseal freeze.ok freeze.dispute score.correct",
        "op/CS: objects.put",
        "o/G: ranking.confirm report.sign report.prepare report.dissent signing.call member.deem",
        f"c/{ANY_TIME}: after rating.appeal",
        "o/GF: reopening.ask",
    ),
    "operator@other": (
        f"opac/{ANY_TIME}: view socket objects.get log.read receipts.get",
        f"opac/{ANY_TIME}: names",
        f"opa/{ANY_TIME}: watch",
        "opac/DCVSTRGF: pages.get",
        "op/DCVSTRGF: viewing",
        f"ac/{ANY_TIME}: evidence.get",
        f"op/{ANY_TIME}: seat.bind proofs.bring keys.announce device-check keys.see",
        f"p/{ANY_TIME}: seat.resume",
        f"o/{ANY_TIME}: presenter.hand-over",
        f"op/{ANY_TIME}: incident.note",
        "o/DCVSTRG: page.show pointer screen",
        f"c/{ANY_TIME}: after",
        "op/KDCVST: recusal.request",
        f"p/{ANY_TIME}: area.seal area.open",
    ),
    "operator@own": (
        "+operator@other",
        f"op/{ANY_TIME}: incident.declare room.admit seat.lose help.answer identity.check",
        f"c/{ANY_TIME}: hand-over.give",
    ),
    "operator@main": (
        "+operator@other",
        f"op/{ANY_TIME}: incident.declare room.admit seat.lose help.answer",
        f"op/{ANY_TIME}: proceeding.pause bidders.name",
        f"p/{ANY_TIME}: proceeding.resume",
        "o/KDCVSTRG: stage.advance draw.open facts.put",
        "o/CS: round.freeze",
        "o/VSTRGF: stage.back",
        "o/GF: reopening.ask",
        "o/F: proceeding.close",
        f"a/{ANY_TIME}: proceeding.seal",
        f"opac/{ANY_TIME}: workbook.get",
        f"c/{ANY_TIME}: milestone.state case.open case.answer rating.give hand-over.take",
    ),
    "supervisor": (
        f"opac/{ANY_TIME}: view socket views.read objects.get log.read receipts.get",
        f"opac/{ANY_TIME}: names",
        f"opa/{ANY_TIME}: watch",
        "opac/DCVSTRGF: pages.get",
        "op/DCVSTRGF: viewing",
        f"ac/{ANY_TIME}: evidence.get",
        f"op/{ANY_TIME}: seat.bind proofs.bring keys.announce device-check proceeding.pause proceeding.abort",
        f"p/{ANY_TIME}: seat.resume proceeding.resume seat.release",
        f"op/{ANY_TIME}: seat.reinstate incident.note",
        f"p/{ANY_TIME}: incident.decide venue.replace",
        "o/S: opening.approve",
        "o/CS: holders.miss round.renew",
        f"op/{ANY_TIME}: holders.replace",
        "op/KDCVST: member.remove recusal.request recusal.decide",
        "o/KDCVST: member.seat",
        "o/VS: clarification.approve clarification.refuse",
        "o/VSTRGF: stage.back-approve",
        "o/GF: reopening.approve",
        "o/G: signing.call member.deem",
        f"op/{ANY_TIME}: draw.freeze draw.annul draw.countersign draw.external",
        f"c/{ANY_TIME}: after case.open case.answer rating.give rating.decide",
        "+watcher",
        f"op/{ANY_TIME}: incident.declare",
        f"p/{ANY_TIME}: recording.waive",
    ),
    "watcher": (
        "opac/VSTRGF: advice.get",
        f"opac/{ANY_TIME}: recordings.get timeline.get workbook.get",
        f"opa/{ANY_TIME}: listen",
        f"ac/{ANY_TIME}: verification.run",
    ),
    "auditor": (
        "+watcher",
        f"opac/{ANY_TIME}: audit.search",
        f"opac/{ANY_TIME}: view socket views.read objects.get log.read receipts.get",
        f"opac/{ANY_TIME}: names",
        f"opa/{ANY_TIME}: watch",
        "opac/DCVSTRGF: pages.get",
        "op/DCVSTRGF: viewing",
        f"ac/{ANY_TIME}: evidence.get",
        f"op/{ANY_TIME}: seat.bind proofs.bring keys.announce device-check",
        f"p/{ANY_TIME}: seat.resume",
        f"c/{ANY_TIME}: after",
    ),
    "room@other": (
        f"opac/{ANY_TIME}: view socket log.read receipts.get",
        f"opa/{ANY_TIME}: watch",
        "opac/DCVSTRGF: pages.get",
        "op/DCVSTRGF: viewing",
        f"op/{ANY_TIME}: seat.bind proofs.bring keys.announce device-check help.ask",
        f"p/{ANY_TIME}: seat.resume",
    ),
    "room@own": ("+room@other", f"op/{ANY_TIME}: publish devices"),
    "main-centre": (
        f"opac/{ANY_TIME}: objects.get log.read receipts.get",
        f"op/{ANY_TIME}: seat.vouch log.confirm pool.freeze draw.answer keys.see vouches.bring confirmations.bring",
        f"opa/{ANY_TIME}: venue.journal journals.bring",
        "o/KDCVST: member.seat",
        "o/K: proceeding.found",
        "op/VS: bidder.vouch",
        "op/K: definition.fix",
        f"op/{ANY_TIME}: log.continue",
    ),
    "holder": (
        f"opac/{ANY_TIME}: objects.get log.read receipts.get",
        f"op/{ANY_TIME}: seat.vouch log.confirm pool.freeze draw.answer keys.see vouches.bring confirmations.bring",
        f"opa/{ANY_TIME}: venue.journal journals.bring",
        f"op/{ANY_TIME}: holder.offer",
        "o/KDCVST: member.seat",
        f"opa/{ANY_TIME}: share.ack share.reject share.release draw.contribute draw.reveal",
    ),
    "guest": (
        "+holder",
        f"opac/{ANY_TIME}: partner.sessions.read partner.events.read",
        f"op/{ANY_TIME}: partner.seats.vouch",
        f"c/{ANY_TIME}: partner.results.read",
        f"ac/{ANY_TIME}: partner.evidence.read",
    ),
    "foreign-tenant": (),
    "foreign-tenant-2": (),
    "node": (
        f"opac/{ANY_TIME}: objects.get log.read receipts.get",
        f"op/{ANY_TIME}: keys.see vouches.bring confirmations.bring",
        f"opa/{ANY_TIME}: journals.bring",
    ),
    "administrator": (
        f"opac/{ANY_TIME}: create links.issue partners.host summary",
        f"op/{ANY_TIME}: vouch keys.see log.order",
        f"c/{ANY_TIME}: retention.purge",
    ),
    "stranger": (),
    "nobody": (),
}
EXPECTED["buyer-representative"] = ("+expert",)


def expected(role: str) -> set[tuple[str, str, str]]:
    """(gate, stage, permission) of a role."""
    found: set[tuple[str, str, str]] = set()
    for row in EXPECTED[role]:
        if row.startswith("+"):
            found |= expected(row[1:])
            continue
        when, _, what = row.partition(": ")
        gates, _, stages = when.partition("/")
        found |= {(GATE[g], STAGE[s], name) for g, s, name in product(gates, stages, what.split())}
    return found


@pytest.fixture(scope="module")
def founded() -> Proceeding:
    drive = Drive()
    drive.found()
    return drive.state


def at(state: Proceeding, stage: str, gate: str) -> Proceeding:
    return replace(
        state,
        evaluation=replace(state.evaluation, stage=stage),
        pauses=frozenset({(ORDERED, "")}) if gate == "paused" else frozenset(),
        aborted=gate == "aborted",
        closed=7 if gate == "closed" else None,
    )


@pytest.mark.parametrize("role", sorted(ACTORS))
def test_the_matrix_says_exactly_this(founded: Proceeding, role: str) -> None:
    """Architecture, section 2: role x relation to the venue x stage, and the gate."""
    actor, venue = ACTORS[role]
    found = {
        (gate, stage, name)
        for gate, stage, name in product(GATE.values(), STAGES, TABLE)
        if allowed(at(founded, stage, gate), actor, name, venue=venue)
    }
    assert found == expected(role)


def test_a_row_that_opens_too_far_is_noticed(founded: Proceeding, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix test itself would fail: a wider row is a difference."""
    wide = Rule(frozenset({"auditor"}), TABLE["view"].relation, frozenset(STAGES), frozenset(GATE.values()))
    monkeypatch.setitem(TABLE, "proceeding.abort", wide)
    with pytest.raises(AssertionError):
        test_the_matrix_says_exactly_this(founded, "auditor")


def test_refusals_say_why(founded: Proceeding) -> None:
    """docs/protocol.md section 3: role, then gate, then stage."""
    for error, actor, name, stage, gate in (
        (UnknownAct, "seat-1", "nothing", "check-in", "open"),
        (WrongRole, "seat-1", "stage.advance", "check-in", "closed"),
        (WrongVenue, "operator-2", "stage.advance", "check-in", "open"),
        (Closed, "seat-1", "review.vote", "check-in", "closed"),
        (Aborted, "seat-1", "review.vote", "check-in", "aborted"),
        (Paused, "seat-1", "review.vote", "check-in", "paused"),
        (NotPaused, "seat-1", "seat.resume", "check-in", "open"),
        (TooEarly, "seat-1", "review.vote", "check-in", "open"),
        (TooEarly, "seat-1", "evidence.get", "done", "open"),
        (TooLate, "seat-1", "review.vote", "done", "open"),
        (TooLate, "seat-1", "freeze.ok", "report", "open"),
        (TooLate, "seat-1", "freeze.ok", "compliance-review", "open"),
    ):
        with pytest.raises(error) as refused:
            demand(at(founded, stage, gate), actor, name)
        assert type(refused.value) is error


def test_a_recused_member_may_do_nothing(founded: Proceeding) -> None:
    """政府采购法实施条例 9: who is recused leaves. Once all is closed, it is rated like the others, and may appeal."""
    state = replace(founded, evaluation=replace(founded.evaluation, recused=frozenset({"seat-1"})))
    for gate, stage, name in product(GATE.values(), STAGES, TABLE):
        rated = gate == "closed" and name in ("after", "rating.appeal")
        assert allowed(at(state, stage, gate), "seat-1", name) is rated


def test_without_a_proceeding_only_the_administrator_creates() -> None:
    assert allowed(EMPTY, ADMINISTRATOR, "create")
    assert not allowed(EMPTY, NODE, "create")
    assert not allowed(EMPTY, "seat-1", "create")
    assert allowed(EMPTY, MAIN, "proceeding.found")

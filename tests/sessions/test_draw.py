"""The verifiable draw in the log: nobody chooses its result, nobody stops it, nobody repeats it (protocols.md 4).

1 Pool:
    test_draw_experts.py::test_experts_are_drawn_from_a_pool_that_only_its_custodian_knows
    test_node_drawing.py::test_a_custodian_freezes_its_pool_and_answers_for_it
2 `DrawOpened`, gate D1:
    test_nothing_is_contributed_before_the_opening_is_witnessed; by the contributor itself in
    test_node_drawing.py::test_no_contribution_before_d1
3 Contribution:
    test_foreign_doubled_and_copied_contributions_are_refused, test_a_late_contribution_is_logged_and_counts_for_nothing
    test_node_drawing.py::test_a_bad_dealing_is_rejected_on_sight
4 `DrawFrozen`, gate D2:
    test_no_secret_before_the_freeze_is_witnessed, test_an_absent_contributor_needs_the_supervisor_and_the_time
    by the holder itself in test_node_drawing.py::test_no_reveal_before_d2
5 Reveal:
    test_a_withheld_reveal_gives_the_same_seed, test_who_is_missing_is_stated_exactly
    test_a_frozen_draw_is_neither_cancelled_nor_repeated_for_free
    test_node_drawing.py::test_shares_leave_only_for_the_missing_and_after_the_time
6 Seed:
    tests/evaluation/test_draw.py::test_the_known_answers, test_both_implementations_agree
    test_draw_seed.py::test_no_set_of_silent_contributors_changes_the_seed
7 `DrawResolved`:
    test_a_result_of_other_secrets_is_refused, test_the_rules_refuse_a_forged_result
8 `DrawAnswered`:
    test_draw_experts.py::test_answers_take_two_signatures_and_skip_nobody
10 `ExternalDraw`:
    test_draw_experts.py::test_an_external_draw_is_named_and_takes_its_label
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from evaluation.core import draw as rules
from evaluation.draw_errors import (
    DeadlineOpen,
    DrawFrozen,
    DrawRefused,
    DrawStands,
    GroundRefused,
    NoSuchDraw,
    NotContributor,
    SecretRefused,
    TooFewContributions,
)
from evaluation.errors import AlreadyDone, ChairUndecided, CopiedSeal, NotWitnessed, SeenTooOld, TooLate, WrongHolders
from evidence.adapters import envelope_p256
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Draft
from evidence.core.envelope import combine
from evidence.errors import Malformed, Untrusted
from sessions import draw_secrets
from sessions.core import duties
from sessions.core.commands import FreezeDraw, MissReveals, OpenLot, ResolveDraw
from sessions.core.todo import todo
from sessions.errors import CommandRefused, NotReady, WrongRole
from tests.sessions.draws import TIED, Drawn, audited, tie, venue_draw
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, ZHONGSHAN, ZHUHAI, Drive, private_key
from tests.sessions.rounds import copy_of


@pytest.fixture(scope="module")
def tied() -> Drive:
    return tie(Drive())


@pytest.fixture
def lot(tied: Drive) -> Drawn:
    return Drawn(copy_of(tied)).lot()


@pytest.fixture
def venues(tied: Drive) -> Drawn:
    return Drawn(copy_of(tied)).by_act(venue_draw())


# --- the chair


def test_a_chair_tied_three_times_is_drawn(tied: Drive) -> None:
    """87号令 45 and the domain study 1.5: the lot ends the loop of ties; the proceeding goes on to its end."""
    drive = copy_of(tied)
    assert duties.OpenLot("lot/chair") in duties.duties(drive.state)
    with pytest.raises(ChairUndecided):
        drive.advance()
    drawn = Drawn(drive).lot().to_freeze().reveal()
    resolved, chair = drawn.resolve()
    assert [resolved.type, chair.type] == ["DrawResolved", "ChairDrawn"]
    (order,) = drawn.draw.named
    assert order is not None
    assert set(order) == set(TIED)
    assert drive.state.evaluation.chair == chair.body["seat"] == order[0]
    drive.advance()
    drive.until("done")
    drive.close()
    audited(drive)
    draw_secrets.check(drive.state, envelope_p256)


def test_the_chairs_lot_is_between_the_tied_and_nobody_opens_it_by_hand(tied: Drive) -> None:
    drive = copy_of(tied)
    with pytest.raises(CommandRefused):
        Drive().until("chair-election").execute(OpenLot("lot/chair"))
    own = venue_draw(draw="mine", strata=[{"label": "lot/chair", "quota": 1, "refs": ["seat-1", "seat-2"]}])
    with pytest.raises(DrawRefused):
        drive.perform("operator-1", "draw.open", own)
    (opened,) = drive.execute(OpenLot("lot/chair"))
    assert set(opened.body["strata"][0]["refs"]) == set(TIED)
    assert (opened.body["minimum"], opened.body["k"], opened.body["acks"]) == (2, 2, 3)
    with pytest.raises(DrawStands):
        drive.execute(OpenLot("lot/chair"))
    assert duties.OpenLot("lot/chair") not in duties.duties(drive.state)


def test_the_duties_of_a_draw_follow_its_gates(tied: Drive) -> None:
    """D1 and D2: contributions after the opening is witnessed, secrets after the freeze is."""
    drive = copy_of(tied)
    (opened,) = drive.execute(OpenLot("lot/chair"))
    drawn = Drawn(drive, opened.leaf)
    assert set(duties.duties(drive.state)) == {duties.AwaitWitnesses(opened.n + 1)}
    drive.witness()
    assert set(duties.duties(drive.state)) == {duties.AskContribution(d, opened.leaf) for d in HOLDERS}
    drawn.contribute()
    assert all(isinstance(duty, duties.AskAck) for duty in duties.duties(drive.state))
    drawn.acknowledge()
    assert set(duties.duties(drive.state)) == {FreezeDraw(opened.leaf)}
    (frozen,) = drive.execute(FreezeDraw(opened.leaf))
    assert set(duties.duties(drive.state)) == {duties.AwaitWitnesses(frozen.n + 1)}
    drive.witness()
    waits = duties.AwaitReveals(frozen.leaf, drawn.draw.reveal_by)
    assert set(duties.duties(drive.state)) == {waits} | {duties.AskReveal(d, frozen.leaf) for d in HOLDERS}
    drawn.reveal()
    assert set(duties.duties(drive.state)) == {duties.ResolveDraw(frozen.leaf)}
    drawn.resolve()
    assert set(duties.duties(drive.state)) == set()


# --- contributions


def test_nothing_is_contributed_before_the_opening_is_witnessed(tied: Drive) -> None:
    """D1, in the log and in what the contributor had seen."""
    drive = copy_of(tied)
    (opened,) = drive.execute(OpenLot("lot/chair"))
    drawn = Drawn(drive, opened.leaf)
    with pytest.raises(NotWitnessed):
        drawn.contribute(ZHUHAI)
    drive.witness()
    old = (opened.n, drive.tree.root(opened.n))
    with pytest.raises(SeenTooOld):
        drive.take(drive.act(ZHUHAI, "draw.contribute", drawn.body(ZHUHAI), seen=old))
    drawn.contribute(ZHUHAI)


def test_foreign_doubled_and_copied_contributions_are_refused(lot: Drawn) -> None:
    drive = lot.drive
    lot.contribute(ZHUHAI)
    with pytest.raises(AlreadyDone):
        drive.perform(ZHUHAI, "draw.contribute", lot.body(ZHUHAI))
    with pytest.raises(WrongRole):
        drive.perform(MAIN, "draw.contribute", {"opened": b64u(lot.opened), "envelope": {}})
    copied = {"opened": b64u(lot.opened), "envelope": lot.made[ZHUHAI].envelope.json}
    with pytest.raises(CopiedSeal):
        drive.perform(FINANCE, "draw.contribute", copied)
    with pytest.raises(NoSuchDraw):
        drive.perform(FINANCE, "draw.contribute", lot.body(FINANCE) | {"opened": b64u(bytes(32))})
    foreign = lot.deal(ZHONGSHAN).envelope
    for wrong in (replace(foreign, k=3, feldman=foreign.feldman * 2), replace(foreign, set=bytes(32))):
        with pytest.raises((WrongHolders, Malformed)):
            drive.perform(ZHONGSHAN, "draw.contribute", {"opened": b64u(lot.opened), "envelope": wrong.json})


def test_a_late_contribution_is_logged_and_counts_for_nothing(lot: Drawn) -> None:
    """Refusing it would break its node's chain; taking it in would let the last one choose."""
    drive = lot.drive
    lot.contribute(ZHONGSHAN, ZHUHAI).acknowledge().wait()
    without = {"opened": b64u(lot.opened), "absent": [FINANCE], "reason": "x"}
    drive.perform("supervisor-1", "draw.freeze", without)
    drive.witness()
    (late,) = drive.perform(FINANCE, "draw.contribute", lot.body(FINANCE))
    assert late.body == {"late": True}
    assert duties.AskReveal(FINANCE, lot.freeze_leaf) not in duties.duties(drive.state)
    with pytest.raises(NotContributor):
        lot.reveal(FINANCE)
    lot.reveal(ZHONGSHAN, ZHUHAI)
    two = [lot.made[d].secret for d in (ZHONGSHAN, ZHUHAI)]
    with pytest.raises(SecretRefused):
        lot.resolve(lot.secrets)
    lot.resolve(two)
    assert lot.draw.seed == rules.seed(lot.freeze_leaf, two)
    audited(drive)


def test_an_absent_contributor_needs_the_supervisor_and_the_time(lot: Drawn) -> None:
    drive = lot.drive
    lot.contribute(ZHONGSHAN, ZHUHAI).acknowledge()
    body: Object = {"opened": b64u(lot.opened), "absent": [FINANCE], "reason": "the node is down"}
    with pytest.raises(TooFewContributions):
        drive.execute(FreezeDraw(lot.opened))
    with pytest.raises(DeadlineOpen):
        drive.perform("supervisor-1", "draw.freeze", body)
    lot.wait()
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "draw.freeze", body)
    for absent in ([], [ZHUHAI], [FINANCE, ZHUHAI]):
        with pytest.raises(TooFewContributions):
            drive.perform("supervisor-1", "draw.freeze", body | {"absent": absent})
    drive.perform("supervisor-1", "draw.freeze", body)
    with pytest.raises(DrawFrozen):
        drive.perform("supervisor-1", "draw.freeze", body)


def test_fewer_than_f_plus_one_contributions_are_no_draw(lot: Drawn) -> None:
    lot.contribute(ZHUHAI).acknowledge().wait()
    body: Object = {"opened": b64u(lot.opened), "absent": [FINANCE, ZHONGSHAN], "reason": "x"}
    with pytest.raises(TooFewContributions):
        lot.drive.perform("supervisor-1", "draw.freeze", body)


def test_a_bad_dealing_is_rejected_and_left_out_by_the_supervisor(lot: Drawn) -> None:
    """protocols.md 1.5(7): it shows at once, not at the opening."""
    drive = lot.drive
    honest = lot.deal(ZHUHAI)
    bad = replace(honest.envelope, shares=(*honest.envelope.shares[:2], honest.envelope.shares[0]))
    with pytest.raises(Untrusted):
        envelope_p256.open_share(bad, lot.context(ZHUHAI), 3, private_key(FINANCE))
    lot.contribute(ZHONGSHAN, FINANCE)
    drive.perform(ZHUHAI, "draw.contribute", {"opened": b64u(lot.opened), "envelope": bad.json})
    made = lot.draw.contributions[ZHUHAI]
    drive.perform(FINANCE, "share.reject", {"act": b64u(made.id), "index": 3, "code": "untrusted"})
    lot.acknowledge()
    assert lot.draw.hopeless == lot.draw.unsafe == (ZHUHAI,)
    assert "draw.freeze" in todo(drive.state, drive.state.seat("supervisor-1"))
    drive.perform("supervisor-1", "draw.freeze", {"opened": b64u(lot.opened), "absent": [ZHUHAI], "reason": "x"})
    assert lot.draw.freeze is not None
    assert lot.draw.freeze.listed == (FINANCE, ZHONGSHAN)
    audited(drive)


# --- reveals


def test_no_secret_before_the_freeze_is_witnessed(lot: Drawn) -> None:
    """D2, in the log and in what the contributor had seen."""
    drive = lot.drive
    lot.contribute().acknowledge()
    (frozen,) = drive.execute(FreezeDraw(lot.opened))
    with pytest.raises(NotWitnessed):
        lot.reveal(ZHUHAI)
    drive.witness()
    body: Object = {"freeze": b64u(frozen.leaf), "s": b64u(lot.made[ZHUHAI].secret)}
    with pytest.raises(SeenTooOld):
        drive.take(drive.act(ZHUHAI, "draw.reveal", body, seen=(frozen.n, drive.tree.root(frozen.n))))
    lot.reveal(ZHUHAI)
    with pytest.raises(AlreadyDone):
        drive.perform(ZHUHAI, "draw.reveal", body)
    with pytest.raises(Malformed):
        drive.perform(FINANCE, "draw.reveal", body | {"s": b64u(bytes(32))})


def test_a_withheld_reveal_gives_the_same_seed(lot: Drawn) -> None:
    """Verified sharing: who withholds changes nothing, whoever it is, and the shares of any k holders do."""
    other = Drawn(copy_of(lot.drive), lot.opened, lot.made)
    lot.to_freeze()
    other = Drawn(copy_of(lot.drive), lot.opened, lot.made)
    lot.reveal().resolve()
    other.reveal(ZHONGSHAN, FINANCE)
    with pytest.raises(DeadlineOpen):
        other.miss(ZHUHAI)
    with pytest.raises(DeadlineOpen):
        other.release(FINANCE)
    other.wait().miss(ZHUHAI).release(ZHONGSHAN)
    assert not other.draw.resolvable
    other.release(FINANCE)
    assert other.draw.resolvable
    found = dict(draw_secrets.of(other.drive.state, other.draw, envelope_p256))
    assert tuple(found[d] for d in sorted(found)) == lot.secrets
    other.resolve()
    assert other.draw.seed == lot.draw.seed
    assert other.drive.state.evaluation.chair == lot.drive.state.evaluation.chair
    other.release(ZHUHAI)
    other.reveal(ZHUHAI)
    audited(other.drive)
    draw_secrets.check(other.drive.state, envelope_p256)


def test_fewer_than_k_shares_say_nothing_about_the_secret(lot: Drawn) -> None:
    """For any share there is a polynomial through every other secret; only k = f+1 shares name one."""
    lot.to_freeze().wait().miss(*HOLDERS)
    for author in HOLDERS:
        dealt = {
            i: envelope_p256.open_share(lot.made[author].envelope, lot.context(author), i, key)
            for i, key in enumerate(map(private_key, HOLDERS), 1)
        }
        assert {combine(dict(pair)) for pair in combinations(dealt.items(), 2)} == {lot.made[author].secret}
        assert all(combine({i: y}) != lot.made[author].secret for i, y in dealt.items())
    lot.release(ZHUHAI)
    with pytest.raises(SecretRefused):
        lot.resolve()


def test_a_false_reveal_is_replaced_by_shares(lot: Drawn) -> None:
    """Points of the curve tell it; the rules take the reveal, the result they take only from a committed secret."""
    drive = lot.drive
    lot.to_freeze().reveal(ZHONGSHAN, FINANCE)
    false = sha256(b"false")
    drive.perform(ZHUHAI, "draw.reveal", {"freeze": b64u(lot.freeze_leaf), "s": b64u(false)})
    assert dict(draw_secrets.of(drive.state, lot.draw, envelope_p256))[ZHUHAI] is None
    cheated = Drawn(copy_of(drive), lot.opened, lot.made)
    wrong = [false if domain == ZHUHAI else lot.made[domain].secret for domain in sorted(HOLDERS)]
    cheated.resolve(wrong)
    with pytest.raises(Untrusted):
        draw_secrets.check(cheated.drive.state, envelope_p256)
    lot.miss(ZHUHAI).release(ZHONGSHAN, FINANCE).resolve()
    draw_secrets.check(drive.state, envelope_p256)
    audited(drive)


def test_shares_out_of_form_or_out_of_time_are_refused(lot: Drawn) -> None:
    """One share for each who is missing, by its act id, from a holder who had seen that they are."""
    drive = lot.drive
    lot.to_freeze().reveal(ZHONGSHAN).wait().miss(ZHUHAI, FINANCE)
    freeze, honest = b64u(lot.freeze_leaf), lot.shares(FINANCE)
    zero, far = b64u(bytes(32)), b64u(b"\xff" * 32)
    wrong: list[Any] = [
        [],
        honest[:1],
        honest[::-1],
        [*honest, honest[0]],
        [[honest[0][0], zero], honest[1]],
        [[honest[0][0], far], honest[1]],
        [[zero, honest[0][1]], honest[1]],
        [honest[0][:1], honest[1]],
        ["x", None],
        [7],
    ]
    for shares in wrong:
        with pytest.raises(Malformed):
            drive.perform(FINANCE, "share.release", {"freeze": freeze, "shares": shares})
    body: Object = {"freeze": freeze, "shares": honest}
    n = lot.draw.missed_n
    assert n is not None
    with pytest.raises(SeenTooOld):
        drive.take(drive.act(FINANCE, "share.release", body, seen=(n, drive.tree.root(n))))
    with pytest.raises(WrongRole):
        drive.perform(MAIN, "share.release", body)
    lot.release(FINANCE)
    with pytest.raises(AlreadyDone):
        drive.perform(FINANCE, "share.release", body)


@pytest.mark.parametrize("missed", [(), (FINANCE,), (ZHUHAI, FINANCE), (MAIN, ZHUHAI)])
def test_who_is_missing_is_stated_exactly(lot: Drawn, missed: tuple[str, ...]) -> None:
    lot.to_freeze().reveal(ZHONGSHAN, FINANCE).wait()
    with pytest.raises(CommandRefused):
        lot.drive.execute(MissReveals(lot.freeze_leaf, missed))


def test_a_result_of_other_secrets_is_refused(lot: Drawn) -> None:
    lot.to_freeze().reveal()
    for wrong in (lot.secrets[:2], lot.secrets[::-1], (*lot.secrets[:2], sha256(b"mine"))):
        with pytest.raises(SecretRefused):
            lot.resolve(wrong)
    with pytest.raises(NoSuchDraw):
        lot.drive.execute(ResolveDraw(bytes(32), lot.secrets))
    lot.resolve()
    with pytest.raises(AlreadyDone):
        lot.resolve()


# --- never for free


def test_a_frozen_draw_is_neither_cancelled_nor_repeated_for_free(venues: Drawn) -> None:
    """DrawAnnulled needs a legal ground and the supervisor; the result is still computed and stays."""
    drive = venues.drive
    venues.to_freeze()
    for again in (venue_draw(), venue_draw(attempt=2), venue_draw(draw="others")):
        with pytest.raises(DrawStands):
            drive.perform("operator-1", "draw.open", again)
    body: Object = {"opened": b64u(venues.opened), "ground": "wrong-conditions", "reason": "x"}
    with pytest.raises(GroundRefused):
        drive.perform("supervisor-1", "draw.annul", body | {"ground": "we-do-not-like-it"})
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "draw.annul", body)
    drive.perform("supervisor-1", "draw.annul", body)
    with pytest.raises(DrawStands):
        drive.perform("operator-1", "draw.open", venue_draw(attempt=2))
    venues.reveal()
    assert duties.ResolveDraw(venues.freeze_leaf) in duties.duties(drive.state)
    venues.resolve()
    assert venues.draw.named[0] is not None
    with pytest.raises(DrawStands):
        drive.perform("operator-1", "draw.open", venue_draw(draw="others"))
    second = Drawn(drive).by_act(venue_draw(attempt=2))
    assert second.draw.attempt == 2
    audited(drive)


def test_no_proceeding_closes_over_a_draw_without_a_result() -> None:
    drive = Drive().until("detailed-review")
    drawn = Drawn(drive).by_act(venue_draw())
    drawn.contribute().acknowledge()
    drive.until("done")
    with pytest.raises(NotReady):
        drive.close()
    drawn.freeze().reveal().resolve()
    report = drive.state.report
    assert report is not None
    drive.perform("operator-1", "proceeding.close", {"report": b64u(report.revision)})
    audited(drive)


def test_an_annulled_lot_gives_the_tie_back_until_the_stage_is_over(lot: Drawn) -> None:
    drive = lot.drive
    lot.to_freeze().reveal().resolve()
    annul: Object = {"opened": b64u(lot.opened), "ground": "tender-ended", "reason": "x"}
    kept = Drawn(copy_of(drive), lot.opened, lot.made)
    kept.drive.advance()
    with pytest.raises(TooLate):
        kept.drive.perform("supervisor-1", "draw.annul", annul)
    drive.perform("supervisor-1", "draw.annul", annul)
    with pytest.raises(ChairUndecided):
        drive.advance()
    second = Drawn(drive).lot().to_freeze().reveal()
    assert second.draw.attempt == 2
    second.resolve()
    drive.advance()
    audited(drive)


def test_a_draw_annulled_before_its_freeze_has_no_result(lot: Drawn) -> None:
    """Nobody knew anything yet; what its contributors still send is logged, and the next attempt is another draw."""
    drive = lot.drive
    lot.contribute(ZHUHAI, FINANCE).acknowledge()
    drive.perform("supervisor-1", "draw.annul", {"opened": b64u(lot.opened), "ground": "faulty-pool", "reason": "x"})
    with pytest.raises(TooLate):
        drive.execute(FreezeDraw(lot.opened))
    assert duties.OpenLot("lot/chair") in duties.duties(drive.state)
    assert duties.AskContribution(ZHONGSHAN, lot.opened) in duties.duties(drive.state)
    lot.contribute(ZHONGSHAN)
    assert lot.draw.contributions[ZHONGSHAN].late
    second = Drawn(drive).lot()
    with pytest.raises((WrongHolders, CopiedSeal, Untrusted)):
        envelope_p256.open_share(lot.made[ZHUHAI].envelope, second.context(ZHUHAI), 1, private_key(ZHONGSHAN))
    second.to_freeze().reveal().resolve()
    drive.advance()
    audited(drive)


def test_an_aborted_proceeding_still_computes_what_is_frozen(venues: Drawn) -> None:
    venues.to_freeze()
    venues.drive.perform("supervisor-1", "proceeding.abort", {"reason": "x"})
    venues.reveal().resolve()
    assert venues.draw.resolved is not None


@pytest.mark.parametrize(
    "strata",
    [
        [],
        [{"label": "venue", "quota": 0, "refs": ["a"]}],
        [{"label": "venue", "quota": 2, "refs": ["a"]}],
        [{"label": "venue", "quota": 1, "refs": ["a", "a"]}],
        [{"label": "venue", "quota": 1, "refs": [7]}],
        [{"label": "venue", "quota": 1, "refs": ["a" * 61]}],
        [{"label": "venue", "quota": 1, "leaves": [b64u(bytes(32))]}],
        [{"label": "chair", "quota": 1, "refs": ["a"]}],
        [{"label": "lot/", "quota": 1, "refs": ["a"]}],
        [{"label": "expert/law", "quota": 1, "refs": ["a"]}],
        [{"label": "venue", "quota": 1, "refs": ["a"]}, {"label": "venue", "quota": 1, "refs": ["b"]}],
        [{"label": "venue", "quota": 1, "refs": ["a"]}, {"label": "seat", "quota": 1, "refs": ["b"]}],
        [{"label": "venue", "quota": 1, "refs": [str(i) for i in range(801)]}],
        [{"label": "venue", "quota": True, "refs": ["a"]}],
        ["venue"],
    ],
)
def test_strata_out_of_form_are_refused(tied: Drive, strata: Any) -> None:
    with pytest.raises((DrawRefused, Malformed)):
        tied.take(tied.act("operator-1", "draw.open", venue_draw(strata=strata)))


def test_the_rules_refuse_a_forged_result(lot: Drawn) -> None:
    """A server that writes another order is caught by deciding again; without that step it would pass."""
    drive = lot.drive
    lot.to_freeze().reveal()
    honest = Drawn(copy_of(drive), lot.opened, lot.made)
    resolved, chair = honest.resolve()
    loser = next(seat for seat in TIED if seat != chair.body["seat"])
    drive.append(
        [Draft("DrawResolved", resolved.body), Draft("ChairDrawn", chair.body | {"seat": loser})],
        drive.entries[-1].at,
    )
    assert drive.state.evaluation.chair == loser
    with pytest.raises(Untrusted):
        audited(drive)

"""Every row of the table of cases of protocols.md section 3, and the tests that hold it.

amended before the freeze:
    test_sealing.py::test_a_second_seal_names_the_one_that_it_replaces, test_a_replaced_seal_may_still_be_acknowledged
member recused or replaced:
    test_cut_off.py::test_a_recusal_declared_offline_counts_from_its_place; replacement has tests of its own
after opening:
    test_a_sheet_is_not_dealt_anew_once_it_is_frozen; corrections (`score.correct`) in test_committee_steps.py
holder lost before the freeze, k+1 or k acknowledged holders remain:
    test_cases.py::test_a_sheet_is_safe_with_k_acks_when_the_supervisor_names_who_is_missing
... fewer remain, so version+1, G1 and `sheet.reseal`:
    test_lost_holders_are_replaced_and_the_same_sheets_dealt_anew and those after it; real nodes and a real seat in
    tests/device/test_reseal.py
more than n-k holders lost after the freeze:
    test_authors_open_when_too_few_holders_are_left; else test_a_new_round_where_authors_do_not_open
seat machine dies:
    before sealing test_cut_off.py::test_a_seat_lost_with_its_disk_scores_again_with_another_key
    after it test_a_dead_seat_loses_nothing_that_it_sealed
main server dies at any point:
    test_service_kills.py, test_service_opening.py
s right, but ct or P bad:
    test_cases.py::test_an_unreadable_sheet_is_opened_by_its_author_with_the_committed_plaintext
"""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.core import cases
from evaluation.core.sealing import context
from evaluation.errors import (
    AlreadyDone,
    AlreadySealed,
    CommitmentMismatch,
    CopiedSeal,
    NotApproved,
    NotSafe,
    RoundError,
    RoundFrozen,
    SealRefused,
    SeenTooOld,
    WrongHolders,
)
from evidence.adapters import envelope_p256
from evidence.core.canonical import Object, b64u
from evidence.core.entry import Entry
from evidence.core.envelope import sheet_commitment
from evidence.errors import Malformed
from sessions.core import duties
from sessions.core.commands import FreezeHolders, OpenLot
from sessions.core.view import view, visibility
from sessions.errors import AlreadyFixed, CommandRefused, NotReady, WrongRole
from tests.sessions.draws import audited, tie
from tests.sessions.drive import FINANCE, HOLDERS, MAIN, MEMBERS, ZHONGSHAN, ZHUHAI, Drive, light, private_key, spread
from tests.sessions.test_cases import acknowledge, sealed
from tests.sessions.test_view import todo

ORDER: Object = {"lost": [FINANCE, ZHUHAI], "by": [MAIN, ZHUHAI], "reason": "两地节点损毁，无法恢复"}
LOST: Object = {"purpose": "sheet", "round": 1, "holders": [FINANCE, ZHUHAI], "reason": "节点损毁"}


def offer(drive: Drive, domain: str) -> None:
    key = envelope_p256.public_bytes(private_key(domain + "/2"))
    drive.perform(domain, "holder.offer", {"pk": b64u(key)})


def replaced() -> Drive:
    """Two of three holders are lost with their shares, and succeeded."""
    drive = sealed()
    acknowledge(drive, (ZHONGSHAN,))
    drive.perform("supervisor-1", "holders.replace", ORDER)
    offer(drive, ZHUHAI)
    offer(drive, MAIN)
    drive.execute(FreezeHolders())
    return drive


def reseal(drive: Drive, seat: str, plaintext: bytes | None = None, **more: Any) -> list[Entry]:
    """What the seat's device does by itself."""
    found, evaluation = drive.round, drive.state.evaluation
    old = drive.sealed[found.current[seat]]
    plaintext = plaintext or old.plaintext
    made = drive.sealer(context(evaluation, "sheet", seat, found.number, sheet_commitment(plaintext)), plaintext)
    assert evaluation.fixed is not None
    body: Object = {
        "envelope": made.envelope.json,
        "definition": b64u(evaluation.fixed.sha256),
        "round": found.number,
        "part": [1, 1],
        "replaces": b64u(found.current[seat]),
        **more,
    }
    act = drive.act(seat, "sheet.reseal", body)
    drive.sealed[act.id] = made
    return drive.take(act)


def answer(drive: Drive) -> None:
    """Every holder in force answers what it is asked."""
    for domain in drive.state.holders:
        for question in duties.queue(drive.state, domain):
            assert isinstance(question, duties.AskAck)
            body: Object = {"act": b64u(question.act), "index": drive.state.holders.index(domain) + 1}
            drive.perform(domain, "share.ack", body)


def release(drive: Drive, domain: str) -> None:
    found = drive.round
    assert found.freeze is not None
    index = drive.state.holders.index(domain)
    shares = [[b64u(act), b64u(drive.sealed[act].shares[index])] for act in found.listed]
    drive.perform(domain, "share.release", {"freeze": b64u(found.freeze.leaf), "shares": shares})


def test_lost_holders_are_replaced_and_the_same_sheets_dealt_anew() -> None:
    """`HoldersFrozen` version+1, G1, and clients re-seal the same P (`sheet.reseal`, no prompt; verifier: same c)."""
    drive = replaced()
    frozen = drive.state.holders_frozen
    assert frozen is not None
    assert (frozen.version, drive.state.holders) == (2, (ZHONGSHAN, ZHUHAI, MAIN))
    assert view(drive.state, "seat-1")["holders"] == 2
    # G1 holds anew: nobody seals to holders that have no quorum yet.
    assert duties.witness_size(drive.state) == frozen.n + 1
    early = drive.act("seat-1", "sheet.reseal", _old(drive, "seat-1"), seen=(frozen.n, drive.tree.root(frozen.n)))
    with pytest.raises(SeenTooOld):
        drive.take(early)
    drive.witness()
    first = dict(drive.round.current)
    commitments = {seat: drive.round.seals[act].envelope.c for seat, act in first.items()}
    for seat in MEMBERS:
        assert todo(drive, seat) == ["sheet.reseal"]
        (entry,) = reseal(drive, seat)
        assert entry.type == "SheetResealed"
        assert visibility(entry, drive.state, "supervisor-1") == "summary"
        assert todo(drive, seat) == []
    assert {seat: drive.round.seals[act].envelope.c for seat, act in drive.round.current.items()} == commitments
    assert not set(first.values()) & set(drive.round.current.values())
    with pytest.raises(NotSafe):
        drive.freeze()
    answer(drive)
    drive.freeze()
    drive.confirm()
    drive.approve()
    drive.witness()
    release(drive, MAIN)
    release(drive, ZHUHAI)
    drive.open()
    drive.advance()
    assert drive.state.stage == "tally"
    audited(drive)


def _old(drive: Drive, seat: str) -> Object:
    act = drive.round.current[seat]
    index = drive.round.seals[act].n
    sealed_act = drive.entries[index].act
    assert sealed_act is not None
    return sealed_act.body | {"replaces": b64u(act)}


def test_acknowledgements_of_replaced_holders_make_nothing_safe() -> None:
    """Even k+1 of them: who is lost releases nothing."""
    drive = sealed()
    acknowledge(drive, HOLDERS)
    assert not drive.state.evaluation.unsafe(drive.round)
    drive.perform("supervisor-1", "holders.replace", ORDER)
    # Until the successors have offered, the holders are who they were.
    assert drive.state.holders == HOLDERS
    assert {duty for duty in duties.duties(drive.state) if isinstance(duty, duties.AskOffer)} == {
        duties.AskOffer(MAIN),
        duties.AskOffer(ZHUHAI),
    }
    with pytest.raises(CommandRefused):
        drive.execute(FreezeHolders())
    offer(drive, ZHUHAI)
    with pytest.raises(AlreadyFixed):
        offer(drive, ZHUHAI)
    offer(drive, MAIN)
    assert duties.FreezeHolders() in duties.duties(drive.state)
    drive.execute(FreezeHolders())
    assert drive.state.evaluation.unsafe(drive.round) == MEMBERS
    with pytest.raises(NotSafe):
        drive.freeze()
    with pytest.raises(WrongRole):
        offer(drive, FINANCE)


def test_a_successor_is_not_asked_about_what_was_sealed_before_it() -> None:
    """It has no share of it; a holder that stays still answers, since its acts follow one another."""
    drive = replaced()
    assert [type(q) for q in duties.queue(drive.state, MAIN)] == []
    assert [type(q) for q in duties.queue(drive.state, ZHUHAI)] == []
    act = next(iter(drive.round.seals))
    with pytest.raises(WrongHolders):
        drive.perform(MAIN, "share.ack", {"act": b64u(act), "index": 3})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"lost": []}, Malformed),
        ({"lost": [], "by": []}, CommandRefused),
        ({"lost": [ZHUHAI, FINANCE]}, CommandRefused),
        ({"lost": [ZHUHAI, ZHUHAI]}, CommandRefused),
        ({"lost": [MAIN, ZHUHAI]}, CommandRefused),
        ({"lost": [1, 2]}, Malformed),
        ({"by": [MAIN, MAIN]}, CommandRefused),
        ({"by": [ZHONGSHAN, ZHUHAI]}, CommandRefused),
        ({"by": ["stranger.example", ZHUHAI]}, CommandRefused),
        ({"reason": " "}, Malformed),
        ({"reason": "x" * 501}, Malformed),
    ],
)
def test_a_succession_out_of_form_is_refused(change: Object, error: type[Exception]) -> None:
    drive = Drive().until("declarations")
    with pytest.raises(error):
        drive.perform("supervisor-1", "holders.replace", ORDER | change)


def test_only_the_supervisor_replaces_and_not_in_the_middle_of_something() -> None:
    drive = Drive()
    drive.found()
    drive.fix()
    drive.bind("supervisor-1")
    with pytest.raises(NotReady):
        drive.perform("supervisor-1", "holders.replace", ORDER)
    drive = sealed()
    for actor in ("operator-1", "seat-1", "auditor-1"):
        with pytest.raises(WrongRole):
            drive.perform(actor, "holders.replace", ORDER)
    acknowledge(drive, HOLDERS)
    drive.freeze()
    with pytest.raises(RoundFrozen):
        drive.perform("supervisor-1", "holders.replace", ORDER)
    drive = sealed()
    drive.perform("supervisor-1", "holders.replace", ORDER)
    with pytest.raises(NotReady):
        drive.perform("supervisor-1", "holders.replace", ORDER)


def test_holders_are_not_replaced_while_a_draw_has_no_result() -> None:
    drive = tie(Drive())
    drive.execute(OpenLot("lot/chair"))
    with pytest.raises(NotReady):
        drive.perform("supervisor-1", "holders.replace", ORDER)


def test_another_plaintext_is_no_new_dealing() -> None:
    """The control: without it a device could change scores without its expert."""
    drive = replaced()
    drive.witness()
    other = drive.sheet("seat-1", spread()["seat-1"], bytes(32))
    with pytest.raises(CommitmentMismatch):
        reseal(drive, "seat-1", other)
    with pytest.raises(WrongHolders):
        drive.perform("seat-1", "sheet.reseal", _old(drive, "seat-1"))
    reseal(drive, "seat-1")
    with pytest.raises(SealRefused):
        reseal(drive, "seat-1")
    with pytest.raises(AlreadySealed):
        reseal(drive, "seat-2", replaces=None)


def test_a_rejected_dealing_is_dealt_anew_with_another_secret() -> None:
    """`share.reject` … the client reseals": the same P, and never the same s."""
    drive = sealed()
    act = drive.round.current["seat-1"]
    with pytest.raises(SealRefused):
        reseal(drive, "seat-1")
    drive.perform(ZHUHAI, "share.reject", {"act": b64u(act), "index": 2, "code": "untrusted"})
    assert todo(drive, "seat-1") == ["sheet.reseal"]
    with pytest.raises(CopiedSeal):
        reseal(drive, "seat-1")
    dealt(drive, 1)
    reseal(drive, "seat-1")
    assert todo(drive, "seat-1") == []


def dealt(drive: Drive, number: int) -> None:
    """Each dealing with another secret and ciphertext, as a device makes it."""

    def other(bound: Any, plaintext: bytes) -> Any:
        made = light(bound, plaintext)
        changed = made.envelope.json | {"feldman": [b64u(b"\x02" + bytes(30) + bytes([number, n])) for n in (1, 2)]}
        changed["ct"] = changed["ct"] | {"sha256": b64u(bytes(31) + bytes([number]))}
        return type(made)(type(made.envelope).parse(changed), plaintext, made.ct, made.shares)

    drive.sealer = other


def test_a_holder_that_rejects_what_others_acknowledge_counts_as_missing() -> None:
    """Two rejects of sheets that others ack → that holder counts as missing, alarm": no device deals without end, and
    no acknowledgement is lost again."""
    drive = sealed()

    def answers(reject: bool) -> list[list[str]]:
        act = b64u(drive.round.current["seat-1"])
        body: Object = {"act": act, "index": 2, "code": "untrusted"}
        asked: list[tuple[str, str, Object]] = [(ZHUHAI, "share.reject", body)] if reject else []
        asked += [(name, "share.ack", {"act": act, "index": HOLDERS.index(name) + 1}) for name in (ZHONGSHAN, FINANCE)]
        return [[entry.type for entry in drive.perform(*each)] for each in asked]

    assert answers(reject=True) == [["ShareRejected"], ["ShareAcked"], ["ShareAcked"]]
    assert todo(drive, "seat-1") == ["sheet.reseal"]
    dealt(drive, 1)
    reseal(drive, "seat-1")
    # The second one counts once k others have taken it: until then it could be the author's fault.
    assert answers(reject=True) == [["ShareRejected"], ["ShareAcked"], ["ShareAcked", "HolderFaulty"]]
    assert drive.entries[-1].body == {"purpose": "sheet", "round": 1, "holder": ZHUHAI}
    assert todo(drive, "seat-1") == []
    assert view(drive.state, "supervisor-1")["round"]["faulty"] == [ZHUHAI]
    dealt(drive, 2)
    with pytest.raises(SealRefused):
        reseal(drive, "seat-1")
    # Another member's sheet that it rejects is left as it is, and k acknowledgements are enough for all.
    seat_2 = b64u(drive.round.current["seat-2"])
    drive.perform(ZHUHAI, "share.reject", {"act": seat_2, "index": 2, "code": "untrusted"})
    assert todo(drive, "seat-2") == []
    for seat in MEMBERS[1:]:
        for name in (ZHONGSHAN, FINANCE):
            drive.perform(name, "share.ack", _ack(drive, seat, name))
    # With it one of three is missing already: no other can be named.
    with pytest.raises(Malformed):
        drive.perform("supervisor-1", "holders.miss", LOST | {"holders": [FINANCE]})
    drive.freeze()
    drive.confirm()
    drive.approve()
    drive.witness()
    assert cases.few_acks(drive.state.evaluation)
    audited(drive)


def _ack(drive: Drive, seat: str, name: str) -> Object:
    return {"act": b64u(drive.round.current[seat]), "index": HOLDERS.index(name) + 1}


def test_one_reject_and_rejects_that_others_share_make_nobody_missing() -> None:
    """What fewer than k others took may be dealt badly; and k holders always remain."""
    drive = sealed()
    for seat in MEMBERS[:3]:
        body: Object = {"act": b64u(drive.round.current[seat]), "index": 2, "code": "untrusted"}
        drive.perform(ZHUHAI, "share.reject", body)
        drive.perform(FINANCE, "share.ack", _ack(drive, seat, FINANCE))
        assert todo(drive, seat) == ["sheet.reseal"]
    assert drive.round.faulty == frozenset()
    drive.perform(ZHONGSHAN, "share.ack", _ack(drive, "seat-1", ZHONGSHAN))
    assert drive.round.faulty == frozenset()
    drive.perform("supervisor-1", "holders.miss", LOST | {"holders": [FINANCE]})
    drive.perform(ZHONGSHAN, "share.ack", _ack(drive, "seat-2", ZHONGSHAN))
    assert drive.round.faulty == frozenset()
    audited(drive)


def test_a_sheet_is_not_dealt_anew_once_it_is_frozen() -> None:
    """After the opening: no reseal."""
    drive = sealed()
    drive.to_opening()
    with pytest.raises(RoundFrozen):
        reseal(drive, "seat-1")
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    with pytest.raises(RoundFrozen):
        reseal(drive, "seat-1")


def orphaned() -> Drive:
    """Frozen and approved, and then two of three holders are gone."""
    drive = sealed()
    drive.to_opening()
    drive.perform("supervisor-1", "holders.miss", LOST)
    return drive


def own(drive: Drive, seat: str) -> Object:
    act = drive.round.current[seat]
    return {"act": b64u(act), "p": b64u(drive.sealed[act].plaintext)}


def test_authors_open_when_too_few_holders_are_left() -> None:
    """Each seat sends `sheet.author_open` {P}, checked against c; with the last one the round is open."""
    drive = orphaned()
    for seat in MEMBERS:
        assert todo(drive, seat) == ["sheet.author_open"]
    with pytest.raises(CommitmentMismatch):
        drive.perform("seat-1", "sheet.author_open", own(drive, "seat-1") | {"p": b64u(b"{}")})
    for seat in MEMBERS[:-1]:
        (entry,) = drive.perform(seat, "sheet.author_open", own(drive, seat))
        # Nobody learns another's scores before all are there.
        assert visibility(entry, drive.state, "seat-5") == "summary"
        assert visibility(entry, drive.state, "supervisor-1") == "summary"
        with pytest.raises(AlreadyDone):
            drive.perform(seat, "sheet.author_open", own(drive, seat))
    assert drive.round.opened is None
    made = drive.perform("seat-5", "sheet.author_open", own(drive, "seat-5"))
    assert [entry.type for entry in made] == ["SheetAuthorOpened", "SheetsOpened"]
    assert visibility(made[0], drive.state, "seat-1") == "full"
    drive.advance()
    assert drive.state.stage == "tally"
    audited(drive)


def test_authors_open_nothing_while_holders_can() -> None:
    drive = sealed()
    drive.to_opening()
    with pytest.raises(RoundError):
        drive.perform("seat-1", "sheet.author_open", own(drive, "seat-1"))
    with pytest.raises(RoundFrozen):
        drive.perform("supervisor-1", "holders.miss", LOST | {"holders": [ZHUHAI]})
    drive.release(ZHUHAI)
    with pytest.raises(RoundError):
        drive.perform("supervisor-1", "holders.miss", LOST)
    with pytest.raises(RoundError):
        drive.perform("supervisor-1", "round.renew", {"purpose": "sheet", "round": 1, "reason": "x"})
    # Nor before people have agreed to open.
    drive = sealed()
    drive.acknowledge()
    drive.freeze()
    with pytest.raises(RoundFrozen):
        drive.perform("supervisor-1", "holders.miss", LOST)


def test_a_new_round_where_authors_do_not_open() -> None:
    """Else a new round by the supervisor: nothing was opened, so it is fair."""
    drive = orphaned()
    drive.perform("seat-1", "sheet.author_open", own(drive, "seat-1"))
    body: Object = {"purpose": "sheet", "round": 1, "reason": "两名委员的终端已损毁"}
    with pytest.raises(WrongRole):
        drive.perform("operator-1", "round.renew", body)
    for change, error in (({"reason": ""}, Malformed), ({"round": 2}, RoundError), ({"purpose": "ballot"}, RoundError)):
        with pytest.raises(error):
            drive.perform("supervisor-1", "round.renew", body | change)
    old = drive.round
    renewed, opened = drive.perform("supervisor-1", "round.renew", body)
    assert (renewed.type, renewed.body) == ("RoundRenewed", {"opened": 1})
    assert (opened.type, opened.body["round"]) == ("RoundOpened", 2)
    # Nobody is asked for shares of the void round, and none is taken.
    assert all(not duties.queue(drive.state, domain) for domain in HOLDERS)
    assert old.freeze is not None
    shares = [[b64u(act), b64u(drive.sealed[act].shares[0])] for act in old.listed]
    with pytest.raises(NotApproved):
        drive.perform(ZHONGSHAN, "share.release", {"freeze": b64u(old.freeze.leaf), "shares": shares})
    with pytest.raises(RoundError):
        drive.perform("supervisor-1", "round.renew", body)
    drive.perform("supervisor-1", "holders.replace", ORDER)
    offer(drive, ZHUHAI)
    offer(drive, MAIN)
    drive.execute(FreezeHolders())
    drive.witness()
    for seat, scores in spread().items():
        drive.seal(seat, drive.sheet(seat, scores, b"again" + bytes(26) + seat[-1:].encode()))
    answer(drive)
    drive.freeze()
    drive.confirm()
    drive.approve()
    drive.witness()
    release(drive, ZHONGSHAN)
    release(drive, MAIN)
    drive.open()
    drive.advance()
    assert drive.state.stage == "tally"
    audited(drive)


def test_ballots_have_the_same_way_out() -> None:
    drive = Drive().until("chair-election")
    for seat in MEMBERS:
        drive.seal(seat, drive.ballot(seat, "seat-1"))
    drive.to_opening()
    lost: Object = {"purpose": "ballot", "round": 1, "holders": [FINANCE, ZHUHAI], "reason": "节点损毁"}
    drive.perform("supervisor-1", "holders.miss", lost)
    renewed = drive.perform("supervisor-1", "round.renew", {"purpose": "ballot", "round": 1, "reason": "重投"})
    assert renewed[1].body["choices"] == list(drive.state.evaluation.rounds[0].choices)
    for seat in MEMBERS:
        drive.seal(seat, drive.ballot(seat, "seat-2"))
    drive.to_opening()
    drive.perform("supervisor-1", "holders.miss", lost | {"round": 2})
    opened = [drive.perform(seat, "sheet.author_open", own(drive, seat)) for seat in MEMBERS]
    made = [entry for entries in opened for entry in entries]
    assert [entry.type for entry in made[-2:]] == ["SheetsOpened", "ChairElected"]
    drive.advance()
    audited(drive)


def test_a_dead_seat_loses_nothing_that_it_sealed() -> None:
    """After sealing nothing is lost, the holders have it: the round opens without the seat."""
    drive = sealed()
    drive.perform("operator-1", "seat.lose", {"seat": "seat-2", "reason": "终端损毁"})
    drive.acknowledge()
    drive.freeze()
    drive.confirm([seat for seat in MEMBERS if seat != "seat-2"])
    drive.approve(["seat-2"])
    drive.witness()
    for domain in HOLDERS:
        drive.release(domain)
    drive.open()
    assert len(drive.state.evaluation.sheets()) == len(MEMBERS)
    audited(drive)

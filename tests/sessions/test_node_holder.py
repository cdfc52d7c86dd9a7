"""The node as holder: what it acknowledges, and when shares leave it (protocols.md sections 1.5 and 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidence.core import act as acts
from evidence.core.canonical import Object, b64u, sha256, unb64u
from evidence.core.entry import Draft
from evidence.core.tiles import Tile
from evidence.errors import Malformed, NoQuorum, UnknownLog, Untrusted
from sessions import node_mirror
from sessions.adapters.node_memory import MemoryNodeStore
from sessions.errors import FoundingRefused
from sessions.node_errors import (
    AlreadyVouched,
    ForeignSeat,
    LogForked,
    LogRefused,
    NodeStateBroken,
    NotAHolder,
    NotApproved,
    NotListed,
    NotSealed,
    NotYet,
    OtherFreeze,
)
from sessions.node_holder import holder_index, releasable
from tests.sessions.node_play import ZHONGSHAN, ZHUHAI, Play, make_node, shares
from tests.sessions.node_world import CITIES, PROCEEDING, Log, Main, new_log_signer, new_signer, request

pytestmark = pytest.mark.asyncio


def play(main: Main | None = None) -> Play:
    main = main or Main()
    return Play(main, [make_node(main, keys) for keys in main.cities])


async def at_sheets() -> Play:
    game = play()
    await game.to_sheets()
    return game


async def at_ballots() -> Play:
    game = play()
    game.found()
    await game.offers()
    await game.check_in()
    game.declare()
    return game


async def test_a_whole_round_of_sheets_opens_through_the_nodes() -> None:
    """G1, 1.5(7), R1 to R5 and the opening, with a ballot before; one member stays silent and is named."""
    game = await at_sheets()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze, "seat-5")
    game.approve(freeze, "seat-5")
    game.witness()
    await game.release(freeze)
    game.open()
    game.advance("tally")
    assert [row.bidder for row in game.state.evaluation.rows] == ["bidder-1", "bidder-2", "bidder-3"]


async def test_the_same_question_gets_the_same_octets_and_one_chain() -> None:
    game = await at_ballots()
    node = game.nodes[ZHONGSHAN]
    act = game.seal("seat-4")
    first = await node.ack(PROCEEDING, act)
    assert await node.ack(PROCEEDING, act) == first
    assert await node.offer(PROCEEDING) == await node.offer(PROCEEDING)
    seat = acts.thumbprint(game.seats["seat-4"].signer.jwk)
    vouched = await node.vouch(PROCEEDING, "seat-4", seat)
    assert await node.vouch(PROCEEDING, "seat-4", seat) == vouched
    assert acts.parse(first).ctr == 5, "offer, three vouches, this ack: nothing twice"


async def test_r4_nothing_leaves_before_the_approval_and_never_in_a_dispute() -> None:
    game = await at_sheets()
    await game.seal_all()
    freeze = game.freeze()
    node = game.nodes[ZHUHAI]
    game.confirm(freeze, "seat-5")
    with pytest.raises(NotApproved):
        await node.release(PROCEEDING, freeze)
    state = game.state.evaluation
    found = state.find_freeze(freeze)
    assert found.freeze is not None
    unnamed = replace(found, freeze=replace(found.freeze, approved=99, silent=("seat-4",)))
    with pytest.raises(NotApproved):
        releasable(state, unnamed)
    named = replace(found, freeze=replace(found.freeze, approved=99, silent=("seat-5",)))
    assert releasable(state, named) == 99
    disputed = replace(found, freeze=replace(found.freeze, approved=99, silent=("seat-5",), disputed=frozenset({"s"})))
    with pytest.raises(NotApproved):
        releasable(state, disputed)


async def test_r4_ballots_open_by_every_members_own_word() -> None:
    game = await at_ballots()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze, "seat-5")
    with pytest.raises(NotApproved):
        await game.nodes[ZHUHAI].release(PROCEEDING, freeze)
    game.by("seat-5", "freeze.ok", {"freeze": b64u(freeze)})
    assert len(shares(await game.nodes[ZHUHAI].release(PROCEEDING, freeze))) == 5


async def test_r2_the_gate_needs_the_quorum_of_the_nodes_own_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """G2: not the server's word. With the check switched off the shares would leave."""
    game = await at_ballots()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze)
    node = game.nodes[ZHUHAI]

    async def too_few(origin: str, n: int) -> bytes:
        return game.main.proof(game.log, n, witnesses=2)

    async def none(origin: str, n: int) -> bytes:
        raise NotYet("not witnessed yet")

    with monkeypatch.context() as patch:
        patch.setattr(game.main, "receipt", too_few)
        with pytest.raises(NoQuorum):
            await node.release(PROCEEDING, freeze)
        patch.setattr(game.main, "receipt", none)
        with pytest.raises(NotYet):
            await node.release(PROCEEDING, freeze)

    async def unasked(self: node_mirror.Mirror, n: int) -> None:
        return None

    other = game.nodes[ZHONGSHAN]
    with monkeypatch.context() as patch:
        patch.setattr(game.main, "receipt", too_few)
        patch.setattr(node_mirror.Mirror, "quorum", unasked)
        assert shares(await other.release(PROCEEDING, freeze))
    assert shares(await node.release(PROCEEDING, freeze))


async def test_r2_a_quorum_on_another_history_is_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    game = await at_ballots()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze)
    other = Log(PROCEEDING, game.log.signer)
    other.append([Draft(entry.type, entry.body, entry.act) for entry in game.log.entries])

    async def receipt(origin: str, n: int) -> bytes:
        return game.main.proof(other, n)

    monkeypatch.setattr(game.main, "receipt", receipt)
    with pytest.raises(LogForked):
        await game.nodes[ZHUHAI].release(PROCEEDING, freeze)


async def test_r3_a_freeze_without_a_seat_is_refused_by_the_replay_and_by_r3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the replay nor R3 alone has to be trusted: each refuses."""
    game = await at_ballots()
    for member in game.state.members[:4]:
        await game.ack(game.seal(member.id))
    listed = sorted((seat, b64u(act)) for seat, act in game.round.current.items())
    act = game.seats["operator-1"].act("round.freeze", {"purpose": "ballot", "round": 1})
    body: Object = {"purpose": "ballot", "round": 1, "sheets": [list(pair) for pair in listed]}
    (frozen,) = game.write([Draft("SheetsFrozen", body, act)])
    node = game.nodes[ZHUHAI]
    with pytest.raises(LogRefused, match="not-safe"):
        await node.release(PROCEEDING, frozen.leaf)
    monkeypatch.setattr(node_mirror.Mirror, "_decided", lambda self, state, rest, tree: 1)
    with pytest.raises(NotListed):
        await node.release(PROCEEDING, frozen.leaf)


async def test_r3_each_listed_seal_is_current_and_acknowledged() -> None:
    game = await at_ballots()
    await game.seal_all()
    freeze = game.freeze()
    state = game.state.evaluation
    found = state.find_freeze(freeze)
    assert found.freeze is not None
    stale = replace(found, current={**found.current, "seat-3": bytes(32)})
    unacked = replace(
        found, seals={act: replace(seal, acks=frozenset(CITIES[:2])) for act, seal in found.seals.items()}
    )
    twice = replace(found, freeze=replace(found.freeze, sheets=(*found.freeze.sheets[:4], found.freeze.sheets[0])))
    for wrong in (stale, unacked, twice):
        with pytest.raises(NotListed):
            releasable(state, wrong)


async def test_r5_a_round_is_released_for_one_freeze() -> None:
    """A log forked after a release cannot get the shares of its own freeze; with the record gone it could."""
    game = await at_ballots()
    await game.seal_all()
    freeze = game.freeze()
    game.confirm(freeze)
    node = game.nodes[ZHUHAI]
    held: MemoryNodeStore = node._store  # type: ignore[assignment]
    held._released[PROCEEDING, "ballot", 1] = b"another freeze"
    with pytest.raises(OtherFreeze):
        await node.release(PROCEEDING, freeze)
    assert held.act(PROCEEDING, "release", freeze) is None
    del held._released[PROCEEDING, "ballot", 1]
    assert shares(await node.release(PROCEEDING, freeze))


async def test_bad_dealing_is_rejected_on_sight_and_the_seat_seals_again() -> None:
    """1.5(7): it shows at once, not at opening."""
    game = await at_ballots()

    def swap(envelope: Object) -> Object:
        return envelope | {"shares": [envelope["shares"][1], envelope["shares"][0], envelope["shares"][2]]}

    # With k = 2 the reversed commitments still fit i = 1, and only i = 1.
    def foreign_polynomial(envelope: Object) -> Object:
        return envelope | {"feldman": envelope["feldman"][::-1]}

    for tamper, codes in (
        (swap, ["untrusted", "untrusted", None]),
        (foreign_polynomial, [None, "untrusted", "untrusted"]),
    ):
        body = game.seal_body("seat-3", tamper=tamper)
        body["replaces"] = b64u(game.round.current["seat-3"]) if "seat-3" in game.round.current else None
        act = game.seal("seat-3", body)
        answers = [acts.parse(await node.ack(PROCEEDING, act)) for node in game.nodes.values()]
        assert [answer.body.get("code") for answer in answers] == codes
        assert [answer.act for answer in answers] == ["share.reject" if code else "share.ack" for code in codes]
        for answer in answers:
            game.perform(answer)
        assert not game.round.safe("seat-3", 2)
    body = game.seal_body("seat-3") | {"replaces": b64u(game.round.current["seat-3"])}
    await game.ack(game.seal("seat-3", body))
    assert game.round.safe("seat-3", 2)


async def test_a_seal_is_acknowledged_with_its_ciphertext_in_hand_only() -> None:
    """Holders keep what they help to open; a server that holds the ciphertext back gets no ack."""
    game = await at_ballots()
    body = game.seal_body("seat-4")
    named = unb64u(body["envelope"]["ct"]["sha256"], 32)
    data = game.main.objects.pop(named)
    act = game.seal("seat-4", body)
    node = game.nodes[ZHUHAI]
    for wrong in (None, data[:-1], data[:-1] + bytes([data[-1] ^ 1])):
        if wrong is not None:
            game.main.objects[named] = wrong
        with pytest.raises(NotYet):
            await node.ack(PROCEEDING, act)
    game.main.objects[named] = data
    assert acts.parse(await node.ack(PROCEEDING, act)).act == "share.ack"
    game.main.objects.clear()
    kept: MemoryNodeStore = node._store  # type: ignore[assignment]
    assert kept.object(named) == data


async def test_acks_are_for_seals_that_the_log_shows() -> None:
    game = await at_ballots()
    node = game.nodes[ZHUHAI]
    with pytest.raises(NotYet):
        await node.ack(PROCEEDING, bytes(32))
    with pytest.raises(NotYet):
        await node.release(PROCEEDING, bytes(32))
    other = next(act for act, n in game.state.acts.items() if n == 0)
    with pytest.raises(NotSealed):
        await node.ack(PROCEEDING, other)
    game.main.shown = len(game.log.tree)
    act = game.seal("seat-3")
    with pytest.raises(NotYet):
        await node.ack(PROCEEDING, act)
    game.main.shown = None
    assert await node.ack(PROCEEDING, act)


async def test_a_fork_shown_to_a_holder_is_refused() -> None:
    """Two histories under the log's own key: the holder holds to the one that it saw, or cosigned."""
    game = await at_ballots()
    node = game.nodes[ZHUHAI]
    act = game.seal("seat-3")
    await node.ack(PROCEEDING, act)
    true = game.main.log
    fork = Log(PROCEEDING, true.signer)
    fork.append([Draft(entry.type, entry.body, entry.act) for entry in true.entries])
    fork.append([Draft("Witnessed", {"size": 1, "root": b64u(bytes(32)), "note": b64u(bytes(32))})])
    game.main.log = fork
    with pytest.raises(LogForked):
        await node.ack(PROCEEDING, b"x" * 32)
    game.main.shown = len(true.tree)
    with pytest.raises(LogForked):
        await node.ack(PROCEEDING, b"x" * 32)
    game.main.log, game.main.shown = true, None
    more = game.seal("seat-4")
    assert await node.ack(PROCEEDING, more), "the copy was left as it was"


async def test_what_the_witness_cosigned_binds_the_holder() -> None:
    """A node that has not mirrored yet, but cosigned, refuses another history of the same size."""
    game = play()
    game.found()
    true, main = game.log, game.main
    node, forgetful = (make_node(main, main.cities[0]) for _ in range(2))
    for each in (node, forgetful):
        each.witness.add_log(main.add_log())
    node.witness.add_checkpoint(request(true, 0))
    main.log = Log(PROCEEDING, true.signer)
    Play(main, []).found()
    assert len(main.log.tree) == len(true.tree)
    with pytest.raises(LogForked):
        await node.offer(PROCEEDING)
    assert await forgetful.offer(PROCEEDING), "without its record it would have followed the fork"
    main.log = true
    assert await node.offer(PROCEEDING)


async def test_a_founding_under_foreign_keys_policy_or_holders_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign holder key offered: the main server cannot make itself a holder under a city's name, nor call a city
    otherwise than the agreement does."""
    foreign = new_signer().jwk
    main = Main()
    identities = dict(main.pins.trust.identities)
    cases: list[Object] = [
        {"identities": identities | {ZHUHAI: foreign}},
        {"identities": identities | {"friend.example": foreign}, "holders": [*CITIES[:2], "friend.example"]},
        {"policy": b64u(sha256(b"another policy"))},
        {"trust": b64u(sha256(b"another trust"))},
        {"names": {ZHUHAI: {"zh": "中山", "en": "Zhongshan"}}},
        {"opening": {"origin": main.centre.origin, "index": 0, "leaf": b64u(main.centre.entries[0].leaf)}},
    ]
    for changes in cases:
        game = play(Main(main.cities)) if "opening" not in changes else play(main)
        if "identities" in changes:
            mine = dict(game.main.pins.trust.identities)
            changes = changes | {"identities": mine | {k: v for k, v in changes["identities"].items() if v == foreign}}
        game.found(**changes)
        node = game.nodes[ZHONGSHAN]
        with pytest.raises(LogRefused):
            await node.offer(PROCEEDING)
        with monkeypatch.context() as patch:
            patch.setattr(node_mirror, "check_founding", lambda *_: None)
            assert await node.offer(PROCEEDING), "with the check switched off it would have offered"


async def test_entries_that_the_rules_do_not_yield_stop_the_replay() -> None:
    """R1: the fold alone believes the log; checking acts and deciding again does not."""
    nothing = b64u(bytes(32))
    aborts: Object = {"reason": "x"}
    stranger = acts.make(
        new_signer(), act="proceeding.abort", aud=PROCEEDING, sub="supervisor-1", body=aborts, ctr=1, iat=1
    )
    for draft in (
        Draft("Witnessed", {"size": 2, "root": nothing, "note": nothing}),
        Draft("OpeningApproved", {}),
        Draft("SheetsOpened", {"purpose": "sheet", "round": 1, "freeze": nothing}),
        Draft("NoSuchEvent", {}),
        Draft("ProceedingAborted", {}, stranger),
    ):
        game = play()
        game.found()
        game.log.append([draft])
        with pytest.raises(LogRefused):
            await game.nodes[ZHUHAI].offer(PROCEEDING)


async def test_tampered_bundles_do_not_reach_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    game = play()
    game.found()
    honest = game.main.bundle

    async def flipped(origin: str, tile: Tile) -> bytes:
        return (await honest(origin, tile)).replace(b'"n":1', b'"n":7', 1)

    async def cut(origin: str, tile: Tile) -> bytes:
        return (await honest(origin, tile))[:-3]

    node = game.nodes[ZHUHAI]
    for lie, refusal in ((flipped, LogForked), (cut, Malformed)):
        with monkeypatch.context() as patch:
            patch.setattr(game.main, "bundle", lie)
            with pytest.raises(refusal):
                await node.offer(PROCEEDING)
    assert await node.offer(PROCEEDING)


async def test_a_checkpoint_of_another_key_or_log_is_refused() -> None:
    game = play()
    game.found()
    signer = game.log.signer
    game.log.signer = new_log_signer(PROCEEDING)
    with pytest.raises(Untrusted):
        await game.nodes[ZHUHAI].offer(PROCEEDING)
    game.log.signer = signer
    game.log.origin = "hohhot.example/other"
    with pytest.raises(Untrusted):
        await game.nodes[ZHUHAI].offer(PROCEEDING)


async def test_a_node_vouches_for_its_own_seats_and_once() -> None:
    """protocols.md 1.6: the seat's own centre, after its officers saw the person."""
    game = play()
    game.found()
    node = game.nodes[ZHUHAI]
    one, two = (acts.thumbprint(new_signer().jwk) for _ in range(2))
    for foreign in ("seat-1", "seat-4", "supervisor-1", "nobody-1"):
        with pytest.raises(ForeignSeat):
            await node.vouch(PROCEEDING, foreign, one)
    act = acts.parse(await node.vouch(PROCEEDING, "seat-5", one))
    assert (act.act, act.sub, act.body) == ("seat.vouch", ZHUHAI, {"seat": "seat-5", "thumbprint": one, "cose": None})
    with pytest.raises(AlreadyVouched):
        await node.vouch(PROCEEDING, "seat-5", two)


async def test_logs_that_no_add_log_admitted_are_unknown() -> None:
    game = play()
    for origin in ("hohhot.example/proceedings/" + "b" * 26, game.main.centre.origin, "x"):
        with pytest.raises(UnknownLog):
            await game.nodes[ZHUHAI].offer(origin)
    with pytest.raises(NotYet):
        await game.nodes[ZHUHAI].offer(PROCEEDING)
    with pytest.raises(NotAHolder):
        holder_index(game.state.evaluation, "other.example")


async def test_an_act_that_the_log_could_never_take_is_not_signed() -> None:
    """One refused act would end the chain: a thumbprint that is another seat's is refused before it is signed."""
    game = play()
    game.found()
    taken = acts.thumbprint(new_signer().jwk)
    await game.vouch("seat-1", taken)
    node = game.nodes[ZHUHAI]
    with pytest.raises(FoundingRefused):
        await node.vouch(PROCEEDING, "seat-5", taken)
    assert acts.parse(await node.offer(PROCEEDING)).ctr == 1


async def test_a_node_restored_from_an_old_backup_signs_nothing() -> None:
    """protocols.md 1.6: never restored; a second act with the same ctr would convict the city."""
    game = play()
    game.found()
    keys = game.main.cities[0]
    await game.offers()
    restored = make_node(game.main, keys)
    restored.witness.add_log(game.main.add_log())
    with pytest.raises(NodeStateBroken):
        await restored.offer(PROCEEDING)

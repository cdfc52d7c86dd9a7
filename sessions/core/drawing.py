"""Acts and facts of the verifiable draw (protocols.md 4): open, contribute, freeze, reveal, release, resolve, annul.

The order is fixed before anybody knows it, and nobody can choose it:
(1) `DrawOpened` states everything that is drawn from. A label is drawn once; only an annulled draw makes room again.
(2) D1: whoever contributes had seen the opening witnessed. Contributions are dealt to the holders, who acknowledge.
(3) `DrawFrozen` lists the safe ones; an absent contributor needs the supervisor's act. Nothing is added afterwards.
(4) D2: secrets and shares come only after the freeze was seen witnessed.
(5) A reveal that is missing, or false, is replaced by the holders' shares: the seed is the same.
(6) `DrawResolved` follows from the freeze alone, annulled or not.
Acts of holders that come late are taken without effect: refusing one would break its node's chain for good. Whether a
secret is the committed one (s·G = A_0) takes points of the curve: the server checks it before it resolves, and every
verifier again (`sessions.draw_secrets`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations

from evaluation.core import lots
from evaluation.core.draw import (
    EXPERT,
    MAX_LEAVES,
    MAX_STRATA,
    SEAT,
    Stratum,
    digest,
    kind,
    outcome,
    public_stratum,
    thresholds,
)
from evaluation.core.draw import seed as draw_seed
from evaluation.core.draw import stratum as draw_stratum
from evaluation.core.lots import Lot
from evaluation.core.outcome import COEFFICIENT
from evaluation.draw_errors import (
    DeadlineOpen,
    DrawFrozen,
    DrawNotFrozen,
    DrawRefused,
    DrawStands,
    GroundRefused,
    NotContributor,
    SecretRefused,
    TooFewContributions,
)
from evaluation.errors import AlreadyDone, CopiedSeal, NotWitnessed, SeenTooOld, StageIncomplete, TooLate, WrongHolders
from evidence.core.act import Act
from evidence.core.canonical import JSON, Object, b64u, members, unb64u
from evidence.core.entry import Draft
from evidence.core.envelope import Context, Envelope, combine, scalar
from evidence.errors import Malformed
from sessions.core import draw_day, seating
from sessions.core.commands import FreezeDraw, MissReveals, OpenLot, ResolveDraw
from sessions.core.draws import Draw, Pool, names, seconds
from sessions.core.state import Proceeding
from sessions.errors import CommandRefused, WrongRole

WITHIN = 60
"""Seconds for contributions, and again for reveals (protocols.md 4(5)). A node answers in well under one."""
GROUNDS = frozenset({"wrong-conditions", "faulty-pool", "tender-ended"})
"""On which a draw is annulled: drawn by other conditions than the tender's, from a pool that was not the frozen one, or
for a tender that was stopped (财政部令第87号 第二十九条 for the last; the others by protocols.md 4)."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}(?:/[a-z0-9-]{1,40})?", re.ASCII)
_MAX_REASON = 500
_MAX_REF = 60


def freeze_pool(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`pool.freeze`: the custodian is another centre than the one whose staff could profit."""
    body = members(act.body, {"count": int, "root": str})
    unb64u(body["root"], 32)
    if act.sub == state.main:
        raise WrongRole("the main centre keeps no pool of its own proceedings")
    if body["count"] < 1:
        raise DrawRefused("a pool has candidates")
    return (Draft("PoolFrozen", {}, act),)


def open_draw(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.open`: everything but what the rules themselves open."""
    required = {"draw": str, "attempt": int, "strata": list, "pool": object, "partition": object, "filter": object}
    body = members(act.body, required, {"facts": str})
    strata = read_strata(body["strata"])
    pool = _pool(state, body, [each for each, _ in strata])
    labels = [each.label for each, _ in strata]
    for label in labels:
        _check_kind(state, label)
    if any(_reserved(state, label) for label in labels):
        raise DrawRefused("the rules open this lot themselves")
    if (pool is not None) != any(refs is None for _, refs in strata):
        raise DrawRefused("a pool belongs to candidates whom only its custodian knows")
    seating.check_quotas(state, [each for each, _ in strata])
    for each, refs in strata:
        if each.label == SEAT:
            seating.check_seats(state, refs)
    check_new(state, body["draw"], body["attempt"], labels)
    draw_day.check(state, labels, at)
    return (Draft("DrawOpened", _terms(state), act),)


def open_lot(state: Proceeding, command: OpenLot, at: str) -> tuple[Draft, ...]:
    """A lot that the evaluation's own state calls for; the server has no choice in it."""
    lot = due_lot(state, command.label)
    attempt = 1 + sum(found.name == lot.label for found in state.drawing.draws)
    check_new(state, lot.label, attempt, [lot.label])
    public_stratum(lot.label, lot.quota, lot.refs)
    strata: list[JSON] = [{"label": lot.label, "quota": lot.quota, "refs": list(lot.refs)}]
    opened: Object = {"draw": lot.label, "attempt": attempt, "strata": strata}
    return (Draft("DrawOpened", opened | {"pool": None, "partition": None, "filter": None} | _terms(state)),)


def due_lot(state: Proceeding, label: str) -> Lot:
    """The lot that is due under this label, or CommandRefused."""
    for lot in lots.due(state.evaluation):
        if lot.label == label:
            return lot
    raise CommandRefused("no such lot is due")


def contribute(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.contribute`: a secret dealt to the frozen holders, after D1."""
    body = members(act.body, {"opened": str, "envelope": dict})
    found = state.drawing.opened(unb64u(body["opened"], 32))
    if act.sub not in found.contributors:
        raise NotContributor("the centre has no part in this draw")
    if found.contributable is None:
        raise NotWitnessed("the opening of the draw has no quorum in this log yet")
    if act.seen[0] <= found.n:
        raise SeenTooOld("made before the opening was seen with a quorum")
    if act.sub in found.contributions:
        raise AlreadyDone("a centre contributes once")
    envelope = Envelope.parse(body["envelope"])
    try:
        envelope.check_context(bound(state, found, act.sub))
    except Malformed as error:
        raise WrongHolders(str(error)) from error
    if any(envelope.feldman[0] == other.envelope.feldman[0] for other in found.contributions.values()):
        raise CopiedSeal("the commitment is another contributor's")
    late = found.freeze is not None or found.annulled is not None
    return (Draft("DrawContributed", {"late": late}, act),)


def bound(state: Proceeding, found: Draw, author: str) -> Context:
    """What a contribution is bound to: the draw's own opening, its attempt, its author."""
    if state.holders_frozen is None:
        raise StageIncomplete("the holders are not frozen")
    return Context("draw", state.origin, author, found.attempt, found.leaf, found.k, state.holders_frozen.keys)


def acknowledge(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`share.ack`, `share.reject` of a contribution."""
    rejects = act.act == "share.reject"
    body = members(act.body, {"act": str, "index": int} | ({"code": str} if rejects else {}))
    if rejects and not re.fullmatch(r"[a-z][a-z0-9-]{1,63}", body["code"], re.ASCII):
        raise Malformed("a code is a short word in kebab-case")
    _, made = state.drawing.contribution(unb64u(body["act"], 32))
    if body["index"] != state.holders.index(act.sub) + 1:
        raise Malformed("the index is not the holder's own")
    if made.answered(act.sub):
        raise AlreadyDone("the holder answered for this contribution")
    return (Draft("ShareRejected" if rejects else "ShareAcked", {}, act),)


def freeze(state: Proceeding, command: FreezeDraw, at: str) -> tuple[Draft, ...]:
    """Everybody contributed safely: nobody's word is needed."""
    found = _freezable(state, command.opened)
    if found.unsafe:
        raise TooFewContributions(f"{', '.join(found.unsafe)} not safely contributed")
    return (Draft("DrawFrozen", {"opened": b64u(found.leaf), "contributions": _leaves(found)}),)


def freeze_without(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.freeze`: the supervisor goes on without those who are late, or whose dealing was rejected."""
    body = members(act.body, {"opened": str, "absent": list, "reason": str})
    _reason(body["reason"])
    found = _freezable(state, unb64u(body["opened"], 32))
    if not found.unsafe or body["absent"] != list(found.unsafe):
        raise TooFewContributions("the act names every contributor without a safe contribution, sorted")
    if set(found.unsafe) != set(found.hopeless) and seconds(at) < found.commit_by:
        raise DeadlineOpen("there is still time to contribute")
    if len(found.contributors) - len(found.unsafe) < found.minimum:
        raise TooFewContributions(f"fewer than {found.minimum} contributions are safe")
    return (Draft("DrawFrozen", {"contributions": _leaves(found)}, act),)


def reveal(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.reveal`: after D2. One that comes too late changes nothing: the shares give the same secret."""
    body = members(act.body, {"freeze": str, "s": str})
    found, frozen = state.drawing.frozen(unb64u(body["freeze"], 32))
    scalar(unb64u(body["s"], 32))
    if act.sub not in frozen.listed:
        raise NotContributor("the centre's contribution is not in the freeze")
    _check_d2(found, act)
    if act.sub in found.reveals:
        raise AlreadyDone("the secret was revealed")
    return (Draft("DrawRevealed", {}, act),)


def miss(state: Proceeding, command: MissReveals, at: str) -> tuple[Draft, ...]:
    """Who did not reveal in time, and whose secret is not the committed one: holders now release their shares."""
    found, frozen = state.drawing.frozen(command.freeze)
    if found.missed_n is not None or found.resolved is not None:
        raise AlreadyDone("it was stated who is missing")
    if found.revealable is None:
        raise NotWitnessed("the freeze has no quorum in this log yet")
    if found.unrevealed and seconds(at) < found.reveal_by:
        raise DeadlineOpen("there is still time to reveal")
    missed = command.missed
    if not missed or missed != tuple(sorted(set(missed))):
        raise CommandRefused("who is missing is named once, sorted")
    if not set(found.unrevealed) <= set(missed) <= set(frozen.listed):
        raise CommandRefused("who is missing is in the freeze, and everybody without a reveal is missing")
    return (Draft("RevealMissed", {"freeze": b64u(command.freeze), "missed": list(missed)}),)


def release(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`share.release` for a draw: one share for each missed contribution, in the order of the statement."""
    body = members(act.body, {"freeze": str, "shares": list})
    found, _ = state.drawing.frozen(unb64u(body["freeze"], 32))
    if found.missed_n is None:
        raise DeadlineOpen("nobody is missing: shares stay where they are")
    if act.seen[0] <= found.missed_n:
        raise SeenTooOld("made before it was seen who is missing")
    if act.sub in found.releases:
        raise AlreadyDone("the holder has released")
    try:
        given = [unb64u(made, 32) for made, share in body["shares"] if scalar(unb64u(share, 32))]
    except (TypeError, ValueError) as error:
        raise Malformed("shares are [act id, y]") from error
    if given != [found.contributions[author].id for author in found.missed]:
        raise Malformed("one share for each missed contribution, in its order")
    return (Draft("SharesReleased", {}, act),)


def resolve(state: Proceeding, command: ResolveDraw, at: str) -> tuple[Draft, ...]:
    """The result, and what follows from it.

    (1) One secret for each listed contribution: the revealed one, or what k released shares combine to.
    (2) Seed and orders follow from freeze and secrets.
    (3) An annulled draw has its result too; it decides nothing.
    """
    found, frozen = state.drawing.frozen(command.freeze)
    if found.resolved is not None:
        raise AlreadyDone("the draw has its result")
    # (1)
    if len(command.secrets) != len(frozen.listed):
        raise SecretRefused("one secret for each contribution of the freeze")
    for author, secret in zip(frozen.listed, command.secrets, strict=True):
        if secret not in candidates(state, found, author):
            raise SecretRefused(f"the secret of {author} is neither revealed nor combined")
    # (2)
    seed = draw_seed(frozen.leaf, command.secrets)
    ranked = outcome(seed, found.strata)
    named = names(found, ranked)
    strata: list[JSON] = [
        {"label": each.label, "digest": b64u(digest(order)), "order": None if refs is None else list(refs)}
        for each, order, refs in zip(found.strata, ranked, named, strict=True)
    ]
    body: Object = {"freeze": b64u(frozen.leaf), "seed": b64u(seed), "strata": strata}
    resolved = Draft("DrawResolved", body | {"secrets": [b64u(secret) for secret in command.secrets]})
    # (3)
    if found.annulled is not None or named[0] is None:
        return (resolved,)
    return resolved, *lots.settle(state.evaluation, found.name, named[0], frozen.leaf)


def candidates(state: Proceeding, found: Draw, author: str) -> Iterator[bytes]:
    """What the log offers as this contributor's secret."""
    if author in found.reveals:
        yield found.reveals[author]
    if author in found.missed:
        place = found.missed.index(author)
        shares = {state.holders.index(holder) + 1: given[place] for holder, given in found.releases.items()}
        for chosen in combinations(sorted(shares.items()), found.k):
            yield combine(dict(chosen))


def annul(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.annul`: on a legal ground, by the supervisor; a frozen draw keeps its result in the log all the same."""
    body = members(act.body, {"opened": str, "ground": str, "reason": str})
    _reason(body["reason"])
    found = state.drawing.opened(unb64u(body["opened"], 32))
    if body["ground"] not in GROUNDS:
        raise GroundRefused("no legal ground to annul a draw")
    if found.annulled is not None:
        raise AlreadyDone("the draw is annulled")
    if not lots.reversible(state.evaluation, found.name):
        raise TooLate("the proceeding rests on this draw")
    if seating.binding(state) and (seats := seating.sits(state, found)):
        raise TooLate(f"{', '.join(seats)} sit by this draw: members leave first, by member.remove")
    return (Draft("DrawAnnulled", {"draw": found.name, "attempt": found.attempt}, act),)


def external(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.external`: another authority's system drew; nobody can recompute it, and the verdict says so. Where the
    pack wants it, a draw of experts names the `seats` that it filled, each of them once and by one statement."""
    label = act.body.get("label")
    named = seating.by_seat(state) and isinstance(label, str) and kind(label) == EXPERT
    body = members(act.body, {"label": str, "reference": str, "evidence": str, **({"seats": list} if named else {})})
    _check_kind(state, body["label"])
    unb64u(body["evidence"], 32)
    if not 1 <= len(body["reference"].strip()) <= len(body["reference"]) <= _MAX_REASON:
        raise Malformed(f"a reference has 1 to {_MAX_REASON} characters")
    if _reserved(state, body["label"]):
        raise DrawRefused("this lot is drawn here, or not at all")
    check_new(state, "external", 1, [body["label"]])
    if named:
        seating.check_stated(state, body["seats"])
    return (Draft("ExternalDraw", {}, act),)


def _check_kind(state: Proceeding, label: str) -> None:
    """DrawRefused where the pack knows no such draw: what nothing rests on would only look like a lot."""
    found, pack = kind(label), seating.pack(state)
    if pack is not None and pack.draw_labels is not None and found not in pack.draw_labels:
        raise DrawRefused(f"{found} is not drawn in a proceeding ({pack.source('draw')})")


def _reserved(state: Proceeding, label: str) -> bool:
    """Whether the rules alone open this label. A coefficient is drawn from the tender's own candidates, after the last
    score: one that people open before binds nothing."""
    return lots.reserved(label) or (label == COEFFICIENT and seating.binding(state))


def unresolved(state: Proceeding) -> tuple[str, ...]:
    """Draws that were neither resolved nor annulled before their freeze: no proceeding closes over them."""
    return tuple(found.name for found in state.drawing.draws if not found.over)


def concerns(state: Proceeding, act: Act) -> bool:
    """Whether a holder's ack, reject or release is about a draw, not about a round."""
    if act.act in ("share.ack", "share.reject"):
        named = act.body.get("act")
        return any(b64u(made.id) == named for found in state.drawing.draws for made in found.contributions.values())
    if act.act == "share.release":
        return any(found.freeze and b64u(found.freeze.leaf) == act.body.get("freeze") for found in state.drawing.draws)
    return False


def read_strata(value: list[JSON]) -> list[tuple[Stratum, tuple[str, ...] | None]]:
    """Each stratum with its references, or None where it names leaf hashes of a pool."""
    if not 1 <= len(value) <= MAX_STRATA:
        raise DrawRefused(f"a draw has 1 to {MAX_STRATA} strata")
    read: list[tuple[Stratum, tuple[str, ...] | None]] = []
    for item in value:
        found = members(item, {"label": str, "quota": int}, {"refs": list, "leaves": list})
        label, quota = found["label"], found["quota"]
        if ("refs" in found) == ("leaves" in found) or ("leaves" in found) != (kind(label) == EXPERT):
            raise DrawRefused(f"{label}: experts are leaf hashes of a pool, everybody else is named")
        if "leaves" in found:
            read.append((draw_stratum(label, quota, [unb64u(leaf, 32) for leaf in found["leaves"]]), None))
            continue
        if any(not isinstance(ref, str) or not 1 <= len(ref) <= _MAX_REF for ref in found["refs"]):
            raise DrawRefused(f"{label}: a reference has 1 to {_MAX_REF} characters")
        read.append(public_stratum(label, quota, found["refs"]))
    labels = [each.label for each, _ in read]
    if len(set(labels)) != len(labels) or len({kind(label) for label in labels}) != 1:
        raise DrawRefused("one draw has strata of one kind, each label once")
    if sum(len(each.leaves) for each, _ in read) > MAX_LEAVES:
        raise DrawRefused(f"at most {MAX_LEAVES} candidates stand in one draw")
    return read


def check_new(state: Proceeding, name: str, attempt: int, labels: list[str]) -> None:
    """No draw is ever repeated for free: a label is drawn in one draw, whose earlier attempts were all annulled."""
    if not _NAME.fullmatch(name):
        raise DrawRefused("a draw has a short name")
    earlier = [found for found in state.drawing.draws if found.name == name]
    if any(found.annulled is None or not found.over for found in earlier) or attempt != len(earlier) + 1:
        raise DrawStands("the draw stands, or this is not its next attempt")
    for label in labels:
        taken = any(label == each.label for d in state.drawing.draws if d.name != name for each in d.strata)
        if taken or label in state.drawing.external:
            raise DrawStands(f"{label} was drawn")


def _pool(state: Proceeding, body: Object, strata: list[Stratum]) -> Pool | None:
    if body["pool"] is None:
        if body["partition"] is not None or body["filter"] is not None or "facts" in body:
            raise DrawRefused("partition, filter and facts are those of a pool")
        return None
    if state.definition is None or "facts" not in body:
        raise DrawRefused("who has an interest in a bidder is shown by the pool's facts, once the bidders are fixed")
    pool = state.drawing.pools.get(unb64u(body["pool"], 32))
    unb64u(body["partition"], 32)
    unb64u(body["filter"], 32)
    unb64u(body["facts"], 32)
    if pool is None:
        raise DrawRefused("no pool was frozen with this leaf hash")
    if len({leaf for each in strata for leaf in each.leaves}) > pool.count:
        raise DrawRefused("more candidates than the pool has")
    return pool


def _terms(state: Proceeding) -> Object:
    """Who contributes and how many must: the holders of the proceeding, f+1 of them."""
    if state.holders_frozen is None:
        raise StageIncomplete("the holders are not frozen")
    k, enough = thresholds(len(state.holders))
    return {
        "contributors": list(state.holders),
        "minimum": k,
        "k": k,
        "acks": enough,
        "set": b64u(state.holders_frozen.set),
        "commit_within": WITHIN,
        "reveal_within": WITHIN,
    }


def _freezable(state: Proceeding, opened: bytes) -> Draw:
    found = state.drawing.opened(opened)
    if found.freeze is not None:
        raise DrawFrozen("the draw is frozen")
    if found.annulled is not None:
        raise TooLate("the draw is annulled")
    return found


def _leaves(found: Draw) -> list[JSON]:
    """Leaf hashes of the safe contributions in ascending centre order."""
    return [b64u(found.contributions[a].leaf) for a in sorted(found.contributors) if a not in found.unsafe]


def _check_d2(found: Draw, act: Act) -> None:
    if found.freeze is None:
        raise DrawNotFrozen("nothing is frozen")
    if found.revealable is None:
        raise NotWitnessed("the freeze has no quorum in this log yet")
    if act.seen[0] <= found.freeze.n:
        raise SeenTooOld("made before the freeze was seen with a quorum")


def _reason(text: str) -> None:
    if not 1 <= len(text.strip()) <= len(text) <= _MAX_REASON:
        raise Malformed(f"a reason has 1 to {_MAX_REASON} characters")


ACTS: dict[str, Callable[[Proceeding, Act, str], tuple[Draft, ...]]] = {
    "pool.freeze": freeze_pool,
    "draw.open": open_draw,
    "draw.contribute": contribute,
    "draw.freeze": freeze_without,
    "draw.reveal": reveal,
    "draw.annul": annul,
    "draw.external": external,
}
ANSWERS_OF_HOLDERS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {
    "share.ack": acknowledge,
    "share.reject": acknowledge,
    "share.release": release,
}

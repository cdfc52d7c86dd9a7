"""The fold of draws: what each of their entries changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.errors import EventRefused
from evidence.core.act import Act
from evidence.core.canonical import Object, members, unb64u
from evidence.core.entry import Entry
from evidence.core.envelope import Envelope
from sessions.core import draw_answers
from sessions.core.drawing import read_strata
from sessions.core.draws import Contribution, Draw, DrawFreeze, Drawing, Pool, seconds
from sessions.core.state import Proceeding


def on_pool(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    pool = Pool(entry.n, entry.leaf, act.sub, act.body["count"], unb64u(act.body["root"], 32))
    return replace(state, drawing=replace(state.drawing, pools={**state.drawing.pools, entry.leaf: pool}))


def on_opened(state: Proceeding, entry: Entry) -> Proceeding:
    """By an act, or by the rules: then the body holds it all."""
    stated = {**(entry.act.body if entry.act else {}), **entry.body}
    body: Object = members(
        stated,
        {
            **dict.fromkeys(("draw", "set"), str),
            **dict.fromkeys(("attempt", "minimum", "k", "acks", "commit_within", "reveal_within"), int),
            **dict.fromkeys(("strata", "contributors"), list),
            **dict.fromkeys(("pool", "partition", "filter"), object),
        },
        {"facts": str},
    )
    strata = read_strata(body["strata"])
    opened = Draw(
        name=body["draw"],
        attempt=body["attempt"],
        n=entry.n,
        leaf=entry.leaf,
        strata=tuple(each for each, _ in strata),
        refs=tuple(refs for _, refs in strata),
        pool=state.drawing.pools[unb64u(body["pool"], 32)] if body["pool"] is not None else None,
        contributors=tuple(body["contributors"]),
        minimum=body["minimum"],
        k=body["k"],
        enough=body["acks"],
        commit_by=seconds(entry.at) + body["commit_within"],
        reveal_within=body["reveal_within"],
    )
    return replace(state, drawing=replace(state.drawing, draws=(*state.drawing.draws, opened)))


def on_contributed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = state.drawing.opened(unb64u(act.body["opened"], 32))
    envelope = Envelope.parse(act.body["envelope"])
    made = Contribution(act.id, entry.leaf, act.sub, entry.n, envelope, entry.body["late"])
    return _with(state, found, replace(found, contributions={**found.contributions, act.sub: made}))


def on_frozen(state: Proceeding, entry: Entry) -> Proceeding:
    act = entry.act
    found = state.drawing.opened(unb64u((act.body if act else entry.body)["opened"], 32))
    absent = tuple(act.body["absent"]) if act else ()
    by_leaf = {made.leaf: author for author, made in found.contributions.items()}
    listed = tuple(by_leaf[unb64u(leaf, 32)] for leaf in entry.body["contributions"])
    return _with(state, found, replace(found, freeze=DrawFreeze(entry.leaf, entry.n, listed, absent)))


def on_revealed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found, _ = state.drawing.frozen(unb64u(act.body["freeze"], 32))
    return _with(state, found, replace(found, reveals={**found.reveals, act.sub: unb64u(act.body["s"], 32)}))


def on_missed(state: Proceeding, entry: Entry) -> Proceeding:
    found, _ = state.drawing.frozen(unb64u(entry.body["freeze"], 32))
    return _with(state, found, replace(found, missed=tuple(entry.body["missed"]), missed_n=entry.n))


def on_resolved(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"freeze": str, "seed": str, "secrets": list, "strata": list})
    found, _ = state.drawing.frozen(unb64u(body["freeze"], 32))
    secrets = tuple(unb64u(secret, 32) for secret in body["secrets"])
    return _with(state, found, replace(found, resolved=entry.n, seed=unb64u(body["seed"], 32), secrets=secrets))


def on_annulled(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = state.drawing.opened(unb64u(act.body["opened"], 32))
    return _with(state, found, replace(found, annulled=entry.n, stated=None))


def on_external(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    external = {**state.drawing.external, act.body["label"]: entry.n}
    stated = state.drawing.stated | set(act.body.get("seats", ()))
    return replace(state, drawing=replace(state.drawing, external=external, stated=stated))


def on_stated(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = state.drawing.opened(unb64u(act.body["opened"], 32))
    return _with(state, found, replace(found, stated=(act.id, draw_answers.read(act.body["answers"]))))


def on_answered(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found = state.drawing.opened(unb64u(entry.body["opened"], 32))
    if found.stated is None:
        raise EventRefused("answers that nobody stated")
    stated = found.stated[1]
    answers = draw_answers.apply(found, stated)
    return _with(state, found, replace(found, answers=answers, given=(*found.given, *stated), stated=None))


def on_share_answered(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found, made = state.drawing.contribution(unb64u(act.body["act"], 32))
    if act.act == "share.ack":
        made = replace(made, acks=made.acks | {act.sub})
    else:
        made = replace(made, rejects={**made.rejects, act.sub: act.body["code"]})
    return _with(state, found, replace(found, contributions={**found.contributions, made.author: made}))


def on_released(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    found, _ = state.drawing.frozen(unb64u(act.body["freeze"], 32))
    shares = tuple(unb64u(share, 32) for _, share in act.body["shares"])
    return _with(state, found, replace(found, releases={**found.releases, act.sub: shares}))


def on_witnessed(drawing: Drawing, entry: Entry) -> Drawing:
    """Which gates this entry shows reached. The time to reveal begins when it may be revealed."""
    size, draws = entry.body["size"], []
    for found in drawing.draws:
        if found.contributable is None and size > found.n:
            found = replace(found, contributable=entry.n)
        if found.revealable is None and found.freeze is not None and size > found.freeze.n:
            found = replace(found, revealable=entry.n, reveal_by=seconds(entry.at) + found.reveal_within)
        draws.append(found)
    return replace(drawing, draws=tuple(draws)) if draws else drawing


def _with(state: Proceeding, old: Draw, new: Draw) -> Proceeding:
    draws = tuple(new if found is old else found for found in state.drawing.draws)
    return replace(state, drawing=replace(state.drawing, draws=draws))


EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "PoolFrozen": on_pool,
    "DrawContributed": on_contributed,
    "DrawRevealed": on_revealed,
    "DrawAnnulled": on_annulled,
    "ExternalDraw": on_external,
    "DrawAnswerStated": on_stated,
    "DrawAnswered": on_answered,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "DrawOpened": on_opened,
    "DrawFrozen": on_frozen,
    "RevealMissed": on_missed,
    "DrawResolved": on_resolved,
}
ANSWERS_OF_HOLDERS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "ShareAcked": on_share_answered,
    "ShareRejected": on_share_answered,
    "SharesReleased": on_released,
}

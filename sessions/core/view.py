"""What a seat sees: the view of its role, and how much of each entry (docs/protocol.md section 7)."""

from __future__ import annotations

from typing import Literal

from evaluation.core import checks, clarification, leaving, legal_items, lots, motions, points, stages
from evaluation.core.results import ranking_json, rows_json
from evaluation.core.rounds import Round
from evaluation.core.state import Evaluation
from evidence.core.canonical import JSON, Object, b64u, unb64u
from evidence.core.entry import Entry
from sessions.core import advising, city_names, confirming, help_requests, seating, signing_off
from sessions.core.awaited import awaited
from sessions.core.draws import Draw
from sessions.core.permission import allowed
from sessions.core.state import AUDITOR, CLOSED, OPERATOR, ROOM, SUPERVISOR, Proceeding, Seat
from sessions.core.todo import todo

Visibility = Literal["full", "summary", "hash"]

# What a room's screen may show: stage, gate and page, and its own part in the recording.
_ROOM_SEES = frozenset(
    {
        "LogContinued",
        "ContinuationConfirmed",
        "LeavesKnown",
        "RoomAdmitted",
        "RecordingStarted",
        "RecordingEnded",
        "PageShown",
        "PresenterChanged",
        "VenueLost",
        "VenueRejoined",
        "NightBegan",
        "NightEnded",
        "ProceedingPaused",
        "ProceedingResumed",
        "ProceedingAborted",
        "ProceedingClosed",
        "StageAdvanced",
    }
)
# A member's own judgement; others learn that it was given. Votes are shown once all are in.
_OWN_JUDGEMENT = frozenset({"SheetSealed", "SheetResealed", "BallotSealed"})
_AFTER_REVIEW = frozenset({"ReviewVoted"})
# Opened figures and results, and the shares that open them: for the committee and those who watch it, not for the
# operators of secondary venues.
_RESULTS = frozenset(
    {
        "SharesReleased",
        "SheetOpened",
        "SheetUnreadable",
        "SheetAuthorOpened",
        "ScoresTallied",
        "RankingFixed",
        "ReviewConcluded",
        "TieDrawn",
    }
)
# What a newcomer may not see before its own sheet is opened: it scores as independently as the others did.
_SCORES = frozenset(_RESULTS - {"ReviewConcluded"}) | checks.EVENTS.keys()
# What the committee asks, moves and finds about bids: as confidential as its results.
_RESULTS |= {*clarification.EVENTS, *motions.EVENTS, *checks.EVENTS, "ReportDissented"}
# Nor a report that was reopened, nor a digest that tells it.
_SCORES |= {"ReportFrozen", *confirming.EVENTS_OF_ACTS, *confirming.FACTS}
# What comparing the documents showed is for the committee, and not before every recusal is declared.
_ADVICE = frozenset({"AdviceNoted"})
# A digest of so few possible rankings would tell the ranking to whoever tries them: the report's, and each signer's.
_RESULTS |= {"ReportFrozen", *confirming.EVENTS_OF_ACTS, *confirming.FACTS}
# Entries of a draw; those of a lot between equal bidders tell who is equal, and who won.
_DRAWN = frozenset({"DrawOpened", "DrawResolved"})
# Grounds of a recusal touch the person (protocols.md section 5), papers do, and so do looks of those who watch.
_PERSONAL = frozenset({"RecusalDeclared", "OfflineAct", "SeatSuspended", "SeatGap", "IdentityChecked", "LookNoted"})
_PERSONAL |= {"RecusalRequested", "RecusalDecided", "MemberRemoved"}
_WATCHERS = frozenset({SUPERVISOR, AUDITOR})
# What somebody reads, or needs help with, is for those who watch; help also for those who give it.
_READING = frozenset({"PagesViewed", "SeatsNoticed"})
_HELP = frozenset({"HelpAsked", "HelpAnswered"})


def view(state: Proceeding, seat_id: str) -> Object:
    """The view of this seat as JSON. Nothing that is sealed is in any view."""
    seat = state.seat(seat_id)
    shown: Object = {
        "origin": state.origin,
        "log": state.log,
        "continued": _continued(state),
        "size": state.size,
        "stage": state.stage,
        "gate": state.gate,
        "pauses": [list(pause) for pause in sorted(state.pauses)],
        "me": _me(state, seat),
        "venues": {
            venue.id: {
                "centre": venue.centre,
                "kind": venue.kind,
                "lost": venue.id in state.lost,
                "replaced": state.replaced.get(venue.id),
            }
            for venue in state.venues.values()
        },
        "cities": city_names.to_json(state.cities),
        "rooms": {
            room.id: {
                "venue": room.venue,
                "admitted": room.id in state.admitted,
                "recording": room.id in state.recording,
            }
            for room in state.rooms.values()
        },
        "follows": state.founding.follows[0] if state.founding and state.founding.follows else None,
        "night": _night(state),
        "waived": sorted(state.waived),
        "presenter": state.presenter,
        "page": _page(state),
        "documents": _documents(state),
        "help": help_requests.shown(state, seat),
        "todo": todo(state, seat),
    }
    if seat.role == ROOM or seat.id in state.evaluation.recused:
        return shown
    return shown | _meeting(state, seat)


def visibility(entry: Entry, state: Proceeding, seat_id: str) -> Visibility:
    """How much of the entry this seat may see under `state`, which holds the entry."""
    seat = state.seat(seat_id)
    if entry.act is not None and entry.act.sub == seat.id:
        return "full"
    if seat.role == ROOM or seat.id in state.evaluation.recused:
        return "full" if entry.type in _ROOM_SEES else "hash"
    if entry.type in _OWN_JUDGEMENT or _half_opened(entry, state):
        return "summary"
    if entry.type in _SCORES and leaving.blind(state.evaluation, seat.id):
        return "summary"
    if entry.type in _ADVICE:
        return "full" if allowed(state, seat.id, advising.READ) else "summary"
    if entry.type in _AFTER_REVIEW:
        return "full" if state.evaluation.valid is not None and _sees_results(state, seat) else "summary"
    if entry.type in _RESULTS or (entry.type in _DRAWN and _between_bidders(entry)):
        return "full" if _sees_results(state, seat) else "summary"
    if entry.type in _PERSONAL or entry.type in _READING:
        return "full" if seat.role in _WATCHERS else "summary"
    if entry.type in _HELP:
        return "full" if seat.role in _WATCHERS or seat.role == OPERATOR else "summary"
    return "full"


def _half_opened(entry: Entry, state: Proceeding) -> bool:
    """Authors open one by one where the holders are lost: until all have, each sees its own sheet only."""
    if entry.type != "SheetAuthorOpened" or entry.act is None:
        return False
    return state.evaluation.find_seal(unb64u(entry.act.body["act"], 32))[0].opened is None


def _between_bidders(entry: Entry) -> bool:
    strata = entry.body.get("strata", ())
    return any(lots.reserved(each["label"]) and not lots.of_chair(each["label"]) for each in strata)


def summary(entry: Entry, state: Proceeding) -> Object:
    """What everybody who may know of the entry may know: its type, and whose it is."""
    told: Object = {"type": entry.type}
    if entry.act is not None:
        asked = {found.bidder for found in state.evaluation.steps.questions}
        whose = "seat" if entry.act.sub in state.seats else "bidder" if entry.act.sub in asked else "centre"
        told[whose] = entry.act.sub
    return told


def _me(state: Proceeding, seat: Seat) -> Object:
    key = state.keys.get(state.seat_key.get(seat.id, ""))
    credential = state.credentials.get(seat.id)
    return {
        "seat": seat.id,
        "role": seat.role,
        "venue": seat.venue or None,
        "checked": state.checks[seat.id].thumbprint if seat.id in state.checks else None,
        "vouched": state.vouches.get(seat.id),
        "bound": key is not None,
        "ctr": key.ctr if key else 0,
        "last": b64u(key.last) if key else None,
        "merging": key.merge.to if key and key.merge else None,
        "recused": seat.id in state.evaluation.recused,
        "credential": credential.credential if credential else None,
    }


def _continued(state: Proceeding) -> Object | None:
    """That entries were lost and the log goes on under another origin, and how much of what is missing is known."""
    if not state.continuations:
        return None
    newest = state.continuations[-1]
    return {
        "n": newest.n,
        "origin": newest.left.origin,
        "size": newest.left.size,
        "witnessed": newest.left.witnessed,
        "missing": newest.left.witnessed - newest.left.size,
        "known": len(newest.known),
        "confirmed": bool(newest.confirmed),
        "confirmed_by": newest.confirmed or None,
        "reason": newest.reason,
    }


def _night(state: Proceeding) -> Object | None:
    found = state.night
    if found is None:
        return None
    sealed = {venue: list(seals) for venue, seals in found.sealed.items()}
    return {"opens": found.opens, "sealed": sealed, "opened": sorted(found.opened)}


def _page(state: Proceeding) -> Object | None:
    page = state.page
    return {"document": b64u(page.document), "page": page.number, "at": page.at} if page else None


def _documents(state: Proceeding) -> list[list[object]]:
    fixed = state.evaluation.fixed
    return [[b64u(sha256), pages] for sha256, pages in fixed.scoring.documents] if fixed else []


def _meeting(state: Proceeding, seat: Seat) -> Object:
    evaluation = state.evaluation
    waiting = {name for lost in state.lost.values() for name in lost.waiting}
    blind = leaving.blind(evaluation, seat.id)
    shown: Object = {
        "seats": {
            other.id: {
                "role": other.role,
                "venue": other.venue or None,
                "checked": other.id in state.checks,
                "vouched": other.id in state.vouches,
                "bound": other.id in state.seat_key,
                "waiting": other.id in waiting,
                "recused": other.id in evaluation.recused,
            }
            for other in state.seats.values()
        },
        "rules": {
            "recusal": {
                "grounds": list(evaluation.rules.recusal_grounds),
                "source": evaluation.rules.source("recusal"),
            },
            "rejection": list(evaluation.rules.rejection_grounds),
            "evidenced": evaluation.rules.evidenced,
            "clarification": evaluation.rules.clarification_by,
            "by_seat": seating.by_seat(state),
        },
        "definition": b64u(evaluation.fixed.sha256) if evaluation.fixed else None,
        "holders": state.holders_frozen.version if state.holders_frozen else None,
        "witnessed": state.witnessed,
        "committed": sorted(evaluation.commitments),
        "declared": sorted(evaluation.declarations),
        "chair": evaluation.chair,
        "chair_undecided": evaluation.chair_undecided,
        "round": _round(state, evaluation.round, seat) if evaluation.round else None,
        "voted": sorted(evaluation.votes),
        "valid": list(evaluation.valid) if evaluation.valid is not None else None,
        "results": None,
        "pools": [
            {"leaf": b64u(pool.leaf), "custodian": pool.custodian, "count": pool.count, "root": b64u(pool.root)}
            for pool in state.drawing.pools.values()
        ],
        "contributors": list(state.holders),
        "draws": [_draw(found) for found in state.drawing.draws],
        "report": _report(state),
        "superseded": [[b64u(old.report.document), b64u(old.report.revision)] for old in state.superseded],
        "steps": _steps(state, blind) if _sees_results(state, seat) else None,
        "vacant": list(evaluation.vacant),
        "open": [other.id for other in state.seats.values() if state.is_open(other)],
        "undrawn": list(seating.undrawn(state)),
        "requests": _requests(state) if seat.role in _WATCHERS else None,
        "advice": _advice(state, seat),
        "credentials": sorted(state.credentials),
        "awaited": _awaited(state, seat),
    }
    if evaluation.ranking is not None and _sees_results(state, seat) and not blind:
        shown["results"] = rows_json(evaluation.rows) | ranking_json(evaluation.ranking)
    return shown


def _awaited(state: Proceeding, seat: Seat) -> list[JSON] | None:
    """Operators lead people through the stages, and the supervisor decides: both learn who is awaited for what."""
    if seat.role not in (OPERATOR, SUPERVISOR):
        return None
    return awaited(state, committee=_sees_results(state, seat))


def _round(state: Proceeding, found: Round, seat: Seat) -> Object:
    freeze = found.freeze
    mine = found.current.get(seat.id)
    return {
        "purpose": found.purpose,
        "matter": found.matter,
        "round": found.number,
        "required": list(found.required),
        "choices": list(found.choices),
        "sealed": sorted(found.current),
        "safe": [name for name in found.required if name not in state.evaluation.unsafe(found)],
        "mine": b64u(mine) if mine else None,
        "rejected": sorted(found.seals[mine].rejects) if mine else [],
        "frozen": freeze is not None,
        "freeze": b64u(freeze.leaf) if freeze else None,
        "listed": [[name, b64u(act)] for name, act in freeze.sheets] if freeze else None,
        "confirmed": sorted(freeze.confirmed) if freeze else [],
        "disputed": sorted(freeze.disputed) if freeze else [],
        "approved": freeze is not None and freeze.approved is not None,
        "released": sorted(found.releases),
        "opened": found.opened is not None,
        "missing": sorted(found.missing),
        "faulty": sorted(found.faulty),
        "unreadable": sorted(name for name, act in freeze.sheets if act in found.unreadable) if freeze else [],
    }


def _draw(found: Draw) -> Object:
    """Candidates of a pool stay leaf hashes: only their custodian knows who they are."""
    frozen = found.freeze
    strata: list[JSON] = []
    for i, (each, refs) in enumerate(zip(found.strata, found.refs, strict=True)):
        shown: Object = {"label": each.label, "quota": each.quota, "count": len(each.leaves), "order": None}
        if found.resolved is not None and refs is not None:
            shown["order"] = list(found.named[i] or ())
        strata.append(shown)
    return {
        "draw": found.name,
        "attempt": found.attempt,
        "opened": b64u(found.leaf),
        "strata": strata,
        "contributors": list(found.contributors),
        "safe": [author for author in found.contributors if found.safe(author)],
        "commit_by": found.commit_by,
        "freeze": b64u(frozen.leaf) if frozen else None,
        "listed": list(frozen.listed) if frozen else [],
        "revealed": sorted(found.reveals),
        "missed": list(found.missed),
        "resolved": found.resolved is not None,
        "annulled": found.annulled is not None,
        "pool": b64u(found.pool.leaf) if found.pool else None,
        "stated": b64u(found.stated[0]) if found.stated else None,
        "waiting": [list(each) for each in found.stated[1]] if found.stated else [],
        "answers": [list(each) for each in found.given],
    }


def _advice(state: Proceeding, seat: Seat) -> Object | None:
    """That documents were compared, and how many facts that showed; they are fetched by those who may read them."""
    found = state.evaluation.advice
    if found is None or not allowed(state, seat.id, advising.READ):
        return None
    return {"n": found.n, "sha256": b64u(found.sha256), "facts": found.facts}


def _requests(state: Proceeding) -> list[JSON]:
    """Who is asked to be recused, on which ground, what the supervisor decided, and in which entry it was asked."""
    return [[b64u(each.id), each.seat, each.ground, each.granted, each.n] for each in state.evaluation.requests]


def _steps(state: Proceeding, blind: bool) -> Object:
    """Questions, motions and what else the committee is about; what the opened sheets show is advice."""
    steps = state.evaluation.steps
    looks = state.stage == stages.DETAILED_REVIEW and not blind
    found = checks.look(state.evaluation) if looks else checks.Found()
    return {
        "questions": [
            {
                "id": b64u(each.id),
                "n": each.n,
                "bidder": each.bidder,
                "kind": each.kind,
                "until": each.until,
                "key": each.key,
                "vouched": each.vouched,
                "closed": each.closed,
                "ended": each.ended,
                "price": each.price,
                "confirmed": each.confirmed,
            }
            for each in steps.questions
        ],
        "proposed": _proposed(state.evaluation),
        "motions": [
            {
                "id": b64u(each.id),
                "n": each.n,
                "kind": each.kind,
                "about": each.body,
                "voted": sorted(each.votes),
                "carried": each.carried,
            }
            for each in steps.motions
        ],
        "rejected": sorted(steps.rejected),
        "failed": steps.failed is not None,
        "back": [b64u(steps.back[0]), steps.back[1]] if steps.back is not None else None,
        "hurried": sorted(steps.hurried),
        "extended": steps.extended is not None,
        "checks": found.json,
        "unmet": [list(item) for item in legal_items.unmet(state.evaluation)],
        "corrected": [[each.seat, each.bidder, each.criterion, each.reason] for each in steps.corrections],
        "dissents": sorted(state.ending.dissents),
        "calls": [list(pair) for pair in sorted(state.ending.calls.items())],
        "deemed": sorted(state.ending.deemed),
    }


def _proposed(evaluation: Evaluation) -> list[JSON]:
    """The corrections that the order of the law gives: what was read out, the corrected price, rules, article."""
    stated = dict(evaluation.fixed.scoring.bidders) if evaluation.fixed is not None else {}
    return [
        {
            "bidder": bidder,
            "opening": points.form(stated[bidder]),
            **found.json,
            "source": evaluation.rules.source("corrections"),
            "confirmed": bidder in evaluation.confirmed,
            "standing": bidder not in evaluation.steps.rejected
            and (evaluation.valid is None or bidder in evaluation.valid),
        }
        for bidder, found in evaluation.proposed.items()
    ]


def _report(state: Proceeding) -> Object | None:
    report = state.report
    if report is None:
        return None
    return {
        "document": b64u(report.document),
        "revision": b64u(report.revision),
        "signed": list(report.signed),
        "signing": report.pending.seat if report.pending else None,
        "unsigned": list(signing_off.unsigned(state)),
        "ranked": sorted(state.ending.rankings),
        "ranked_otherwise": list(confirming.differing(state)),
        "reopening": [b64u(state.reopening[0]), state.reopening[1]] if state.reopening is not None else None,
    }


def reads_report(state: Proceeding, seat: str | None) -> bool:
    """Whether this seat (None: a node) may read the report: with the names in it, it is the committee's and of those
    who watch it until the result is there for everybody; a newcomer's not before its own sheet is opened."""
    if state.gate == CLOSED and not state.aborted:
        return True
    if seat is None or seat in state.evaluation.recused or leaving.blind(state.evaluation, seat):
        return False
    return _sees_results(state, state.seat(seat))


def _sees_results(state: Proceeding, seat: Seat) -> bool:
    if seat.role == OPERATOR:
        return state.in_main_venue(seat)
    return seat.member or seat.role in _WATCHERS

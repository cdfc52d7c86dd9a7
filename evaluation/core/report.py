"""The content of the report: the six items of 87号令 58 as plain data, every line with the log entries it comes from.

Nothing is said here in words that people read: the template writes them. `content` is a pure function of the
definition and of the log before the report, so every verifier makes it again and compares hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from evaluation.core import checks, clarification, motions, points, rejections, returning
from evaluation.core.bids import Bidder
from evaluation.core.collusion import EXAMINED
from evaluation.core.results import ranking_json, rows_json
from evaluation.core.rounds import BALLOT, SHEET
from evaluation.core.state import Evaluation
from evaluation.core.tender import Criterion, Definition
from evaluation.core.trace import CHANGES, INCIDENTS, trace
from evaluation.errors import StageIncomplete
from evidence.core import canonical
from evidence.core.canonical import JSON, Object, b64u, sha256
from evidence.core.entry import Entry

UNTRACED, TRACED, WHOLE, FORM = 2, 3, 4, 5
"""Forms of the content. Up to 2 there was no workbook, and no article and entries of each part; up to 3 rejections were
those of the review alone, without ground and page; up to 4 sheets that were dealt anew had no entry in the trace. The
newest is made; a log is verified with the one it was frozen in."""
ARTICLE = "财政部令第87号 第五十八条"
DEEMED = {"government-procurement": "财政部令第87号 第三十七条", "bidding-law": "招标投标法实施条例 第四十条"}
"""By which article bids may be deemed collusive; other regimes know none."""
_STEPS = frozenset({*clarification.EVENTS, *motions.EVENTS, *returning.EVENTS, *checks.EVENTS})


def content(
    definition: Definition,
    state: Evaluation,
    entries: Sequence[Entry],
    names: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    *,
    form: int = FORM,
    advice: Object | None = None,
) -> Object:
    """The report of these entries, which are all that stand in the log before it, folded to `state`.

    `names` are (name, organisation) by seat of those whom the definition does not name in clear. `form` is that of the
    report's freeze. `advice` is what comparing the documents showed, where the log has it.
    """
    if state.ranking is None or state.fixed is None:
        raise StageIncomplete("nothing is ranked yet")
    log = _Log(entries)
    known = {person.seat: (person.name, person.organisation) for person in definition.members if person.digest is None}
    known |= names
    if unknown := [member.seat for member in state.members if member.seat not in known]:
        raise StageIncomplete(f"the names of {', '.join(unknown)} are not disclosed")
    sheets = _sheets(state)
    dissent = _dissent(state, entries, form)
    traced: Object = {"whole": form >= WHOLE, "resealed": form >= FORM}
    if form >= WHOLE:
        traced["dissent"] = {each["n"] for each in dissent}
    asked = [each for each in state.steps.questions if each.kind == clarification.CORRECTION]
    traced["corrected"] = {n for each in asked for n in (each.n, each.ended) if n is not None}
    told = _second(definition, state, log)
    if form >= WHOLE and "steps" in told:
        _link(told["steps"], sheets)
    return told | {
        "v": 1 if form == UNTRACED and definition.terms is None else form,
        "origin": state.origin,
        "size": len(entries),
        "title": definition.title,
        "regime": definition.regime,
        "category": definition.category,
        "article": ARTICLE if definition.terms is None else definition.pack.source("report"),
        "rule_pack": definition.pack.json,
        "definition": {"sha256": b64u(state.fixed.sha256), "n": state.fixed.n},
        "opening": {
            **{"venues": log.founding("venues"), "rooms": log.founding("rooms"), "n": 0, **log.cities()},
            **({"publication": _publication(definition, state)} if form >= WHOLE else {}),
        },
        "parties": {
            "bidders": [
                {
                    "id": bidder.id,
                    "name": bidder.name,
                    "code": bidder.code,
                    "price": points.form(state.confirmed.get(bidder.id, bidder.price)),
                }
                for bidder in definition.bidders
            ],
            "members": [
                {
                    "seat": member.seat,
                    "role": member.role,
                    "name": known[member.seat][0],
                    "organisation": known[member.seat][1],
                    "venue": log.venue(member.seat),
                    "signed_in": log.of("SeatBound", member.seat),
                    "committed": log.of("CommitmentSigned", member.seat),
                    "declared": log.of("RecusalDeclared", member.seat),
                    "chair": member.seat == state.chair,
                }
                for member in state.members
            ],
        },
        "method": {
            "method": definition.method,
            "weights": {"technical": points.form(definition.technical), "price": points.form(definition.price)},
            "criteria": [_criterion(node, depth) for node, depth in _tree(definition.criteria, 0)],
            "compliance": [{"id": item.id, "name": item.name} for item in definition.compliance],
        },
        "course": {
            "chair": log.chair(state),
            "review": {
                "n": log.last("ReviewConcluded"),
                "votes": [{"seat": seat, "n": log.of("ReviewVoted", seat, newest=True)} for seat in state.votes],
                "rejected": _rejected(definition, state, entries, form),
            },
            "sheets": sheets,
        },
        "result": {
            **({"matters": log.matters(state)} if form >= WHOLE else {}),
            "tally": rows_json(state.rows) | {"n": log.last("ScoresTallied")},
            "ranking": ranking_json(state.ranking) | {"n": log.last("RankingFixed")},
        },
        "other": {"incidents": list(log.incidents()), "dissent": dissent},
        **({"trace": trace(definition, entries, **traced)} if form >= TRACED else {}),
        **({} if state.advice is None or advice is None else {"advice": _advice(definition, state, advice)}),
    }


def _advice(definition: Definition, state: Evaluation, told: Object) -> Object:
    """The facts that were shown to the committee, and what it made of each: its motions that cite it. What the bidders
    share (a person, an account) stays in the advice itself."""
    noted = state.advice
    if noted is None:
        raise StageIncomplete("no advice was noted")
    cited = [each for each in state.steps.motions if each.body.get("document") == b64u(noted.sha256)]
    return {
        "n": noted.n,
        "sha256": b64u(noted.sha256),
        "article": DEEMED.get(definition.regime),
        "unexamined": [row for row in told["examined"] if row[1] not in EXAMINED],
        "facts": [
            {
                "number": number,
                **{name: fact[name] for name in ("kind", "item", "bidders")},
                "cited": [
                    {"n": each.n, "bidder": each.body["bidder"], "text": each.body["text"], "carried": each.carried}
                    for each in cited
                    if each.body["page"] == number
                ],
            }
            for number, fact in enumerate(told["facts"], 1)
        ],
        "more": told["more"],
    }


def _second(definition: Definition, state: Evaluation, log: _Log) -> Object:
    """What reports of version 2 say beyond the first: the terms, who is valid, corrections, and lots."""
    if definition.terms is None:
        return {}
    return {
        "terms": definition.terms.json,
        "items": definition.pack.value["report"]["items"],
        "method_article": definition.pack.value["methods"][definition.method]["source"],
        "valid": list(state.standing),
        "quotes": [
            {
                "id": bidder.id,
                "opening": points.form(bidder.price if bidder.quote is None else bidder.quote.opening),
                "corrected": list(bidder.corrected),
                "policy": bidder.policy,
                **({"proposed": _proposed(bidder, state)} if definition.pack.answered else {}),
            }
            for bidder in definition.bidders
        ],
        "base": log.base(),
        "lots": log.lots(),
        **log.coefficient(),
        "steps": log.steps(),
    }


def _proposed(bidder: Bidder, state: Evaluation) -> Object | None:
    """The correction that was put to the bidder, and the entries of the question that it answered, or left open."""
    if bidder.proposed is None:
        return None
    asked = next(reversed(clarification.corrections(state, bidder.id)), None)
    answer = None if asked is None else {"n": asked.n, "ended": asked.ended, "confirmed": asked.confirmed}
    return bidder.proposed.json | {"answer": answer}


def encode(value: Object) -> bytes:
    """The content's canonical bytes; they lie in the vault beside the document."""
    return canonical.encode(value)


def digest(value: Object) -> bytes:
    """`content` of `ReportFrozen`."""
    return sha256(encode(value))


class _Log:
    """Where each fact stands."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._acts = {b64u(entry.act.id) for entry in entries if entry.act is not None}

    def founding(self, name: str) -> list[Object]:
        act = self._entries[0].act
        return list(act.body[name]) if act else []

    def cities(self) -> Object:
        """What people call the cities, where the founding says it."""
        act = self._entries[0].act
        return {"cities": act.body["names"]} if act and "names" in act.body else {}

    def venue(self, seat: str) -> JSON:
        """Where the seat is: by the founding, or where a newcomer was seated."""
        listed = {each["id"]: each["venue"] for each in self.founding("seats")}
        for entry in self._entries:
            if entry.type == "MemberSeated" and entry.act is not None:
                listed.setdefault(entry.act.body["seat"], entry.body["venue"])
        return listed[seat]

    def of(self, kind: str, seat: str, *, newest: bool = False) -> Object | None:
        """Index and time of the first entry of this type with an act of this seat, or of the newest one."""
        for entry in reversed(self._entries) if newest else self._entries:
            if entry.type == kind and entry.act is not None and entry.act.sub == seat:
                return {"n": entry.n, "at": entry.at}
        return None

    def last(self, kind: str) -> int | None:
        return next((entry.n for entry in reversed(self._entries) if entry.type == kind), None)

    def base(self) -> str | None:
        """The benchmark of the prices, where the tally states one."""
        for entry in reversed(self._entries):
            if entry.type == "ScoresTallied":
                return entry.body.get("base")
        return None

    def steps(self) -> list[Object]:
        """Questions and answers, motions with their votes, rejections, corrections, steps back: each with its words."""
        return [
            {
                "n": entry.n,
                "at": entry.at,
                "type": entry.type,
                "by": entry.act.sub if entry.act is not None else None,
                "said": entry.act.body if entry.act is not None else None,
                "found": entry.body,
            }
            for entry in self._entries
            if entry.type in _STEPS
        ]

    def matters(self, state: Evaluation) -> list[Object]:
        """What the committee found must be settled before the contract is signed."""
        carried = [each for each in state.steps.motions if each.kind == motions.MATTERS and each.carried]
        return [{"n": each.n, "text": each.body["text"]} for each in carried]

    def lots(self) -> list[Object]:
        """Each lot between equal bidders."""
        return [
            {"n": entry.n, "matter": entry.body["matter"], "order": entry.body["order"]}
            for entry in self._entries
            if entry.type == "TieDrawn"
        ]

    def coefficient(self) -> Object:
        """The drawn coefficient, where the tender left it to a draw: what holds, and how the candidates came."""
        drawn = [entry for entry in self._entries if entry.type == "CoefficientDrawn"]
        if not drawn:
            return {}
        order = drawn[-1].body["order"]
        return {"coefficient": {"n": drawn[-1].n, "drop": order[0], "order": list(order)}}

    def chair(self, state: Evaluation) -> list[Object]:
        """Each round of the election: votes, and the tied or the elected."""
        counted = [entry for entry in self._entries if entry.type in ("ChairElected", "ChairTied")]
        return [
            {
                "round": number,
                "votes": entry.body["votes"],
                "elected": entry.body.get("seat"),
                "ballots": sum(1 for _ in found.plaintexts),
                "n": entry.n,
            }
            for number, (entry, found) in enumerate(
                zip(counted, [r for r in state.rounds if r.purpose == BALLOT and r.opened is not None], strict=False), 1
            )
        ]

    def incidents(self) -> Iterator[Object]:
        for entry in self._entries:
            if entry.type in CHANGES:
                said = entry.act.body if entry.act is not None else {}
                told = {"n": entry.n, "at": entry.at, "type": entry.type, "by": entry.act.sub if entry.act else None}
                yield told | {name: {**said, **entry.body}.get(name) for name in ("seat", "ground", "replaces", "act")}
            if entry.type in INCIDENTS:
                told = {"n": entry.n, "at": entry.at, "type": entry.type}
                told |= {
                    name: entry.body[name]
                    for name in ("venue", "room", "cause", "seat", "holder")
                    if name in entry.body
                }
                if entry.act is not None:
                    told |= {"by": entry.act.sub, "reason": entry.act.body.get("reason")}
                if entry.type == "VenueReplaced" and entry.act is not None:
                    told |= {"venue": entry.act.body["venue"], "successor": entry.act.body["by"]}
                if entry.type == "LogContinued" and entry.act is not None:
                    first, end = entry.act.body["missing"]
                    told |= {"gone": end - first, "known": len(entry.act.body["known"])}
                if entry.type == "VenueJournaled" and entry.act is not None:
                    told |= {"venue": entry.act.body["venue"], "count": entry.act.body["count"]}
                    told |= {"missing": [act for act in entry.act.body["acts"] if act not in self._acts]}
                yield told


def _tree(nodes: Sequence[Criterion], depth: int) -> Iterator[tuple[Criterion, int]]:
    for node in nodes:
        yield node, depth
        yield from _tree(node.children, depth + 1)


def _criterion(node: Criterion, depth: int) -> Object:
    return {
        "id": node.id,
        "name": node.name,
        "max": points.form(node.max),
        "depth": depth,
        "leaf": not node.children,
    }


def _publication(definition: Definition, state: Evaluation) -> Object | None:
    """Media of the announcement, time and place of the opening, where the definition says them."""
    said = definition.asked.publication if definition.asked is not None else None
    return None if said is None or state.fixed is None else {"n": state.fixed.n, **said.json}


def _link(steps: Sequence[Object], sheets: Sequence[Object]) -> None:
    """A corrected score names the sealed sheet that it stood on."""
    sealed = {sheet["seat"]: sheet["n"] for sheet in sheets}
    for step in steps:
        if step["type"] == "ScoreCorrected":
            step["sheet"] = sealed.get(step["by"])


def _rejected(definition: Definition, state: Evaluation, entries: Sequence[Entry], form: int) -> list[Object]:
    """Every rejection with ground, words, page and entry; up to form 3, those of the review with their words."""
    if form >= WHOLE:
        return rejections.listed(definition, state, entries)
    found = [(bidder, item, rejections.against(state, bidder, item)) for bidder, item in state.rejected]
    return [
        {"bidder": bidder, "item": item, "against": [{"seat": seat, "reason": f.reason} for seat, f in against]}
        for bidder, item, against in found
    ]


def _dissent(state: Evaluation, entries: Sequence[Entry], form: int) -> list[Object]:
    """Findings that the majority did not follow (87号令 61)."""
    return [
        {
            **({"n": rejections.voted(entries, seat)} if form >= WHOLE else {}),
            **{"bidder": found.bidder, "item": found.item, "seat": seat, "finding": found.passed},
            "reason": found.reason,
        }
        for seat, findings in state.votes.items()
        for found in findings
        if found.passed == ((found.bidder, found.item) in state.rejected)
    ]


def _sheets(state: Evaluation) -> list[Object]:
    """The opened sheets: for each member the scores by bidder, in the criteria's order, with their exact sum."""
    rounds = [found for found in state.rounds if found.purpose == SHEET and not found.void]
    indices = {seal.id: seal.n for found in rounds for seal in found.seals.values()}
    listed = {seat: act for found in rounds if found.freeze for seat, act in found.freeze.sheets}
    criteria = [criterion for criterion, _ in state.fixed.scoring.criteria] if state.fixed else []
    return [
        {
            "seat": read.seat,
            "n": indices[listed[read.seat]],
            "rows": [
                {
                    "bidder": bidder,
                    "scores": [points.form(read.scores[bidder, criterion]) for criterion in criteria],
                    "sum": points.form(read.sum_of(bidder)),
                }
                for bidder in state.scored
            ],
        }
        for read in state.sheets()
    ]

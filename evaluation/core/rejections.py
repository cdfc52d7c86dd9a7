"""Every rejection of a proceeding as the report tells it: ground, words, document and page, and its entry.

A bid is rejected in the review, by a motion of the committee, or by the law itself (above the ceiling, a correction
that was not confirmed). Who judged under a pack that wanted words only named neither ground nor page: then both are
null, and nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core.compliance import Finding
from evaluation.core.state import Evaluation
from evaluation.core.steps import Motion
from evaluation.core.tender import Definition
from evidence.core.canonical import JSON, Object, b64u, unb64u
from evidence.core.entry import Entry

REVIEW, MOTION, LAW = "review", "motion", "law"


def listed(definition: Definition, state: Evaluation, entries: Sequence[Entry]) -> list[Object]:
    """Those of the review, then those by motion, each in the order of the log."""
    concluded = _last(entries, "ReviewConcluded")
    found = [_reviewed(definition, state, entries, bidder, item, concluded) for bidder, item in state.rejected]
    return found + [_moved(definition, state, entries, bidder, n) for bidder, n in state.steps.rejected.items()]


def voted(entries: Sequence[Entry], seat: str) -> int | None:
    """The seat's newest vote in the review."""
    mine = (e.n for e in reversed(entries) if e.type == "ReviewVoted" and e.act is not None and e.act.sub == seat)
    return next(mine, None)


def _reviewed(
    definition: Definition, state: Evaluation, entries: Sequence[Entry], bidder: str, item: str, n: int | None
) -> Object:
    told: Object = {"n": n, "bidder": bidder, "source": _source(definition)}
    if item not in {each.id for each in definition.compliance}:
        # The law itself: what shows it is the definition, with the price and the ceiling.
        ground = definition.pack.void_ground(item)
        told["source"] = definition.pack.void_source(item) or told["source"]
        fixed = state.fixed
        where = {"document": None if fixed is None else b64u(fixed.sha256), "name": None, "page": None}
        return told | {
            "by": LAW,
            "item": item,
            "against": [{"seat": None, "n": n, "ground": ground, "text": None, **where}],
        }
    said = [
        {
            "seat": seat,
            "n": voted(entries, seat),
            "ground": finding.ground,
            "text": finding.reason,
            **_evidence(definition, finding.document, finding.page),
        }
        for seat, finding in against(state, bidder, item)
    ]
    return told | {"by": REVIEW, "item": item, "against": said}


def against(state: Evaluation, bidder: str, item: str) -> list[tuple[str, Finding]]:
    """Who found the bid wanting in this item, and how."""
    return [
        (seat, finding)
        for seat, findings in state.votes.items()
        for finding in findings
        if (finding.bidder, finding.item, finding.passed) == (bidder, item, False)
    ]


def _moved(definition: Definition, state: Evaluation, entries: Sequence[Entry], bidder: str, n: int) -> Object:
    """The motion that rejected the bid, and how it was voted on."""
    named = unb64u(entries[n].body["motion"], 32)
    motion: Motion = next(each for each in state.steps.motions if each.id == named)
    decided = next(e for e in entries if e.type == "MotionDecided" and e.body["motion"] == entries[n].body["motion"])
    mover = entries[motion.n].act
    said = {
        "seat": None if mover is None else mover.sub,
        "n": motion.n,
        "ground": motion.body["ground"],
        "text": motion.body["text"],
        **_evidence(definition, unb64u(motion.body["document"], 32), motion.body["page"]),
    }
    votes: Object = {"for": decided.body["for"], "members": decided.body["members"]}
    told: Object = {"n": n, "bidder": bidder, "source": _source(definition), "by": MOTION, "item": None}
    return told | {"against": [said], "decision": votes | {"n": decided.n}}


def _evidence(definition: Definition, document: bytes | None, page: int | None) -> Object:
    """The page; `name` is null where it is no document of the tender: then it is the advice, and `page` its fact."""
    names: dict[bytes, JSON] = {each.sha256: each.name for each in definition.documents}
    sha256 = None if document is None else b64u(document)
    return {"document": sha256, "name": None if document is None else names.get(document), "page": page}


def _source(definition: Definition) -> str:
    """The article of the grounds; the first pack named none."""
    return definition.pack.source("rejection" if definition.pack.rejection_grounds else "report")


def _last(entries: Sequence[Entry], kind: str) -> int | None:
    return next((entry.n for entry in reversed(entries) if entry.type == kind), None)

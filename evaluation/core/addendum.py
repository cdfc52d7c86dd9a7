"""The report's addendum (补充页): who did not agree and why, and who is deemed to agree (实施条例 53, 87号令 61).

Both come after the report is frozen and signed, so they cannot stand in it. The content is a pure function of the log,
the definition and the names; the evidence file holds the page of it, and every verifier makes the same bytes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evaluation.core.report import WHOLE
from evaluation.core.tender import Definition
from evidence.core.canonical import Object
from evidence.core.entry import Entry

DISSENTED, DEEMED = "ReportDissented", "MemberDeemedAgreed"
TYPES = (DISSENTED, DEEMED)


def called_for(entries: Iterable[Entry]) -> bool:
    """Whether anybody dissented or is deemed to agree; logs whose reports are of earlier forms have no such page."""
    form = 0
    for entry in entries:
        if entry.type == "ReportFrozen":
            form = entry.body.get("form", 0)
        elif entry.type in TYPES and form >= WHOLE:
            return True
    return False


def content(definition: Definition, entries: Sequence[Entry], names: Mapping[str, tuple[str, str]]) -> Object:
    """Each dissent and each agreement by silence, with its entry, words, and the report that it is about.

    `names` are (name, organisation) by seat of those whom the definition does not name in clear.
    """
    known = {person.seat: (person.name, person.organisation) for person in definition.members if person.digest is None}
    known |= names
    lines: list[Object] = []
    frozen = None
    for entry in entries:
        if entry.type == "ReportFrozen":
            frozen = entry
        elif entry.type in TYPES and entry.act is not None and frozen is not None:
            seat = entry.act.sub if entry.type == DISSENTED else entry.act.body["seat"]
            name, organisation = known.get(seat, (seat, ""))
            lines.append(
                {
                    **{"n": entry.n, "at": entry.at, "type": entry.type, "seat": seat},
                    **{"name": name, "organisation": organisation, "by": entry.act.sub},
                    **{"reason": entry.act.body["reason"], "report": frozen.body["document"], "frozen": frozen.n},
                }
            )
    return {
        "v": 1,
        "origin": entries[0].origin,
        "title": definition.title,
        "regime": definition.regime,
        "lines": lines,
    }

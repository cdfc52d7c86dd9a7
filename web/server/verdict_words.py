"""`tongping verify` in words, and as one JSON object."""

from __future__ import annotations

from evidence.core.canonical import b64u
from sessions.verdict import Verdict


def as_object(verdict: Verdict) -> dict[str, object]:
    return {
        "verdict": verdict.outcome,
        "origin": verdict.origin,
        "flags": verdict.flags,
        "entries": verdict.entries,
        "withheld": verdict.withheld,
        "signers": verdict.signers,
        "ranking": [{"bidder": bidder, "name": name, "rank": rank} for bidder, name, rank in verdict.ranking],
        "journal": [found.as_json for found in verdict.journal],
        "continued": [gone.as_json for gone in verdict.continued],
        "steps": [step.as_json for step in verdict.steps],
    }


def in_words(verdict: Verdict) -> str:
    flags = f" [{', '.join(verdict.flags)}]" if verdict.flags else ""
    lines = [f"{rank}. {name} ({bidder})" for bidder, name, rank in verdict.ranking]
    lines += [f"journal of {found.venue}: {b64u(found.act)} is {found.kind}" for found in verdict.journal]
    lines += [
        f"goes on as {gone.log}: {gone.missing} entries missing, {gone.known} known, {gone.again} acts came again"
        for gone in verdict.continued
    ]
    return "\n".join([*lines, f"{verdict.outcome}{flags}: {verdict.origin}, {verdict.entries} entries"])

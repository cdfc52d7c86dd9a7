"""The own ranking of a seat that is a program: what the log's entries say was opened, ranked by `evaluation.core`.

What it ranks is proven first (`Record.proven`), and no opened sheet of it is held back (`demand_whole`). A browser
ranks by web/client/src/ranking, which shares no code with this one. A program has no second implementation at hand: it
holds the server to the entries that it has proven, and to the rules that both run.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from evaluation.core.outcome import outcome
from evaluation.core.results import ranking_digest
from evaluation.core.sheet import Sheet
from evaluation.core.tender import Scoring
from evidence.core.canonical import Object, b64u, decode_object, unb64u
from evidence.core.entry import Entry
from web.device.errors import RecordUntrusted

REVIEWS = ("compliance-review", "detailed-review")
"""Corrections go with a step back to these."""


def demand_whole(entries: Sequence[Entry]) -> None:
    """RecordUntrusted where a sheet that the log opened is held back from this seat: each opening names its freeze, and
    the freeze each sheet, which is opened, or was found unreadable, in an entry that is shown."""
    frozen = {b64u(entry.leaf): entry for entry in entries if entry.type == "SheetsFrozen"}
    shown = {entry.body["act"] for entry in entries if entry.type in ("SheetOpened", "SheetUnreadable")}
    opened_by_author = (entry.act for entry in entries if entry.type == "SheetAuthorOpened")
    shown |= {act.body["act"] for act in opened_by_author if act is not None}
    for entry in entries:
        if entry.type != "SheetsOpened":
            continue
        freeze = frozen.get(entry.body["freeze"])
        if freeze is None or any(act not in shown for _, act in freeze.body["sheets"]):
            raise RecordUntrusted(f"entry {entry.n} opens sheets that are held back from this seat")


def digest(entries: Sequence[Entry]) -> bytes:
    """The digest of the ranking that follows from these entries."""
    last = {entry.type: entry for entry in entries}
    rejected = {entry.body["bidder"] for entry in entries if entry.type == "BidRejected"}
    valid = [bidder for bidder in last["ReviewConcluded"].body["valid"] if bidder not in rejected]
    scoring = Scoring.parse(last["DefinitionFixed"].body["scoring"])
    return ranking_digest(outcome(scoring, valid, _sheets(entries), _lots(entries), _confirmed(entries)).ranking)


def _sheets(entries: Sequence[Entry]) -> list[Sheet]:
    """The sheets that count: opened by the holders or by their authors, in a round that is open and not void."""
    sheets: dict[str, Object] = {}
    rounds: set[int] = set()
    corrected: dict[tuple[str, str, str], Decimal] = {}
    for entry in entries:
        body: Object = entry.body
        said: Object = entry.act.body if entry.act is not None else {}
        rounds -= {number for purpose, number in body.get("void", ()) if purpose == "sheet"}
        match entry.type:
            case "SheetOpened":
                sheets[body["act"]] = decode_object(unb64u(body["p"]))
            case "SheetAuthorOpened":
                sheets[said["act"]] = decode_object(unb64u(said["p"]))
            case "SheetsOpened" if body["purpose"] == "sheet":
                rounds.add(body["round"])
            case "SheetVoided":
                sheets.pop(body["act"], None)
            case "RoundRenewed" if said["purpose"] == "sheet":
                rounds.discard(said["round"])
            case "ScoreCorrected" if entry.act is not None:
                corrected[entry.act.sub, said["bidder"], said["criterion"]] = Decimal(said["score"])
            case "StageReturned" if body["to"] in REVIEWS:
                corrected.clear()
    counted = [plain for plain in sheets.values() if "items" in plain and plain["round"] in rounds]
    return [
        Sheet(
            plain["seat"],
            {(b, c): corrected.get((plain["seat"], b, c), Decimal(score)) for b, c, score, _ in plain["items"]},
        )
        for plain in counted
    ]


def _confirmed(entries: Sequence[Entry]) -> dict[str, Decimal]:
    """Corrected prices, each from the answer in which its bidder confirmed it."""
    answers = [each.act for each in entries if each.type == "ClarificationAnswered" and each.act is not None]
    return {act.sub: Decimal(act.body["price"]) for act in answers if act.body.get("price") is not None}


def _lots(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """What lots have settled between bidders, and of the coefficient; one that was annulled has settled nothing."""
    lots: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.type == "TieDrawn":
            lots[entry.body["matter"]] = tuple(entry.body["order"])
        if entry.type == "CoefficientDrawn":
            lots["coefficient"] = tuple(entry.body["order"])
        if entry.type == "DrawAnnulled":
            lots.pop(str(entry.body["draw"]).removeprefix("lot/"), None)
    return lots

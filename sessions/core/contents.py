"""Which files an evidence file holds: decided by the log alone, so that nothing can be left out or added unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evidence.core.canonical import unb64u
from evidence.core.entry import Entry

ENTRIES = "proceeding/entries"
CHECKPOINT = "proceeding/checkpoint"
OPENED, OPENED_PROOF = "centre/opened.json", "centre/opened.tlog-proof"
FINAL, FINAL_PROOF = "centre/final.json", "centre/final.tlog-proof"
DISCLOSURES = "disclosures.json"
REPORT = "report.pdf"
WORKBOOK = "workbook.xlsx"
ADDENDUM = "addendum.html"
FIXED = (CHECKPOINT, OPENED, OPENED_PROOF, FINAL, FINAL_PROOF, DISCLOSURES)


def opened_names(number: int) -> tuple[str, str]:
    """Where the opening of the proceeding's log of this number lies, and its proof: 1 is the one that it was founded
    in, each later one continues the one before."""
    return (
        (OPENED, OPENED_PROOF)
        if number == 1
        else (f"centre/opened-{number}.json", f"centre/opened-{number}.tlog-proof")
    )


def entry_name(n: int) -> str:
    """Where entry `n` lies; seven digits keep names sorted up to ten million entries."""
    return f"{ENTRIES}/{n:07}.json"


def object_name(sha256: bytes) -> str:
    """Where a cited object lies."""
    return f"objects/{sha256.hex()}"


def objects(entries: Iterable[Entry]) -> dict[str, bytes]:
    """File name -> SHA-256 of every object that the log cites and the evidence file must hold."""
    found: dict[str, bytes] = {}
    for entry in entries:
        if entry.type == "EvaluationReopened":
            # The report that was made until then lies beside the one that counts, under its own hash.
            found.pop(REPORT, None)
            if (workbook := found.pop(WORKBOOK, None)) is not None:
                found[workbook_name(workbook)] = workbook
        found.update(_cited(entry))
    return found


def superseded_name(revision: bytes) -> str:
    """Where the last revision of a report lies that was reopened."""
    return f"superseded/{revision.hex()}.pdf"


def workbook_name(workbook: bytes) -> str:
    """Where the workbook of a report lies that was reopened."""
    return f"superseded/{workbook.hex()}.xlsx"


def digests(entries: Iterable[Entry]) -> list[str]:
    """What these entries, and the acts in them, say by disclosures only."""
    return [digest for entry in entries for digest in (*entry.sd, *(entry.act.sd if entry.act else ()))]


def kept(entries: Iterable[Entry]) -> set[bytes]:
    """All objects that belong to a proceeding: those of its evidence file, and what was made on the way to them."""
    found: set[bytes] = set()
    for entry in entries:
        found |= {sha256 for _, sha256 in _cited(entry)}
        match entry.type:
            case "ReportFrozen":
                found |= {unb64u(entry.body[name], 32) for name in ("document", "content")}
            case "ReportSigned":
                found.add(unb64u(entry.body["document"], 32))
            case "SignatureAuthorised":
                found.add(unb64u(entry.body["revision"], 32))
            case "CredentialIssued":
                found.add(unb64u(entry.body["certificate"], 32))
    return found


def _cited(entry: Entry) -> Iterator[tuple[str, bytes]]:
    act = entry.act.body if entry.act else {}
    match entry.type:
        case "DefinitionFixed":
            yield _object(act["sha256"])
            for sha256, _pages in entry.body["scoring"]["documents"]:
                yield _object(sha256)
            if "notes" in entry.body:
                yield _object(entry.body["notes"])
        case "DrawOpened" if "facts" in act:
            yield _object(act["facts"])
        case "AdviceNoted":
            yield _object(entry.body["sha256"])
        case "Witnessed":
            yield _object(entry.body["note"])
        case "LogContinued":
            yield _object(act["checkpoint"])
            yield _object(act["witnessed"]["note"])
            for *_, kept in act["known"]:
                yield _object(kept)
        case "LeavesKnown":
            for *_, kept in entry.body["known"]:
                yield _object(kept)
        case "SheetSealed" | "SheetResealed" | "BallotSealed":
            yield _object(act["envelope"]["ct"]["sha256"])
        case "ReportFrozen" if "workbook" in entry.body:
            yield WORKBOOK, unb64u(entry.body["workbook"], 32)
        case "ReportSigned":
            # Each signature is an incremental update, so the last revision begins with all earlier ones.
            yield REPORT, unb64u(entry.body["document"], 32)
        case "EvaluationReopened":
            revision = unb64u(entry.body["revision"], 32)
            yield superseded_name(revision), revision
        case "SegmentsClosed":
            for segment in entry.body["segments"]:
                folder = f"recordings/{segment['room']}/{segment['kind']}/{segment['take']:04}"
                yield f"{folder}/init.webm", unb64u(segment["init"], 32)
                yield f"{folder}/{segment['number']:06}.seg", unb64u(segment["sha256"], 32)


def _object(sha256: str) -> tuple[str, bytes]:
    return object_name(unb64u(sha256, 32)), unb64u(sha256, 32)

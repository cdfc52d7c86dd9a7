"""The end: the report is frozen, the committee signs it, the proceeding is closed (docs/protocol.md 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evaluation.core import legal_items, stages
from evaluation.core import report as reports
from evaluation.core.results import ranking_digest
from evaluation.step_errors import LegalItemsUnmet
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, members, unb64u
from evidence.core.entry import Draft, Entry
from evidence.errors import Malformed
from sessions.core import confirming, drawing
from sessions.core.commands import AuthoriseSignature, FreezeReport, RecordSignature
from sessions.core.state import Proceeding, Report, Signature
from sessions.errors import (
    AlreadyFixed,
    AlreadySigned,
    CommandRefused,
    NotReady,
    ReportRefused,
    SigningTurn,
    WrongCredential,
    WrongDocument,
)


def report(state: Proceeding) -> Report:
    """The frozen report, or NotReady."""
    if state.report is None:
        raise NotReady("the report is not frozen")
    return state.report


def freeze_report(state: Proceeding, command: FreezeReport) -> tuple[Draft, ...]:
    """Once, in stage `report`, over the ranking that the log holds."""
    if state.report is not None:
        raise AlreadyFixed("the report is frozen")
    stages.check(state.stage, frozenset({stages.REPORT}))
    if missing := legal_items.unmet(state.evaluation):
        raise LegalItemsUnmet("; ".join(f"{name} ({source})" for name, source in missing))
    ranking = state.evaluation.ranking
    if ranking is None or command.ranking != ranking_digest(ranking) or command.size < 1:
        raise ReportRefused("the report has another ranking than the log")
    body: Object = {
        "document": b64u(command.document),
        "size": command.size,
        "content": b64u(command.content),
        "ranking": b64u(command.ranking),
    }
    if command.workbook is not None:
        body["workbook"] = b64u(command.workbook)
    if command.form is not None:
        if not reports.WHOLE <= command.form <= reports.FORM:
            raise ReportRefused("the report's content has no form that is known")
        body["form"] = command.form
    return (Draft("ReportFrozen", body),)


def authorise(state: Proceeding, command: AuthoriseSignature) -> tuple[Draft, ...]:
    """`report.sign`: the seat authorises its cloud key for one hash of the frozen report's next revision."""
    act = command.act
    body = members(act.body, {"credential": str, "hashes": list, "document": str})
    if len(body["hashes"]) != 1:
        raise Malformed("one hash for one signature")
    unb64u(body["hashes"][0], 32)
    frozen = report(state)
    if missing := legal_items.unmet(state.evaluation):
        raise LegalItemsUnmet("; ".join(f"{name} ({source})" for name, source in missing))
    confirming.check(state, act.sub)
    credential = state.credentials.get(act.sub)
    if credential is None or body["credential"] != credential.credential:
        raise WrongCredential("not the seat's own credential")
    if unb64u(body["document"], 32) != frozen.document:
        raise WrongDocument("not the frozen report")
    if any(signature.seat == act.sub for signature in frozen.signatures):
        raise AlreadySigned("the seat has signed, or its signature is under way")
    if frozen.pending is not None:
        raise SigningTurn(f"the signature of {frozen.pending.seat} is under way")
    return (Draft("SignatureAuthorised", {"revision": b64u(command.revision)}, act),)


def record(state: Proceeding, command: RecordSignature) -> tuple[Draft, ...]:
    """The authorised signature is made and its revision lies in the vault."""
    pending = report(state).pending
    if pending is None or (pending.seat, pending.act) != (command.seat, command.act):
        raise CommandRefused("no such signature is under way")
    if command.size < 1:
        raise CommandRefused("a revision has bytes")
    body = {
        "seat": command.seat,
        "act": b64u(command.act),
        "document": b64u(command.document),
        "size": command.size,
    }
    return (Draft("ReportSigned", body),)


def unsigned(state: Proceeding) -> tuple[str, ...]:
    """Who of the committee has neither signed nor dissented nor is deemed to agree; all before there is a report."""
    if state.report is None:
        return state.signers
    pending = (state.report.pending.seat,) if state.report.pending else ()
    done = {*state.report.signed, *state.ending.dissents, *state.ending.deemed} - {*pending}
    return tuple(seat for seat in state.signers if seat not in done)


def may_sign(state: Proceeding, seat: str) -> bool:
    """Whether a signature of this seat is not made yet; who has dissented may sign beside it."""
    signed = state.report.signed if state.report else ()
    return seat in state.signers and seat in state.credentials and seat not in signed


def close(state: Proceeding, act: Act) -> tuple[Draft, ...]:
    """`proceeding.close`: everything is signed and recorded; after it the log no longer grows."""
    document = unb64u(members(act.body, {"report": str})["report"], 32)
    if unsigned(state):
        raise NotReady("not every member has signed")
    if state.reopening is not None:
        raise NotReady("a reopening waits for the supervisor")
    if state.recording:
        raise NotReady("the recordings have not ended")
    if open_draws := drawing.unresolved(state):
        raise NotReady(f"{', '.join(open_draws)} drawn without a result")
    if document != report(state).revision:
        raise WrongDocument("not the last revision of the report")
    return (Draft("ProceedingClosed", {}, act),)


def on_frozen(state: Proceeding, entry: Entry) -> Proceeding:
    texts = dict.fromkeys(("document", "content", "ranking"), str)
    body = members(entry.body, {**texts, "size": int}, {"workbook": str, "form": int})
    hashes = (unb64u(body[name], 32) for name in ("document", "content", "ranking"))
    document, content, ranking = hashes
    workbook = unb64u(body["workbook"], 32) if "workbook" in body else None
    form = body.get("form", reports.UNTRACED if workbook is None else reports.TRACED)
    return replace(state, report=Report(entry.n, document, body["size"], content, ranking, workbook, form))


def on_authorised(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    revision = unb64u(members(entry.body, {"revision": str})["revision"], 32)
    frozen = report(state)
    made = Signature(act.sub, act.id, entry.n, revision)
    return replace(state, report=replace(frozen, signatures=(*frozen.signatures, made)))


def on_signed(state: Proceeding, entry: Entry) -> Proceeding:
    body = members(entry.body, {"seat": str, "act": str, "document": str, "size": int})
    frozen = report(state)
    document = unb64u(body["document"], 32)
    signatures = tuple(
        replace(signature, document=document, size=body["size"])
        if signature.act == unb64u(body["act"], 32)
        else signature
        for signature in frozen.signatures
    )
    return replace(state, report=replace(frozen, signatures=signatures))


def on_closed(state: Proceeding, entry: Entry, act: Act) -> Proceeding:
    return replace(state, closed=entry.n)


ACTS: dict[str, Callable[[Proceeding, Act], tuple[Draft, ...]]] = {"proceeding.close": close}
EVENTS_OF_ACTS: dict[str, Callable[[Proceeding, Entry, Act], Proceeding]] = {
    "SignatureAuthorised": on_authorised,
    "ProceedingClosed": on_closed,
}
FACTS: dict[str, Callable[[Proceeding, Entry], Proceeding]] = {
    "ReportFrozen": on_frozen,
    "ReportSigned": on_signed,
}

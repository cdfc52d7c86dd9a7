"""The offline verification of an evidence file: the numbered recipe of protocols.md section 8, all steps joined.

(1) The file is the one byte sequence for its contents.
(2) V1: policy and trust come from outside the file.
(3) V2: the centre log, with the quorum, names the proceeding's log key and its final root; both acts are the centre's.
(4) V3: the entries are whole and lead to the final checkpoint with quorum, which is also the recorded final root.
(5) Exactly the files that the log calls for are there, each with the hash that the log states.
(6) V3: every earlier checkpoint has its quorum and is a prefix. Where the log goes on under another origin, what is
    left, missing and known of the one before is shown (`sessions.verify_continued`; flag `continued`).
(7) V4 to V9: every act is signed by a live key of its seat or centre, counted without a gap, and had seen our root;
    every entry is what the rules yield from the entries before it, gates included (docs/adr/0002).
(8) V1 once more: the log was founded, and every seat bound, under this very policy and trust. V13: what the venues'
    own journals hold and the log does not is named (`journal-missing`), and what was merged beside a journal that was
    kept (`journal-beside`): flags, since what a venue says of itself makes no log invalid.
(9) V8: the released shares open each listed ciphertext to the very sheet that the log shows. V9: every draw has its
    result, made of the secrets that were committed to (its seed and orders are step 7's), and every pool's facts show
    that nobody with an interest in a bidder stood in what was drawn from.
(10) V10: disclosures fit digests, and the members that were drawn are who was drawn.
(11) V12: the report's content follows from the log, its revisions build on one another, and every member's
    certificate signed it under the pinned roots; the workbook says what the report says, cell by cell; the
    addendum tells every dissent.
(12) Recordings: segments count on without a hole that is not declared.
(13) The advice on deemed collusion is what the prices and its documents show, these read again by the same programs; by
    others nobody can tell of the documents, and the verdict says so (`advice-not-reread`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from evaluation.core import addendum, cases, collusion, report, tender
from evidence.core import verify as log_checks
from evidence.core.act import verify as verify_act
from evidence.core.canonical import Object, sha256, unb64u
from evidence.core.entry import Entry
from evidence.core.entry import parse as parse_entry
from evidence.core.merkle import Tree
from evidence.core.note import Checkpoint
from evidence.errors import Malformed, Untrusted
from evidence.ports import Envelopes
from sessions import advice, draw_secrets, people, pool_facts, verify_continued
from sessions.core import acts, contents, venue_journal
from sessions.core.replay import Replay
from sessions.core.seating import APPROVED
from sessions.core.state import Proceeding, Report
from sessions.core.tracks import tracks
from sessions.evidence_file import EvidenceFile
from sessions.opening import listed, open_all
from sessions.ports import DocumentReader, ReportRenderer
from sessions.trust import Pins
from sessions.uploads import MAX_DOCUMENT
from sessions.verdict import UNDETERMINED, VALID, Refused, Step, Verdict
from sessions.verify_continued import Logs
from signing.core.verdict import Outcome, ReportVerdict


class ReportValidator(Protocol):
    """`signing.adapters.pades_validation.validate_report`, handed in by the wiring."""

    def __call__(
        self,
        pdf: bytes,
        *,
        roots: Sequence[bytes],
        expected: Mapping[str, bytes],
        at: datetime,
        excused: frozenset[str] = ...,
    ) -> ReportVerdict: ...


class WorkbookReader(Protocol):
    """`evaluation.adapters.report_workbook.same`: whether a workbook says exactly this content."""

    def __call__(self, data: bytes, content: Object, /) -> bool: ...


def read_pins(folder: Path) -> Pins:
    """POLICY/tlog-policy and POLICY/trust.json."""
    try:
        policy = (folder / "tlog-policy").read_text("utf-8")
        trust = (folder / "trust.json").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"the policy folder cannot be read: {error}") from error
    return Pins.parse(policy, trust)


def verify(
    file: BinaryIO,
    policy: Path,
    *,
    validate: ReportValidator,
    envelopes: Envelopes,
    workbook: WorkbookReader = lambda data, content: True,
    addenda: ReportRenderer | None = None,
    reader: DocumentReader | None = None,
    progress: Callable[[Step], None] = lambda _: None,
) -> Verdict:
    """Run the recipe; never raises for what the file holds."""
    verdict = Verdict()
    try:
        _run(verdict, file, policy, validate, envelopes, workbook, addenda, reader, progress)
    except Refused:
        return verdict
    verdict.outcome = VALID
    return verdict


def _run(
    verdict: Verdict,
    file: BinaryIO,
    policy: Path,
    validate: ReportValidator,
    envelopes: Envelopes,
    workbook: WorkbookReader,
    addenda: ReportRenderer | None,
    reader: DocumentReader | None,
    progress: Callable[[Step], None],
) -> None:
    with verdict.step(1, "container", progress, otherwise=UNDETERMINED):
        evidence = EvidenceFile(file)
    with verdict.step(1, "form", progress):
        evidence.check_form()
    with verdict.step(2, "policy", progress, otherwise=UNDETERMINED):
        pins = read_pins(policy)
    with verdict.step(3, "centre-log", progress):
        logs = verify_continued.read_logs(evidence, pins)
        final = _final(evidence, pins)
        verdict.origin = logs.origin
    with verdict.step(4, "entries", progress):
        entries, tree = _entries(evidence, pins, logs, final)
        verdict.entries = len(entries)
    with verdict.step(5, "files", progress):
        _files(evidence, logs, entries)
    with verdict.step(6, "checkpoints", progress):
        _checkpoints(evidence, entries, tree, logs, pins)
        verdict.continued, flags = verify_continued.check(entries, tree, logs, pins, _loading(evidence))
        verdict.flags += flags
    with verdict.step(7, "rules", progress):
        state, at_reports = _replay(evidence, entries, tree)
    with verdict.step(8, "founding", progress):
        _founding(evidence, state, entries, pins)
        verdict.flags += [flag for flag in _flags(state, entries, pins) if flag not in verdict.flags]
        verdict.journal = venue_journal.findings(state, entries)
        verdict.flags += [f"journal-{kind}" for kind in dict.fromkeys(found.kind for found in verdict.journal)]
    with verdict.step(9, "openings", progress):
        _openings(evidence, state, envelopes)
        draw_secrets.check(state, envelopes)
        _pool_facts(evidence, state, entries)
    with verdict.step(10, "disclosures", progress):
        _, verdict.withheld = log_checks.disclosed(
            evidence.disclosures(), [*entries, *logs.openings, _final_entry(evidence)]
        )
        verdict.flags += ["withheld"] if verdict.withheld else []
        people.check_drawn(state, evidence.disclosures())
    with verdict.step(11, "report", progress):
        for old, at_old in zip(state.superseded, at_reports, strict=False):
            name = contents.superseded_name(old.report.revision)
            _report(evidence, state, Made(old.report, at_old, name), entries, pins, validate, workbook)
        if state.report is not None:
            made = Made(state.report, at_reports[-1], contents.REPORT)
            verdict.signers = _report(evidence, state, made, entries, pins, validate, workbook)
        _addendum(evidence, state, entries, addenda)
        verdict.ranking = _ranking(evidence, state)
    with verdict.step(12, "recordings", progress):
        verdict.tracks = tracks(entries)
    with verdict.step(13, "advice", progress):
        verdict.flags += [] if _advised(evidence, state, reader) else ["advice-not-reread"]


def _advised(evidence: EvidenceFile, state: Proceeding, reader: DocumentReader | None) -> bool:
    """(13)"""
    if state.evaluation.advice is None:
        return True

    async def load(sha: bytes) -> bytes:
        return evidence.read(contents.object_name(sha), limit=MAX_DOCUMENT)

    return asyncio.run(advice.check(state, load=load, reader=reader))


def _loading(evidence: EvidenceFile) -> Callable[[bytes], bytes]:
    return lambda sha: evidence.read(contents.object_name(sha))


def _final(evidence: EvidenceFile, pins: Pins) -> Checkpoint:
    """(3)"""
    entry, final = log_checks.final_root(
        evidence.read(contents.FINAL), evidence.read(contents.FINAL_PROOF), pins.policy
    )
    act = entry.act
    if act is None or (act.act, act.sub, act.aud) != ("root.record", pins.trust.main, pins.policy.log.name):
        raise Untrusted("the centre's act root.record is missing")
    verify_act(act, pins.trust.identities[pins.trust.main])
    return final


def _final_entry(evidence: EvidenceFile) -> Entry:
    return parse_entry(evidence.read(contents.FINAL))


def _entries(evidence: EvidenceFile, pins: Pins, logs: Logs, final: Checkpoint) -> tuple[list[Entry], Tree]:
    """(4)"""
    data, note = evidence.entries(), evidence.read(contents.CHECKPOINT)
    entries, tree = log_checks.log(data, note, logs.keys[-1], pins.policy, former=logs.former)
    if not entries or entries[-1].type != "ProceedingClosed":
        raise Untrusted("the proceeding was not closed, or its last entries are missing")
    if final != Checkpoint(entries[-1].origin, len(tree), tree.root()):
        raise Untrusted("the final root in the centre log is another")
    return entries, tree


def _files(evidence: EvidenceFile, logs: Logs, entries: Sequence[Entry]) -> None:
    """(5)"""
    cited = contents.objects(entries)
    openings = (name for number in range(2, len(logs.keys) + 1) for name in contents.opened_names(number))
    noted = [contents.ADDENDUM] if addendum.called_for(entries) else []
    names = [*contents.FIXED, *noted, *openings, *(contents.entry_name(n) for n in range(len(entries))), *cited]
    evidence.check_names(names)
    for name, expected in cited.items():
        if evidence.sha256(name) != expected:
            raise Untrusted(f"{name} is not the file that the log names")


def _checkpoints(evidence: EvidenceFile, entries: Sequence[Entry], tree: Tree, logs: Logs, pins: Pins) -> None:
    """(6)"""
    for entry in entries:
        if entry.type == "Witnessed":
            note = evidence.read(contents.object_name(unb64u(entry.body["note"], 32)))
            checkpoint = log_checks.prefix(note, logs.key_of(entry.origin), pins.policy, tree)
            stated = (entry.origin, entry.body["size"], unb64u(entry.body["root"], 32))
            if stated != (checkpoint.origin, checkpoint.size, checkpoint.root) or checkpoint.size > entry.n:
                raise Untrusted(f"entry {entry.n} states another checkpoint than its note")


@dataclass(frozen=True, slots=True)
class Made:
    """A report, the state that it was made from, and where its last revision lies."""

    report: Report
    at: Proceeding
    name: str


def _replay(evidence: EvidenceFile, entries: Sequence[Entry], tree: Tree) -> tuple[Proceeding, list[Proceeding]]:
    """(7): the final state, and the state that each report was made from; an aborted proceeding may have none."""
    root_at = tree.root
    at_reports: list[Proceeding] = []
    steps = Replay(
        entries,
        load=lambda sha: evidence.read(contents.object_name(sha)),
        check=lambda state, act: acts.check(state, act, root_at=root_at),
    )
    for before, entry in steps:
        if entry.type == "ReportFrozen":
            at_reports.append(before)
    if steps.state.report is None and not steps.state.aborted:
        raise Untrusted("there is no report")
    return steps.state, at_reports


def _founding(evidence: EvidenceFile, state: Proceeding, entries: Sequence[Entry], pins: Pins) -> None:
    """(8)"""
    founding = state.founding
    opened = parse_entry(evidence.read(contents.OPENED))
    if founding is None:
        raise Untrusted("the proceeding was not founded")
    if (founding.policy, founding.trust) != (pins.policy_hash, pins.trust_hash):
        raise Untrusted("the proceeding was founded under another policy or trust")
    if any(pins.trust.identities.get(domain) != jwk for domain, jwk in founding.identities.items()):
        raise Untrusted("an identity of the founding is not the pinned one")
    if not pins.trust.names.items() >= founding.names.items():
        raise Untrusted("the founding calls a city otherwise than the agreement")
    if founding.holder_k != pins.trust.holder_k or founding.main != pins.trust.main:
        raise Untrusted("holders or main centre differ from the agreement")
    if founding.opening != (opened.origin, opened.n, opened.leaf):
        raise Untrusted("the founding cites another opening")
    for entry in entries:
        if entry.type == "SeatBound" and entry.act is not None:
            stated = (unb64u(entry.act.body["policy"], 32), unb64u(entry.act.body["trust"], 32))
            if stated != (pins.policy_hash, pins.trust_hash):
                raise Untrusted(f"{entry.act.sub} was bound under another policy or trust")


def _flags(state: Proceeding, entries: Sequence[Entry], pins: Pins) -> list[str]:
    """What the verdict does not say by itself (protocols.md section 8)."""
    centres = pins.trust.centres
    witnesses = [key.name for key in pins.policy.witnesses]
    groups = [[centres[d].operator for d in names if d in centres] for names in (witnesses, state.holders)]
    flags = ["one-operator"] if any(len(set(group)) < len(group) for group in groups) else []
    flags += ["external-draw"] if state.drawing.external else []
    flags += ["designated-members"] if any(each.kind == APPROVED for each in state.seated.values()) else []
    flags += ["aborted"] if state.aborted else []
    flags += ["k-acks-only"] if cases.few_acks(state.evaluation) else []
    vouches = [entry.act.body for entry in entries if entry.type == "SeatVouched" and entry.act]
    return flags + (["weak-factor"] if any(body["cose"] is None for body in vouches) else [])


def _openings(evidence: EvidenceFile, state: Proceeding, envelopes: Envelopes) -> None:
    """(9)"""

    def ciphertext(sha: bytes) -> bytes:
        return evidence.read(contents.object_name(sha))

    for found in state.evaluation.rounds:
        # What its authors opened because its holders were lost was held against the commitments in (7).
        if found.opened is None or set(found.listed) <= found.authored:
            continue
        for act, plaintext in open_all(listed(state, found), ciphertext, envelopes):
            if isinstance(plaintext, bytes) and found.plaintexts.get(act, plaintext) != plaintext:
                raise Untrusted("an opened sheet is not the sealed one")
            if isinstance(plaintext, str) and act in found.plaintexts and act not in found.authored:
                raise Untrusted("a sheet was opened that cannot be")


def _pool_facts(evidence: EvidenceFile, state: Proceeding, entries: Sequence[Entry]) -> None:
    """(9)"""
    for entry in entries:
        if entry.type != "DrawOpened" or entry.act is None or entry.act.body["pool"] is None:
            continue
        if state.definition is None:
            raise Untrusted("experts were drawn before any bidder was known")
        definition = tender.parse(evidence.read(contents.object_name(state.definition.sha256)))
        facts = evidence.read(contents.object_name(unb64u(entry.act.body["facts"], 32)))
        pool_facts.check(state, entry.act.body, facts, definition, entry.at)


def _report(
    evidence: EvidenceFile,
    state: Proceeding,
    made: Made,
    entries: Sequence[Entry],
    pins: Pins,
    validate: ReportValidator,
    workbook: WorkbookReader,
) -> int:
    """(11)"""
    frozen, old = made.report, made.report is not state.report
    if state.definition is None:
        raise Untrusted("there is no definition")
    definition = tender.parse(evidence.read(contents.object_name(state.definition.sha256)))
    names = people.named(made.at.people, evidence.disclosures())
    if any(name not in names for name in made.at.people):
        raise Untrusted("a name that the report tells is not disclosed")
    noted = made.at.evaluation.advice
    advised = None if noted is None else collusion.read(evidence.read(contents.object_name(noted.sha256)))
    told = report.content(definition, made.at.evaluation, entries[: frozen.n], names, form=frozen.form, advice=advised)
    if report.digest(told) != frozen.content:
        raise Untrusted("the report's content does not follow from the log")
    if frozen.workbook is not None:
        name = contents.workbook_name(frozen.workbook) if old else contents.WORKBOOK
        if not workbook(evidence.read(name), told):
            raise Untrusted("the workbook says something else than the report")
    if state.aborted and not frozen.signed and not old:
        return 0
    pdf = evidence.read(made.name)
    revisions = [(frozen.size, frozen.document)]
    revisions += [(s.size, s.document) for s in frozen.signatures if s.document is not None]
    if revisions[-1][0] != len(pdf) or any(sha256(pdf[:size]) != document for size, document in revisions):
        raise Untrusted("a revision of the report is not the prefix of the next")
    if old and not frozen.signed:
        return 0
    expected = {seat: state.credentials[seat].certificate for seat in frozen.signed}
    judged = validate(
        pdf,
        roots=pins.trust.ca_roots,
        expected=expected,
        at=datetime.fromisoformat(entries[frozen.n].at),
        excused=frozenset(state.signers) - set(frozen.signed),
    )
    if judged.outcome is not Outcome.VALID:
        raise Untrusted(f"the report's signatures are {judged.outcome.value}: {judged.code}")
    if judged.document != frozen.document:
        raise Untrusted("the signatures cover another report than the frozen one")
    return len(judged.signatures)


def _addendum(
    evidence: EvidenceFile, state: Proceeding, entries: Sequence[Entry], addenda: ReportRenderer | None
) -> None:
    """(11)"""
    if not addendum.called_for(entries) or state.definition is None or addenda is None:
        return
    definition = evidence.read(contents.object_name(state.definition.sha256))
    if evidence.read(contents.ADDENDUM) != addenda(people.addendum(definition, entries, evidence.disclosures())):
        raise Untrusted("the report's addendum does not follow from the log")


def _ranking(evidence: EvidenceFile, state: Proceeding) -> list[tuple[str, str, int]]:
    ranking, definition = state.evaluation.ranking, state.definition
    if ranking is None or definition is None:
        return []
    parsed = tender.parse(evidence.read(contents.object_name(definition.sha256)))
    names = {bidder.id: bidder.name for bidder in parsed.bidders}
    return [(bidder, names[bidder], rank) for bidder, rank in ranking.places]

"""Is everything right with a demo that ended? One function for each promise of issue 2, "Done when"."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from signing.adapters.pades_validation import validate_report
from signing.core.verdict import Outcome
from tests.demo.recordings import Evidence, phase_ms, probe, spread_ms, uncovered_ms
from tests.demo.running import Kill
from tests.recompute_ranking import unb64

AGREE_MS = 150.0
"""Issue 2: venue clocks read from recorded pixels agree within 150 ms."""
SLACK_MS = 1000
"""Issue 2: the recording covers admission to end within 1 s, and a kill costs at most 1.0 s of received media."""
MEMBERS = 5


def no_acknowledged_act_is_lost(evidence: Evidence, actors: Path) -> int:
    """Every act that a seat was told to stand in the log stands there, at its index, with its leaf hash."""
    count = 0
    for path in actors.glob("*/acknowledged.jsonl"):
        for line in path.read_text().splitlines():
            told = json.loads(line)
            entry = evidence.entries[told["index"]]
            payload = evidence.act(entry)
            assert (payload["act"], payload["sub"]) == (told["act"], told["seat"])
            assert evidence.leaf(told["index"]) == told["leaf"]
            count += 1
    return count


def recordings_are_readable_and_whole(evidence: Evidence, folder: Path) -> None:
    """ffprobe reads each take, and from admission to the end everything is recorded or a declared gap."""
    for (_, kind, _), path in evidence.takes(folder).items():
        assert probe(path).codec == ("opus" if kind == "mic" else "vp8")
    end = max(_ms(entry["at"]) for entry in evidence.of("RecordingEnded"))
    admitted = {evidence.act(entry)["body"]["room"]: _ms(entry["at"]) for entry in evidence.of("RoomAdmitted")}
    tracks = evidence.segments()
    assert set(tracks) == {(room, kind) for room in ("room-1", "room-2", "room-3") for kind in ("mic", "camera")}
    for (room, kind), segments in tracks.items():
        assert uncovered_ms(segments, admitted[room], end) <= SLACK_MS, (room, kind)


def pixels_agree(evidence: Evidence) -> float:
    """Each room shows its own venue, and all clocks agree; returns by how much they differ."""
    sights = list(evidence.sights())
    assert {sight.room for sight in sights} == {"room-1", "room-2", "room-3"}
    assert all(sight.room == f"room-{sight.reading.venue}" for sight in sights)
    assert len({sight.reading.clip_ms for sight in sights}) > 20
    spread = spread_ms([phase_ms(sight) for sight in sights])
    assert spread <= AGREE_MS
    return spread


def the_report_is_signed_by_all(evidence: Evidence, state: Path) -> None:
    """pdfsig calls each signature valid, pyHanko trusts five different signers under the pinned root, and four are
    not enough for it."""
    report = state / "report.pdf"
    said = subprocess.run(["pdfsig", "-nocert", str(report)], capture_output=True, text=True, check=False).stdout
    assert said.count("Signature is Valid.") == MEMBERS, said
    trust = json.loads((state / "policy" / "trust.json").read_text())
    roots = [base64.b64decode(root) for root in trust["ca_roots"]]
    issued = {entry["body"]["seat"]: unb64(entry["body"]["certificate"]) for entry in evidence.of("CredentialIssued")}
    assert len(set(issued.values())) == MEMBERS
    now, pdf = datetime.now(UTC), report.read_bytes()
    verdict = validate_report(pdf, roots=roots, expected=issued, at=now)
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert len({seen.certificate for seen in verdict.signatures}) == MEMBERS
    four = pdf[: sorted(entry["body"]["size"] for entry in evidence.of("ReportSigned"))[-2]]
    assert validate_report(four, roots=roots, expected=issued, at=now).outcome is Outcome.INVALID
    assert validate_report(pdf, roots=roots[:0], expected=issued, at=now).outcome is Outcome.INVALID


def others_agree_on_ranking_and_verdict(state: Path) -> list[str]:
    """The second opinion gives the ranking of the log, and `tongping verify` calls the file valid."""
    evidence = str(state / "evidence.zip")
    script = [sys.executable, "tests/recompute_ranking.py", evidence]
    second = subprocess.run(script, capture_output=True, text=True, check=True)
    verify = [sys.executable, "-P", "-m", "web.server", "verify", evidence, "--policy", str(state / "policy"), "--json"]
    found = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    return second.stdout.splitlines()


def the_partner_read_every_event(output: Path) -> list[str]:
    """The types of the meeting's feed as the partner's program wrote them: each event once, none left out."""
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    events = [line["event"] for line in lines if line["feed"] != "/v1/partner/events"]
    assert [event["sequence"] for event in events] == list(range(len(events)))
    return [event["type"] for event in events]


def a_kill_costs_at_most_a_second_of_media(
    evidence: Evidence, kill: Kill, absent: frozenset[str], *, slack_ms: int = SLACK_MS
) -> None:
    """What had arrived up to a second before the kill is recorded; what follows until the next take is declared.
    `absent`: rooms that were cut off at that moment anyway."""
    for (room, kind), segments in evidence.segments().items():
        if room in absent:
            continue
        before = max(segment.t1 for segment in segments if segment.t0 < kill.at_ms)
        assert before >= kill.at_ms - slack_ms, (room, kind, kill.at_ms - before)
        after = min((segment for segment in segments if segment.t0 > before), key=lambda segment: segment.t0)
        assert uncovered_ms([*segments], before, after.t0) == 0, (room, kind, after)


def _ms(at: str) -> float:
    return datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() * 1000

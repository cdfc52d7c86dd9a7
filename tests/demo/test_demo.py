"""One run in which every process is killed once, and which ends well all the same (issue 2, "Done when")."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import findings
from tests.demo.running import PROCESSES, Running

MOMENTS = {
    "city-zhongshan": r"seat-\d ballot\.seal",
    "web": r"seat-1 review\.vote",
    "media": r"stage detailed-review",
    "city-zhuhai": r"seat-2 sheet\.seal",
    "city-finance": r"supervisor-1 opening\.approve",
    "signing": r"seat-\d report\.sign",
}
"""While a holder acknowledges ballots; while votes arrive; before the drafts; while a holder acknowledges sheets; when
shares are about to be released; while the report is being signed."""
ABSENT = frozenset({"room-3"})
"""Its venue is cut off just then: when it last sent anything, only it knows."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A tender that was never seen before, all kills in one run."""
    running = Running(state=tmp_path_factory.mktemp("run") / "s", moments=dict(MOMENTS))
    running.start("--seed", str(secrets.randbelow(10**6)))
    try:
        running.end()
        print(running.said)
        yield running
    finally:
        running.stop()


@pytest.mark.timeout(400)
def test_the_run_ends_well_though_every_process_was_killed(run: Running) -> None:
    """Web, signing, media worker and the three nodes, each once with -9."""
    assert run.status == 0, run.said
    assert {kill.process for kill in run.kills} == set(PROCESSES)


def test_no_acknowledged_event_is_lost(run: Running) -> None:
    assert findings.no_acknowledged_act_is_lost(run.evidence, run.state / "actors") > 40


def test_a_lost_or_exchanged_event_would_be_seen(run: Running, tmp_path: Path) -> None:
    """The check itself: an act acknowledged at another place, or with another leaf hash, is one that was lost."""
    (told, *_) = (run.state / "actors" / "venue-1" / "acknowledged.jsonl").read_text().splitlines()
    (tmp_path / "venue-1").mkdir()
    for changed in ({"index": json.loads(told)["index"] + 1}, {"leaf": "A" * 43}):
        line = json.dumps(json.loads(told) | changed)
        (tmp_path / "venue-1" / "acknowledged.jsonl").write_text(line + "\n")
        with pytest.raises((AssertionError, KeyError)):
            findings.no_acknowledged_act_is_lost(run.evidence, tmp_path)


def test_a_kill_of_the_media_worker_costs_at_most_a_second(run: Running) -> None:
    """What was received before the kill is there but for 1.0 s, and the downtime is a declared gap."""
    (kill,) = (kill for kill in run.kills if kill.process == "media")
    findings.a_kill_costs_at_most_a_second_of_media(run.evidence, kill, ABSENT)
    # The check itself: what the dead worker would have had to record for a second more is missed.
    with pytest.raises(AssertionError):
        findings.a_kill_costs_at_most_a_second_of_media(run.evidence, kill, ABSENT, slack_ms=-1_000)


def test_the_lost_venue_is_declared(run: Running) -> None:
    """Issue 2, item 9: one venue is lost for 10 s and comes back."""
    evidence = run.evidence
    (lost,) = evidence.of("VenueLost")
    assert lost["body"]["venue"] == "venue-3"
    assert [entry["body"]["venue"] for entry in evidence.of("VenueRejoined")] == ["venue-3"]
    longest = max(end - start for s in evidence.segments()[("room-3", "camera")] for start, end in s.gaps)
    assert 9_500 <= longest <= 20_000


def test_recordings_are_readable_and_whole(run: Running, tmp_path: Path) -> None:
    findings.recordings_are_readable_and_whole(run.evidence, tmp_path)


def test_the_rooms_clocks_agree_in_recorded_pixels(run: Running) -> None:
    findings.pixels_agree(run.evidence)


def test_the_report_is_signed_by_all_five(run: Running) -> None:
    findings.the_report_is_signed_by_all(run.evidence, run.state)


def test_others_come_to_the_same_ranking_and_verdict(run: Running) -> None:
    assert findings.others_agree_on_ranking_and_verdict(run.state)


def test_the_partner_city_followed_it_all_and_holds_the_same_evidence(run: Running) -> None:
    """Issue 5, item 4; the command is the one of docs/guide/integrator.md."""
    assert (
        findings.the_partner_read_every_event(run.state / "partner" / "events.jsonl")[-1] == "session.proceeding-closed"
    )
    (file,) = (run.state / "partner" / "evidence").glob("*.zip")
    assert file.read_bytes() == (run.state / "evidence.zip").read_bytes()
    command = [sys.executable, "-P", "-m", "web.server", "verify", str(file), "--policy", str(run.state / "policy")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert re.search(r"heard \d{2,} webhooks", run.said)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_run_survives_the_death_of_one_process(process: str, tmp_path: Path) -> None:
    """One kill per run, so that one death cannot hide what another one breaks."""
    running = Running(state=tmp_path / "s", moments={process: MOMENTS[process]})
    running.start("--seed", str(secrets.randbelow(10**6)))
    try:
        assert running.end() == 0, running.said
    finally:
        running.stop()
    assert [kill.process for kill in running.kills] == [process]
    assert findings.no_acknowledged_act_is_lost(running.evidence, running.state / "actors") > 40
    findings.recordings_are_readable_and_whole(running.evidence, tmp_path)
    findings.others_agree_on_ranking_and_verdict(running.state)

"""An untouched evidence file is valid, and what the verdict says of it is so (protocols.md section 8)."""

from __future__ import annotations

import json
from pathlib import Path

from tests.verify.finished import Finished, finish, judged, pack


def test_the_untouched_file_is_valid(finished: Finished) -> None:
    verdict = judged(pack(finished.files), finished.policy)
    assert (verdict.outcome, verdict.status) == ("valid", 0), verdict.steps[-1]
    assert [step.number for step in verdict.steps] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert verdict.entries == len(finished.entries)
    assert verdict.signers == 5
    assert [rank for _, _, rank in verdict.ranking] == [1, 2, 3, 4]
    assert {(track.room, track.kind) for track in verdict.tracks} >= {(f"room-{n}", "mic") for n in (1, 2, 3)}
    assert verdict.flags == ["weak-factor"]
    assert verdict.withheld == 0
    json.dumps(verdict.as_json)


def test_nodes_of_one_operator_are_named_as_such(finished: Finished, tmp_path: Path) -> None:
    """protocols.md 8: with one operator behind all witnesses the quorum is formal only; the log pins trust.json."""
    trust = json.loads((finished.policy / "trust.json").read_text())
    assert "one-operator" not in judged(pack(finished.files), finished.policy).flags
    for centre in trust["centres"]:
        centre["operator"] = "one"
    (tmp_path / "trust.json").write_text(json.dumps(trust))
    (tmp_path / "tlog-policy").write_text((finished.policy / "tlog-policy").read_text())
    verdict = judged(pack(finished.files), tmp_path)
    assert (verdict.outcome, verdict.steps[-1].name) == ("invalid", "founding")


def test_keys_never_come_from_the_file(finished: Finished, tmp_path: Path) -> None:
    """Without a policy nothing can be said, whatever the file holds."""
    verdict = judged(pack(finished.files), tmp_path)
    assert (verdict.outcome, verdict.status) == ("undetermined", 2)
    (tmp_path / "tlog-policy").write_text("log nonsense")
    (tmp_path / "trust.json").write_text("{}")
    assert judged(pack(finished.files), tmp_path).status == 2


def test_a_file_that_is_no_container_is_undetermined(finished: Finished) -> None:
    for data in (b"", b"PK", b"%PDF-1.7", pack(finished.files)[4:]):
        assert judged(data, finished.policy).status == 2


def test_a_log_rewritten_and_signed_anew_by_its_operator_is_refused(finished: Finished, tmp_path: Path) -> None:
    """protocols.md 9: the main server with all its own keys, but without the other cities' witnesses.

    The same forgery is valid under a policy of the operator's own making: it is the pinned one that refuses it.
    """
    forged = finish(tmp_path, keyring=finished.keyring)
    verdict = judged(pack(forged.files), finished.policy)
    assert (verdict.outcome, verdict.steps[-1].name, verdict.steps[-1].code) == ("invalid", "centre-log", "no-quorum")
    assert judged(pack(forged.files), forged.policy).outcome == "valid"

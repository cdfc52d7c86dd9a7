"""`tongping` at the command line: setting up, refusing, verifying."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from web.server.cli import app
from web.server.installation import Party


def tongping(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a process."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "web.server", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ) | environment,
    )


def here(*arguments: object) -> int:
    """The command in this process, which is quicker; its exit status."""
    try:
        app([str(argument) for argument in arguments], standalone_mode=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("a command ends with a status")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A main centre and one city that have exchanged their public files."""
    place = tmp_path_factory.mktemp("parties")
    city, main = place / "city", place / "main"
    assert here("city", "init", "--state", city, "--domain", "zhuhai.example", "--operator", "珠海") == 0
    named = ("--name-zh", "呼和浩特", "--name-en", "Hohhot")
    assert here("init", "--state", main, "--domain", "hohhot.example", "--operator", "呼和浩特", *named) == 0
    assert here("trust", "--state", main, "--city", city / "public" / "centre.json", "--f", "0") == 0
    assert here("city", "trust", "--state", city, "--policy", main / "policy") == 0
    return place


def test_both_parties_pin_the_same_octets(parties: Path) -> None:
    for name in ("tlog-policy", "trust.json"):
        assert (parties / "main/policy" / name).read_bytes() == (parties / "city/policy" / name).read_bytes()
    trust = json.loads((parties / "main/policy/trust.json").read_bytes())
    assert [centre["domain"] for centre in trust["centres"]] == ["hohhot.example", "zhuhai.example"]
    assert [centre.get("name") for centre in trust["centres"]] == [{"zh": "呼和浩特", "en": "Hohhot"}, None]


def test_setting_up_again_changes_no_key(parties: Path) -> None:
    """What was witnessed under a key must stay under it."""
    before = files(parties)
    assert here("init", "--state", parties / "main", "--domain", "other.example") == 0
    assert here("city", "init", "--state", parties / "city", "--domain", "other.example") == 0
    after = files(parties)
    changed = {name for name in before if before[name] != after.get(name)}
    assert {name for name in changed if not name.endswith((".db", ".db-journal", ".sqlite", "-journal"))} <= {
        "main/public/centre.json",
        "city/public/centre.json",
    }
    assert Party.read(parties / "main/public/centre.json").domain == "hohhot.example"


def test_a_public_file_holds_no_secret(parties: Path) -> None:
    for place in ("main", "city"):
        text = (parties / place / "public/centre.json").read_text()
        assert '"d"' not in text
        for path in (parties / place / "secrets").iterdir():
            assert path.read_bytes().strip() not in text.encode()


def test_another_agreement_is_not_pinned_silently(
    parties: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "main"
    assert here("init", "--state", other, "--domain", "hohhot.example", "--operator", "x") == 0
    assert here("trust", "--state", other, "--city", parties / "city/public/centre.json", "--f", "0") == 0
    assert here("city", "trust", "--state", parties / "city", "--policy", other / "policy") == 2
    assert "bad-settings" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("serve",), ("web",), ("signing",), ("city", "serve"), ("media-worker", "x")])
def test_what_was_never_set_up_does_not_start(
    tmp_path: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(*command, "--state", tmp_path) == 2
    assert "bad-settings" in capsys.readouterr().err


def test_a_server_does_not_start_under_another_partys_policy(parties: Path, tmp_path: Path) -> None:
    """Better no start than a log that nobody can verify."""
    other = tmp_path / "main"
    assert here("init", "--state", other, "--domain", "hohhot.example", "--operator", "x") == 0
    for name in ("tlog-policy", "trust.json"):
        (other / "policy" / name).write_bytes((parties / "main/policy" / name).read_bytes())
    done = tongping("web", "--state", other)
    assert done.returncode == 2
    assert "bad-settings" in done.stderr


def test_a_master_key_that_others_can_read_stops_the_start(parties: Path, tmp_path: Path) -> None:
    for name, data in files(parties / "main").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)
    for command in ("web", "signing"):
        done = tongping(command, TONGPING_STATE=str(tmp_path))
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"x" * 1000])
def test_verify_says_it_of_what_is_no_evidence_file(
    parties: Path, tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    file = tmp_path / "evidence.zip"
    file.write_bytes(data)
    assert here("verify", file, "--policy", parties / "main/policy", "--json") in (1, 2)
    assert json.loads(capsys.readouterr().out)["verdict"] in ("invalid", "undetermined")


def test_verify_says_2_without_a_file_or_a_policy(parties: Path, tmp_path: Path) -> None:
    assert here("verify", tmp_path / "none", "--policy", parties / "main/policy") == 2
    (tmp_path / "evidence.zip").write_bytes(b"")
    assert here("verify", tmp_path / "evidence.zip", "--policy", tmp_path) == 2

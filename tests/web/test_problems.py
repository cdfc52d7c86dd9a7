"""Every code has one HTTP status (RFC 9457), and no status stands for a code that nobody raises."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from evidence.errors import StaleSize
from media.errors import SdpRefused
from sessions.errors import Paused
from web.server.errors import Internal
from web.server.journal import without_secrets
from web.server.problems import MAX_DETAIL, code_of, problem_response
from web.server.statuses import PREFIXES, STATUSES, status_of

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("evidence", "signing", "evaluation", "media", "sessions", "web")


def error_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*errors.py"))


def codes(path: Path) -> dict[str, str]:
    """Class -> code, as the file writes them."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                match line:
                    case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                        found[node.name] = code
    return found


def test_every_code_of_the_tree_is_mapped_and_nothing_else_is() -> None:
    raised = {code for path in error_files() for code in codes(path).values()}
    assert len(raised) > 100
    assert raised - STATUSES.keys() == set()
    assert STATUSES.keys() - raised == set()


def test_no_code_stands_twice() -> None:
    source = ast.parse((ROOT / "web/server/statuses.py").read_text())
    listed = [
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in STATUSES
    ]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("path", error_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_class_has_a_code_that_its_file_explains(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for name, code in codes(path).items():
        assert getattr(module, name).code == code
        assert name in (module.__doc__ or "")


def test_a_problem_tells_its_code_and_no_more_than_it_should() -> None:
    answer = problem_response(Paused("x" * 10_000))
    body = json.loads(bytes(answer.body))
    assert answer.media_type == "application/problem+json"
    assert (answer.status_code, body["code"], len(body["detail"])) == (409, "paused", MAX_DETAIL)


@pytest.mark.parametrize("error", [ValueError("the database is at /secret"), Internal("boom"), StopIteration()])
def test_a_defect_tells_nothing(error: Exception) -> None:
    answer = problem_response(error)
    body = json.loads(bytes(answer.body))
    assert (answer.status_code, body["code"]) == (500, "internal")
    assert "detail" not in body


def test_codes_with_a_reason_are_mapped_by_their_head() -> None:
    assert set(PREFIXES) == {"sdp-"}
    assert status_of(SdpRefused("too-long", "").code) == 422
    assert code_of(StaleSize(expected=1, actual=2)) == "stale-size"
    assert status_of("never-heard-of") == 500


def test_a_secret_field_never_reaches_the_journal() -> None:
    """Threat table row 35."""
    event = without_secrets(None, "", {"event": "x", "token": "T", "ticket": "T", "cookie": "T", "seat": "seat-1"})
    assert "T" not in event.values()
    assert event["seat"] == "seat-1"
    with capture_logs() as said:
        structlog.get_logger().info("x", seat="seat-1")
    assert said[0]["seat"] == "seat-1"

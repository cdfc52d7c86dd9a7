"""`tongping …` as it is typed, in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from web.server.cli import app


def typed(*words: object) -> tuple[int, str, str]:
    """Status, standard output, standard error."""
    said, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(complained), pytest.raises(SystemExit) as ended:
        app([str(word) for word in words])
    return int(ended.value.code or 0), said.getvalue(), complained.getvalue()

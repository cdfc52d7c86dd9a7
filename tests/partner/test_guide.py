"""Every command and every program of docs/guide/integrator.md, in its order, on ports that are free here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.city.servers import free_port
from tests.partner.guide import blocks, environment
from web.partner_sim.feed import read_events

PORTS = ("8000", "8001", "8100", "9000")


@pytest.mark.timeout(170)
def test_the_guide_leads_from_nothing_to_the_working_program(tmp_path: Path) -> None:
    """Issue 5, "Done when". What runs on in the background ends with the shell's process group."""
    running = environment(tmp_path)
    (tmp_path / "snippets.py").write_text("\n".join(blocks("python")))
    script = "\n".join(["set -euo pipefail", *blocks("sh"), "export CLIENT", f"{sys.executable} snippets.py"])
    for port in PORTS:
        fresh = str(free_port())
        script = script.replace(port, fresh)
        (tmp_path / "snippets.py").write_text((tmp_path / "snippets.py").read_text().replace(port, fresh))
    with (tmp_path / "said").open("w+b") as said:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=running, stdout=said, stderr=said, start_new_session=True
        )
        try:
            status = shell.wait(timeout=120)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
        text = (tmp_path / "said").read_text()
    logs = "\n".join((tmp_path / "var" / name).read_text() for name in ("serve.log", "partner.log"))
    assert status == 0, text + logs
    types = [event["type"] for event in read_events(tmp_path / "var/partner/events.jsonl", "/v1/partner/events")]
    assert types[-1] == "venue.named"
    assert re.search(r"^\d+ venue\.named$", text, re.MULTILINE), "the reader of section 5 printed the feed"
    assert "'delivered'" in text, "and the webhook's deliveries"

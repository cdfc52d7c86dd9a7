"""The processes of an installation: each is ready, each comes back, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import socket as sockets
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.api.installation import Running, eventually
from web.server.installation import Layout
from web.server.wiring import SIGNING_TOKEN
from web.server.workers import WorkerFolder

CITIES = ("city-zhongshan", "city-zhuhai", "city-finance")


def signing_is_ready(site: Running) -> bool:
    layout = Layout(site.installation.main)
    token = (layout.secrets / SIGNING_TOKEN).read_text().strip()
    port = next(
        line.split("=")[1].strip()
        for line in (site.installation.main / "tongping.toml").read_text().splitlines()
        if line.startswith("signing.port")
    )
    try:
        answer = httpx2.post(
            f"http://127.0.0.1:{port}/csc/v1/info", json={}, headers={"Authorization": f"Bearer {token}"}
        )
    except httpx2.TransportError:
        return False
    return answer.status_code == 200


def city_is_ready(site: Running, name: str) -> bool:
    domain = name.removeprefix("city-") + ".example"
    node = site.installation.node(domain)
    assert node is not None
    try:
        return httpx2.get(f"{node.url}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def worker_is_ready(site: Running) -> bool:
    run = Layout(site.installation.main).run
    for worker in WorkerFolder(run / "workers", sockets=run, ports=()).wanted():
        with sockets.socket(sockets.AF_UNIX) as client:
            try:
                client.connect(str(worker.socket))
            except OSError:
                return False
    return True


def test_every_process_is_ready(site: Running) -> None:
    assert site.ready()
    eventually(lambda: signing_is_ready(site))
    eventually(lambda: worker_is_ready(site))
    for name in CITIES:
        eventually(partial(city_is_ready, site, name))
    for name in ("web", "signing", "media", *CITIES):
        assert os.path.exists(f"/proc/{site.pid(name)}"), name


def test_killing_web_loses_no_session_and_no_entry(site: Running) -> None:
    session = site.fresh_session("seat-2")
    before = site.call("GET", f"{site.path}/log/entries/0", session=site.session("supervisor-1")).content
    size = site.size()
    worker = site.pid("media")
    site.kill("web")
    eventually(site.ready)
    assert site.call("GET", "/v1/me", session=session).json()["seat"] == "seat-2"
    assert site.call("GET", f"{site.path}/log/entries/0", session=site.session("supervisor-1")).content == before
    assert site.size() >= size
    assert site.pid("media") == worker, "a worker outlives the web process"


def test_a_link_that_was_used_stays_used_after_a_kill(site: Running) -> None:
    token = site.link("seat-3")
    assert site.call("POST", "/v1/sign-in", json={"token": token}).status_code == 204
    site.kill("web")
    eventually(site.ready)
    assert site.call("POST", "/v1/sign-in", json={"token": token}).json()["code"] == "link-refused"


@pytest.mark.parametrize("name", ["signing", "city-zhuhai", "media"])
def test_every_other_process_comes_back(site: Running, name: str) -> None:
    site.kill(name)
    eventually(lambda: signing_is_ready(site))
    eventually(lambda: city_is_ready(site, "city-zhuhai"))
    eventually(lambda: worker_is_ready(site))
    assert site.ready()


def test_no_secret_is_in_any_journal(site: Running) -> None:
    """Threat table row 35: everything that these tests sent as a secret, against everything that was written."""
    said = b"".join(path.read_bytes() for path in Layout(site.installation.main).log.glob("*.log"))
    assert said
    secrets = [*site.sessions.values(), site.installation.administrator_token, site.link("seat-1")]
    secrets += [site.ticket(site.session("seat-1")), site.node_token()]
    secrets += [path.read_text().strip() for path in Layout(site.installation.main).secrets.glob("*.token")]
    for secret in secrets:
        assert secret.encode() not in said
    assert b"ticket=" not in said


def test_the_spool_and_the_keys_are_for_this_user_only(site: Running) -> None:
    main = site.installation.main
    for folder in ("secrets", "data", "signing", "run", "log"):
        assert (main / folder).stat().st_mode & 0o077 == 0, folder
    for path in (main / "secrets").iterdir():
        assert Path(path).stat().st_mode & 0o777 == 0o600

"""A whole installation as real processes under one supervisor, with one proceeding opened, for the API's tests."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from evidence.core.canonical import b64u, encode
from evidence.core.entry import parse
from sessions.adapters.node_store import FileNodeStore
from sessions.node_keys import NodeKeys
from web.demo.documents import tender
from web.demo.installation import Installation, install
from web.demo.tender import case
from web.server.installation import Layout

COOKIE = "sid"
START_S = 180.0
AHEAD = ("nice", "-n", "-10")
"""In use the server has a machine of its own; beside a dozen browser windows on two cores it comes first, if it may."""
BY_ITSELF = {"ProceedingFounded", "DefinitionFixed", "HolderOffered", "HoldersFrozen", "Witnessed"}


def eventually(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `condition` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.05)
    return found


@dataclass
class Running:
    """Processes, addresses, and a plain HTTP client without any cleverness."""

    installation: Installation
    http: httpx2.Client
    proceeding: str = ""
    origin: str = ""
    sessions: dict[str, str] = field(default_factory=dict)
    types: list[str] = field(default_factory=list)
    launch: Callable[[], subprocess.Popen[bytes]] | None = None
    """The supervisor of all its processes."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.installation.url

    @property
    def path(self) -> str:
        return f"/v1/proceedings/{self.proceeding}"

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        session: str | None = None,
        bearer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """One request as a page of ours would make it; `headers` replace what it would say (None: leave out)."""
        sent: dict[str, str] = {"Origin": self.url}
        if json is not None:
            content = encode(json)
        if content is not None:
            sent["Content-Type"] = "application/json"
        if session is not None:
            sent["Cookie"] = f"{COOKIE}={session}"
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        sent |= headers or {}
        return self.http.request(method, path, content=content, headers={k: v for k, v in sent.items() if v})

    def administer(self, path: str, body: Any) -> httpx2.Response:
        """A write of the administrator, each under a key of its own."""
        headers = {"Idempotency-Key": secrets.token_urlsafe(16)}
        return self.call("POST", path, json=body, bearer=self.installation.administrator_token, headers=headers)

    def link(self, seat: str, proceeding: str | None = None) -> str:
        answer = self.administer(f"/v1/proceedings/{proceeding or self.proceeding}/links", {"seat": seat})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def fresh_session(self, seat: str, proceeding: str | None = None) -> str:
        answer = self.call("POST", "/v1/sign-in", json={"token": self.link(seat, proceeding)})
        assert answer.status_code == 204, answer.text
        return answer.headers["set-cookie"].split(";")[0].partition("=")[2]

    def session(self, seat: str) -> str:
        """A session of this seat, opened once."""
        if seat not in self.sessions:
            self.sessions[seat] = self.fresh_session(seat)
        return self.sessions[seat]

    def ticket(self, session: str) -> str:
        answer = self.call("POST", f"{self.path}/socket-tickets", session=session)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    def open_proceeding(self, seed: int | None = None, body: Any = None) -> dict[str, str]:
        answer = self.administer("/v1/proceedings", body or tender(case(seed)))
        assert answer.status_code == 201, answer.text
        found: dict[str, str] = answer.json()
        return found

    def size(self) -> int:
        """Entries of the proceeding's log, as a seat sees it."""
        return int(self.view("supervisor-1")["size"])

    def view(self, seat: str) -> dict[str, Any]:
        """What the server shows this seat."""
        answer = self.call("GET", self.path, session=self.session(seat))
        while answer.status_code == 429:  # many tests share this seat's session, and its bucket
            time.sleep(float(answer.headers["retry-after"]))
            answer = self.call("GET", self.path, session=self.session(seat))
        found: dict[str, Any] = answer.json()
        return found

    def deeds(self) -> list[str]:
        """Everything in the log that somebody asked for, so without heartbeats and what founds a proceeding."""
        for n in range(len(self.types), self.size()):
            entry = parse(self.call("GET", f"{self.path}/log/entries/{n}", bearer=self.node_token()).content)
            self.types.append(entry.type)
        return [kind for kind in self.types if kind not in BY_ITSELF]

    def node_token(self, domain: str = "zhuhai.example", **claims: Any) -> str:
        node = self.installation.node(domain)
        assert node is not None
        keys = NodeKeys.load(FileNodeStore.open(Layout(node.state).data / "node"))
        payload = {"iss": domain, "aud": self.url, "exp": int(time.time()) + 30} | claims
        signed = f"{b64u(encode({'alg': 'ES256', 'typ': 'JWT'}))}.{b64u(encode(payload))}"
        return f"{signed}.{b64u(keys.identity.sign(signed.encode()))}"

    def pid(self, name: str) -> int:
        """The process of this name (`media` finds the one media worker), 0 while it is away."""
        for path in (self.installation.main / "run").glob(f"{name}*.pid"):
            return int(path.read_text() or 0)
        return 0

    def start(self) -> None:
        assert self.launch is not None
        self.process = self.launch()
        eventually(self.ready, START_S)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self, name: str) -> None:
        """kill -9, and wait for the successor's process."""
        before = self.pid(name)
        os.kill(before, 9)
        eventually(lambda: self.pid(name) not in (0, before))


@contextmanager
def running(state: Path, body: Any = None, launcher: Sequence[str] = ()) -> Iterator[Running]:
    """Installed, started, one proceeding (of the tender `body`) opened and frozen; everything ends with the block."""
    installation = install(state)
    cities = [option for node in installation.nodes for option in ("--with-city", str(node.state))]
    served = [sys.executable, "-P", "-m", "web.server", "serve", "--state", str(installation.main), *cities]
    with (
        (state / "supervisor.log").open("wb") as said,
        httpx2.Client(base_url=installation.url, timeout=30, trust_env=False) as http,
    ):

        def launch() -> subprocess.Popen[bytes]:
            return subprocess.Popen([*launcher, *served], stdout=said, stderr=said)

        found = Running(installation, http, launch=launch)
        try:
            found.start()
            created = found.open_proceeding(body=body)
            found.proceeding, found.origin = created["id"], created["origin"]
            # Until gate G1: holders and definition are frozen and witnessed, and nothing moves by itself any more.
            eventually(lambda: found.view("supervisor-1").get("witnessed"))
            yield found
        finally:
            found.stop()

"""What an administrator does on the command line while the server runs: through its own doors, like everybody else."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from evidence.core.canonical import Object
from sessions.core.identity import comparison_code
from sessions.node_identity import same_code
from web.server.errors import CodeDiffers, DoorRefused

# The process answers on this machine; a vouching waits for one append.
TIMEOUT_S = 20.0
# Every node fetches and replays what it lacks of a log, one after the other.
CONTINUE_S = 300.0


@dataclass(frozen=True, slots=True)
class Desk:
    """`url` is where the process listens, `token` the administrator's (or, of a city node, its operator's)."""

    url: str
    token: str
    certificate: str = ""
    """The server's own TLS certificate, where it has one: whoever has its key is whom this machine speaks to."""

    def vouch(self, proceeding: str, seat: str, code: str) -> None:
        """The main centre vouches for its own seat, whose code an officer read from the device itself."""
        path = f"/v1/proceedings/{proceeding}"
        shown = self._call("GET", f"{path}/keys")
        waiting = {found["seat"]: found["thumbprint"] for found in shown["keys"]}
        if seat not in waiting:
            raise DoorRefused("not-announced", f"no device of {seat} waits to be vouched for")
        if not same_code(comparison_code(shown["origin"], seat, waiting[seat]), code):
            raise CodeDiffers("the device that waits has another comparison code: look at the screen again")
        self._call("POST", f"{path}/seats/{seat}/vouch", {"thumbprint": waiting[seat]})

    def purge(self, proceeding: str) -> dict[str, Any]:
        """Delete a proceeding's files; the server refuses before the date until which everything is kept."""
        return self._call("POST", f"/v1/proceedings/{proceeding}/purge")

    def go_on(self, proceeding: str, reason: str) -> dict[str, Any]:
        """The log goes on under the next origin; nodes look at what is left first, which takes a while."""
        return self._call("POST", f"/v1/proceedings/{proceeding}/continue", {"reason": reason}, timeout=CONTINUE_S)

    def confirm_at_node(self, origin: str) -> dict[str, Any]:
        """A city confirms it by its own node, which looks at the log itself first."""
        return self._call("POST", "/log/confirm", {"origin": origin}, timeout=CONTINUE_S)

    def release_at_node(self, origin: str) -> str:
        """This city's shares of the round that waits to be opened, where the main centre does not open it."""
        return str(self._call("POST", "/opening/release", {"origin": origin}, timeout=CONTINUE_S)["act"])

    def open_at_node(self, origin: str, releases: Sequence[str]) -> Object:
        """The round of these releases, opened from what this city's node holds."""
        asked: Object = {"origin": origin, "releases": list(releases)}
        return self._call("POST", "/opening/open", asked, timeout=CONTINUE_S)

    def administrator_link(self) -> str:
        """A one-time link for an administrator's browser."""
        return str(self._call("POST", "/v1/administrator/links")["url"])

    def vouch_at_node(self, origin: str, seat: str, code: str) -> None:
        """The same of a city, by its own node, which hands its voucher in at the main server."""
        self.at_node("/identity/vouch", {"origin": origin, "seat": seat, "code": code})

    def at_node(self, path: str, question: Object) -> Object:
        """What a city's own node answers its operator."""
        return self._call("POST", path, question)

    @property
    def _trusted(self) -> ssl.SSLContext | bool:
        if not self.certificate:
            return True
        context = ssl.create_default_context(cafile=self.certificate)
        # The file names the one certificate that is meant; by which of its addresses it is reached says nothing more.
        context.check_hostname = False
        return context

    def _call(self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT_S) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx2.Client(base_url=self.url, timeout=timeout, trust_env=False, verify=self._trusted) as http:
                answer = http.request(method, path, json=body, headers=headers)
                found = answer.json() if answer.content else {}
        except (httpx2.HTTPError, ValueError) as error:
            raise DoorRefused("server-silent", f"nobody answers at {self.url}: is it running?") from error
        if not answer.is_success:
            raise DoorRefused(str(found.get("code", answer.status_code)), str(found.get("detail", "")))
        return dict(found)

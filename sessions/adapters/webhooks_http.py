"""Calls to partners' receivers, whose addresses are whatever their owners say (server-side request forgery).

A call, as a recipe:
(1) the URL has https, a host and nothing that could mean something else to another reader; plain http passes only
    where the settings name networks for tests, and then only to them;
(2) the name is resolved once, and every address it has must be public (`sessions.core.addresses`);
(3) the connection goes to the first of these addresses, so that a second answer of the name server changes nothing;
    the certificate must still be the name's;
(4) no redirect is followed, no proxy or credential of the environment is used, no cookie is kept;
(5) at most MAX_ANSWER octets of the answer are read, undecoded, and dropped;
(6) all of this takes at most TIMEOUT_S.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import httpx2

from sessions.core.addresses import Address, Network, in_any, may_call
from sessions.webhook_errors import NotCalled, WebhookUrlRefused

# Standard Webhooks asks for 15 to 30 s; a receiver that stores the message and answers needs far less than 10.
TIMEOUT_S = 10.0
MAX_ANSWER = 65_536
MAX_URL = 2_000

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class HttpWebhookSender:
    """A `sessions.webhook_ports.WebhookSender`. `test_networks` may be called besides the public internet, over plain
    http, too; empty in every installation that is not a test."""

    def __init__(
        self,
        *,
        test_networks: tuple[Network, ...] = (),
        resolve: Resolve | None = None,
        verify: ssl.SSLContext | bool = True,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._test_networks = test_networks
        self._resolve = resolve or resolve_name
        self._timeout_s = timeout_s
        # A connection is used once: one that is kept would be to an address that was judged earlier.
        self._client = httpx2.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Give back what the client holds."""
        await self._client.aclose()

    def check(self, url: str) -> None:
        self._parse(url)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            async with asyncio.timeout(self._timeout_s):  # (6)
                return await self._send(url, headers, body)
        except TimeoutError:
            raise NotCalled("timeout") from None
        except WebhookUrlRefused:
            raise NotCalled("url-refused") from None
        except httpx2.HTTPError as error:
            raise NotCalled(type(error).__name__) from error

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        parts = self._parse(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._address(parts.scheme, host, port)
        # (3)
        literal = f"[{address}]" if address.version == 6 else str(address)
        target = httpx2.URL(
            scheme=parts.scheme,
            host=literal,
            port=port,
            raw_path=(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/").encode("ascii"),
        )
        sent = {**headers, "Host": parts.netloc, "User-Agent": "tongping-webhooks/1", "Accept-Encoding": "identity"}
        request = self._client.build_request(
            "POST", target, headers=sent, content=body, extensions={"sni_hostname": host}
        )
        request.headers.pop("cookie", None)
        answer = await self._client.send(request, stream=True)
        try:
            self._client.cookies.clear()  # (4)
            await _drain(answer)
            return answer.status_code
        finally:
            await answer.aclose()

    def _parse(self, url: str) -> SplitResult:
        # (1)
        if len(url) > MAX_URL or not url.isascii() or any(c <= " " or c in '\\"<>^`{|}' for c in url):
            raise WebhookUrlRefused("a URL is ASCII without spaces; an international name is written as xn--…")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise WebhookUrlRefused("not a URL") from error
        schemes = ("https", "http") if self._test_networks else ("https",)
        if parts.scheme not in schemes or not host or port == 0:
            raise WebhookUrlRefused("a receiver is reached over https")
        if "@" in parts.netloc or parts.fragment or "%" in parts.netloc:
            raise WebhookUrlRefused("no user, no fragment, no escapes in the host")
        return parts

    async def _address(self, scheme: str, host: str, port: int) -> Address:
        # (2)
        try:
            found = [ip_address(text) for text in await self._resolve(host, port)]
        except (OSError, UnicodeError, ValueError) as error:
            raise NotCalled("name-not-resolved") from error
        if not found:
            raise NotCalled("name-not-resolved")
        if not all(may_call(address, self._test_networks) for address in found):
            raise NotCalled("address-refused")
        if scheme == "http" and not all(in_any(address, self._test_networks) for address in found):
            raise NotCalled("address-refused")
        return found[0]


async def _drain(answer: httpx2.Response) -> None:
    # (5)
    read = 0
    async for piece in answer.aiter_raw():
        read += len(piece)
        if read > MAX_ANSWER:
            return


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as this machine's resolver says."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(row[4][0]) for row in rows]

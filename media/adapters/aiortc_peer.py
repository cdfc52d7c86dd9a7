"""A peer on aiortc's DTLS transport and libsrtp: the only file that touches their private names.

aiortc contributes the DTLS handshake and nothing else. Its peer connection, receivers and senders are not used, so no
decoder, encoder, jitter buffer or unbounded queue can exist here. The names below are pinned by a test each:
`RTCDtlsTransport._rx_srtp`, `._tx_srtp`, `._srtp_profiles`, `._set_role`, and the two calls `_recv` and `_send` that it
makes on its transport; `pylibsrtp.Session._srtp`; `pylibsrtp._binding.{ffi,lib}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from media.adapters.ice_lite import IceLite, UdpPort
from media.core.datagram import MAX_DATAGRAM, Datagram
from media.core.rtp import is_rtcp
from media.core.sdp import Fingerprint, Transport
from media.core.sdp_text import LocalTransport
from media.ports import PeerListener

# RFC 7714. Without this a browser in the DTLS server's role picks AES-CM with SHA-1 (media-benchmark.md, pitfall 3).
_PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM]
# A browser connects within a second; who was offered a connection and does not come is forgotten after this time.
HANDSHAKE_SECONDS = 30.0
# A handshake has a dozen datagrams; more than this waiting means that nobody reads them.
_DTLS_QUEUE = 64
# srtp_protect appends a tag and, in theory, a key identifier: SRTP_MAX_TRAILER_LEN and the SRTCP index.
_TRAILER = 16 + 128 + 4

_numbers = itertools.count(1)


class _Cipher:
    """One direction of SRTP, on a buffer of its own: pylibsrtp's methods copy three times and refuse 1356 bytes."""

    __slots__ = ("_buffer", "_length", "_session", "_srtp")

    def __init__(self, session: Session) -> None:
        self._session = session  # owns the C object: it lives as long as we do
        self._srtp = session._srtp[0]
        self._buffer = ffi.new("unsigned char[]", MAX_DATAGRAM + _TRAILER)
        self._length = ffi.new("int *")

    def run(self, function: Any, data: bytes) -> bytes | None:
        """Apply one of libsrtp's functions; None if it refuses."""
        size = len(data)
        if size > MAX_DATAGRAM:
            return None
        ffi.memmove(self._buffer, data, size)
        self._length[0] = size
        if function(self._srtp, self._buffer, self._length):
            return None
        return bytes(ffi.buffer(self._buffer, self._length[0]))


class _Wire:
    """What RTCDtlsTransport takes for its ICE transport."""

    role = "controlled"

    def __init__(self, ice: IceLite) -> None:
        self._ice = ice
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=_DTLS_QUEUE)

    async def _recv(self) -> bytes:
        data = await self.queue.get()
        if data is None:
            raise ConnectionError("closed")
        return data

    async def _send(self, data: bytes) -> None:
        self._ice.send(data)

    def put(self, data: bytes | None) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self.queue.put_nowait(data)


class AiortcPeer:
    """One browser or device; see `media.ports.Peer`."""

    def __init__(self, *, port: UdpPort, certificate: RTCCertificate, listener: PeerListener) -> None:
        self.id = f"peer-{next(_numbers)}"
        self.connected = False
        self.unreadable = 0
        self._listener = listener
        self._port = port
        self._ice = IceLite(port, self)
        self._wire = _Wire(self._ice)
        self._dtls = RTCDtlsTransport(self._wire, [certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = _PROFILES
        self._rx: _Cipher | None = None
        self._tx: _Cipher | None = None
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._shutting: asyncio.Task[None] | None = None
        self._expiry = asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, self.close, "failed")
        fingerprints = tuple(
            Fingerprint(one.algorithm, one.value) for one in certificate.getFingerprints() if one.algorithm == "sha-256"
        )
        self.local = LocalTransport(self._ice.ufrag, self._ice.password, fingerprints, port.address, port.port)

    @property
    def last_heard_ms(self) -> float:
        return self._ice.last_heard_ms

    def start(self, remote: Transport) -> None:
        """Begin the handshake; a second description of the same peer is ignored."""
        if self._task is not None or self._closed:
            return
        self._ice.remote_ufrag = remote.ufrag
        # RFC 8842 section 5.3: whoever is passive is the DTLS server; we are, unless the other side insists.
        self._dtls._set_role("client" if remote.setup == "passive" else "server")
        fingerprints = [RTCDtlsFingerprint(algorithm=one.algorithm, value=one.value) for one in remote.fingerprints]
        self._task = asyncio.get_running_loop().create_task(self._handshake(fingerprints))

    async def _handshake(self, fingerprints: list[RTCDtlsFingerprint]) -> None:
        await self._ice.validated.wait()
        try:
            await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        except Exception:  # noqa: BLE001  whatever the peer sent, it costs this peer only
            self.close("failed")
            return
        if self._dtls.state != "connected":
            self.close("failed")
            return
        self._expiry.cancel()
        self._rx, self._tx = _Cipher(self._dtls._rx_srtp), _Cipher(self._dtls._tx_srtp)
        self.connected = True
        self._dtls.on("statechange", self._on_state)
        self._listener.on_connected()

    def _on_state(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self.close("closed")

    def on_datagram(self, kind: Datagram, data: bytes, now_ms: float) -> None:
        """A datagram from an address that proved the password."""
        if kind is Datagram.DTLS:
            self._wire.put(data)
            return
        if self._rx is None:
            return
        rtcp = is_rtcp(data)
        plain = self._rx.run(lib.srtp_unprotect_rtcp if rtcp else lib.srtp_unprotect, data)
        if plain is None:
            self.unreadable += 1
            return
        self._ice.last_heard_ms = now_ms
        if rtcp:
            self._listener.on_rtcp(plain, now_ms)
        else:
            self._listener.on_rtp(plain, now_ms)

    def send_rtp(self, data: bytes) -> bool:
        return self._send(lib.srtp_protect, data)

    def send_rtcp(self, data: bytes) -> bool:
        return self._send(lib.srtp_protect_rtcp, data)

    def _send(self, function: Any, data: bytes) -> bool:
        if self._tx is None:
            return False
        packet = self._tx.run(function, data)
        return packet is not None and self._ice.send(packet)

    def close(self, cause: str) -> None:
        """End the peer, telling the other side if there is a connection; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self.connected = False
        self._expiry.cancel()
        self._rx = self._tx = None
        self._shutting = asyncio.get_running_loop().create_task(self._shut())
        self._listener.on_closed(cause)

    async def _shut(self) -> None:
        with contextlib.suppress(Exception):
            await self._dtls.stop()
        self._wire.put(None)
        self._ice.close()
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            self._task.cancel()


class AiortcPeers:
    """Makes the peers of one worker: one port and one certificate for all."""

    def __init__(self, *, port: UdpPort) -> None:
        self._port = port
        self._certificate = RTCCertificate.generateCertificate()

    def __call__(self, listener: PeerListener) -> AiortcPeer:
        return AiortcPeer(port=self._port, certificate=self._certificate, listener=listener)

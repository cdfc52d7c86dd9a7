"""The private names of other libraries that `aiortc_peer` rests on; one that is gone fails here, not in a session."""

from __future__ import annotations

import asyncio
import inspect
import re

import pylibsrtp
import pytest
from aioice import stun
from aiortc import RTCCertificate, RTCDtlsTransport, rtcdtlstransport
from pylibsrtp import _binding


class Wire:
    role = "controlled"

    async def _recv(self) -> bytes:
        raise ConnectionError

    async def _send(self, data: bytes) -> None: ...


@pytest.fixture
def dtls() -> RTCDtlsTransport:
    return RTCDtlsTransport(Wire(), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["_rx_srtp", "_tx_srtp", "_srtp_profiles", "_set_role", "_ssl", "_recv_next"])
def test_the_dtls_transport_has_the_name(dtls: RTCDtlsTransport, name: str) -> None:
    assert hasattr(dtls, name)


def test_the_dtls_transport_asks_its_transport_for_three_things_only() -> None:
    source = inspect.getsource(RTCDtlsTransport)
    assert set(re.findall(r"self\.transport\.(\w+)", source)) == {"_recv", "_send", "role"}


@pytest.mark.parametrize("name", ["SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM"])
def test_the_profiles_exist_and_libsrtp_was_built_with_them(name: str) -> None:
    assert getattr(rtcdtlstransport, name) in rtcdtlstransport.SRTP_PROFILES


@pytest.mark.parametrize("name", ["srtp_protect", "srtp_protect_rtcp", "srtp_unprotect", "srtp_unprotect_rtcp"])
def test_libsrtp_is_called_through_pylibsrtp_s_binding(name: str) -> None:
    assert callable(getattr(_binding.lib, name))
    assert callable(_binding.ffi.memmove)
    policy = pylibsrtp.Policy(
        bytes(28), pylibsrtp.Policy.SSRC_ANY_OUTBOUND, 0, pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    )
    assert pylibsrtp.Session(policy)._srtp[0]


@pytest.mark.parametrize("name", ["parse_message", "Message", "Class", "Method"])
def test_aioice_reads_and_writes_stun(name: str) -> None:
    assert hasattr(stun, name)


def test_dtls_without_a_peer_ends_and_does_not_hang() -> None:
    async def run() -> None:
        dtls = RTCDtlsTransport(Wire(), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
        await dtls.stop()

    asyncio.run(run())

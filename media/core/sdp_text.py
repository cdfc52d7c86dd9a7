"""The descriptions that the worker writes: the answer to a room that publishes, the offer to one that watches.

The worker is ICE-lite (RFC 8445 section 2.5) with one host candidate, offers one codec per kind, and negotiates neither
retransmission streams nor bandwidth estimation: a repeated packet comes on its own SSRC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from media.core.plan import Kind, is_video
from media.core.sdp import MID_URI, Description, Fingerprint, Section
from media.errors import SdpRefused

OPUS_PAYLOAD_TYPE = 111  # the numbers that Chromium itself uses; any dynamic ones would do
VP8_PAYLOAD_TYPE = 96
# RFC 8445 section 5.1.2.1: type preference 126 (host), local preference 65535, component 1.
_HOST_PRIORITY = 2130706431


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of one peer connection."""

    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One section of a watcher's description: which room's which slot it carries, under which SSRC."""

    mid: str
    room: str
    kind: Kind
    ssrc: int


def slots_of(sections: tuple[Section, ...], slots: tuple[Kind, ...]) -> dict[str, Kind]:
    """Which section of a publisher's offer fills which slot: within audio and within video, in order."""
    audio = [kind for kind in slots if not is_video(kind)]
    video = [kind for kind in slots if is_video(kind)]
    filled: dict[str, Kind] = {}
    for section in sections:
        left = audio if section.kind == "audio" else video
        if section.direction in ("recvonly", "inactive"):
            raise SdpRefused("direction", "a publisher's sections send")
        if section.payload_type is None:
            raise SdpRefused("codec", "a publisher offers Opus and VP8")
        if not left:
            raise SdpRefused("too-many-sections", f"the plan has no further {section.kind} slot")
        filled[section.mid] = left.pop(0)
    return filled


def answer(offer: Description, local: LocalTransport, *, session: int) -> str:
    """The answer to a publisher: receive everything that was offered."""
    lines = _head(local, session, [section.mid for section in offer.sections])
    setup = "active" if offer.transport.setup == "passive" else "passive"
    for section in offer.sections:
        if section.payload_type is None:
            raise SdpRefused("codec", "a publisher offers Opus and VP8")
        lines += _media(section.kind, section.mid, section.payload_type, "recvonly", setup)
        if section.mid_extension is not None:
            lines.append(f"a=extmap:{section.mid_extension} {MID_URI}")
        lines += _candidate(local)
    return _text(lines)


def returned(offer: Description, local: LocalTransport, *, session: int, ssrcs: Mapping[str, int]) -> str:
    """The answer to a device check: what comes goes back, each section under an SSRC of ours."""
    lines = _head(local, session, [section.mid for section in offer.sections])
    setup = "active" if offer.transport.setup == "passive" else "passive"
    if len({section.payload_type for section in offer.sections}) != len(offer.sections):
        raise SdpRefused("codec", "a device check has one section of each kind")
    for section in offer.sections:
        if section.direction != "sendrecv":
            raise SdpRefused("direction", "a device check's sections send and receive")
        if section.payload_type is None:
            raise SdpRefused("codec", "a device check offers Opus and VP8")
        lines += _media(section.kind, section.mid, section.payload_type, "sendrecv", setup)
        lines += [f"a=msid:loopback {section.mid}", f"a=ssrc:{ssrcs[section.mid]} cname:loopback"]
        lines += _candidate(local)
    return _text(lines)


def offer(slots: tuple[Slot, ...], local: LocalTransport, *, session: int) -> str:
    """The offer to a watcher: every slot of every room, fixed for the life of the connection.

    Microphone and camera of a room share a stream, so that a browser keeps them in step; the document is its own.
    """
    lines = _head(local, session, [slot.mid for slot in slots])
    for slot in slots:
        video = is_video(slot.kind)
        payload_type = VP8_PAYLOAD_TYPE if video else OPUS_PAYLOAD_TYPE
        lines += _media("video" if video else "audio", slot.mid, payload_type, "sendonly", "actpass")
        stream = f"{slot.room}.document" if slot.kind == "document" else slot.room
        lines += [
            f"a=msid:{stream} {slot.room}.{slot.kind}",
            f"a=ssrc:{slot.ssrc} cname:{slot.room}",
            f"a=ssrc:{slot.ssrc} msid:{stream} {slot.room}.{slot.kind}",
        ]
        lines += _candidate(local)
    return _text(lines)


def _head(local: LocalTransport, session: int, mids: list[str]) -> list[str]:
    lines = ["v=0", f"o=- {session} 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", f"a=group:BUNDLE {' '.join(mids)}"]
    lines += ["a=msid-semantic:WMS *", f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}"]
    return lines + [f"a=fingerprint:{one.algorithm} {one.value}" for one in local.fingerprints]


def _media(kind: str, mid: str, payload_type: int, direction: str, setup: str) -> list[str]:
    lines = [f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={direction}"]
    lines += ["a=rtcp-mux", f"a=setup:{setup}"]
    if kind == "audio":
        # No discontinuous transmission: silence must be told from loss (media.md section 5).
        return [*lines, f"a=rtpmap:{payload_type} opus/48000/2", f"a=fmtp:{payload_type} useinbandfec=1;usedtx=0"]
    lines.append(f"a=rtpmap:{payload_type} VP8/90000")
    return [*lines, f"a=rtcp-fb:{payload_type} nack", f"a=rtcp-fb:{payload_type} nack pli"]


def _candidate(local: LocalTransport) -> list[str]:
    return [f"a=candidate:1 1 udp {_HOST_PRIORITY} {local.address} {local.port} typ host", "a=end-of-candidates"]


def _text(lines: list[str]) -> str:
    return "\r\n".join(lines) + "\r\n"

"""Session descriptions of strangers, read strictly (RFC 8866, RFC 8829).

Only what this relay needs is read, everything that costs is limited first, and each refusal has a code of its own:

(1) limits: bytes, lines, line length, media sections, candidates, formats;
(2) shape: `v=0` first, one media kind we know, one profile, a bundle of all sections, a mid for each;
(3) transport: ICE credentials, fingerprints and DTLS role, the same for all sections;
(4) streams: a payload type for our codec, a direction, the SSRCs that were announced.

Candidates of a peer are counted but never used: the worker is ICE-lite and only answers checks that prove the password,
so that no description can make it send a packet anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from media.errors import SdpRefused

# A description of 500 sections cost 0.72 s (reliability-and-security.md F11); Chromium offers three tracks in 15 kB.
MAX_BYTES = 64 * 1024
MAX_LINES = 3_000
MAX_LINE = 2_048
MAX_CANDIDATES = 16
MAX_FORMATS = 100  # payload types are 7 bits wide
MAX_SSRCS = 8  # per section: a stream, its retransmission, and room for what browsers add

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
Direction = Literal["sendonly", "recvonly", "sendrecv", "inactive"]
Setup = Literal["active", "passive", "actpass"]

_ICE_CHARS = re.compile(r"[A-Za-z0-9+/]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_CODEC = {"audio": "opus/48000/2", "video": "vp8/90000"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Transport:
    """How the other side proves who it is."""

    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line as far as it matters to us; `payload_type` is that of our codec, None if it is not there."""

    mid: str
    kind: Literal["audio", "video"]
    port: int
    direction: Direction
    payload_type: int | None
    mid_extension: int | None
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Description:
    transport: Transport
    sections: tuple[Section, ...]


@dataclass(slots=True)
class _Part:
    """What the lines of the session or of one section said."""

    kind: str = ""
    port: int = 0
    formats: tuple[str, ...] = ()
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        values = self.attributes.get(name, [])
        if len(values) > 1:
            raise SdpRefused("repeated", f"a={name} is repeated")
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return self.attributes.get(name, [])


def parse(text: str, *, max_sections: int) -> Description:
    """Read an offer or an answer."""
    session, parts = _split(text, max_sections)
    sections = tuple(_section(part) for part in parts)
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids):
        raise SdpRefused("mid", "two sections have the same mid")
    used = [section.mid for section in sections if section.port or section.direction != "inactive"]
    groups = [group.split() for group in session.all("group")]
    bundles = [group[1:] for group in groups if group and group[0] == "BUNDLE"]
    if len(bundles) != 1 or not bundles[0] or not set(used) <= set(bundles[0]) <= set(mids):
        raise SdpRefused("bundle", "all sections must share one transport (a=group:BUNDLE)")
    live = [part for part, section in zip(parts, sections, strict=True) if section.mid in bundles[0]]
    transports = {_transport(session, part) for part in live}
    if len(transports) != 1:
        raise SdpRefused("transport", "sections of one bundle differ in ICE or DTLS parameters")
    return Description(transport=transports.pop(), sections=sections)


def _split(text: str, max_sections: int) -> tuple[_Part, list[_Part]]:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SdpRefused("too-large", f"more than {MAX_BYTES} bytes")
    if not text.isascii() or any(ord(c) < 32 and c not in "\r\n" for c in text):
        raise SdpRefused("characters", "characters that do not belong into a description")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE for line in lines):
        raise SdpRefused("too-large", "too many or too long lines")
    if lines[0] != "v=0":
        raise SdpRefused("version", "a description begins with v=0")
    session = _Part()
    parts: list[_Part] = []
    current = session
    for line in lines[1:]:
        if len(line) < 2 or line[1] != "=" or not line[0].islower():
            raise SdpRefused("line", "not a line of the form x=...")
        if line[0] == "m":
            if len(parts) >= max_sections:
                raise SdpRefused("too-many-sections", f"more than {max_sections} media sections")
            current = _media_line(line[2:])
            parts.append(current)
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            current.attributes.setdefault(name, []).append(value)
    if not parts:
        raise SdpRefused("no-sections", "no media section")
    return session, parts


def _media_line(value: str) -> _Part:
    fields = value.split(" ")
    if len(fields) < 4 or not _NUMBER.fullmatch(fields[1]) or int(fields[1]) > 65_535:
        raise SdpRefused("media-line", "not a media line")
    if fields[0] not in _CODEC:
        raise SdpRefused("media-kind", "only audio and video are accepted")
    if fields[2] != "UDP/TLS/RTP/SAVPF":
        raise SdpRefused("profile", "only UDP/TLS/RTP/SAVPF is accepted")
    if len(fields) - 3 > MAX_FORMATS:
        raise SdpRefused("too-many-formats", f"more than {MAX_FORMATS} payload types")
    return _Part(kind=fields[0], port=int(fields[1]), formats=tuple(fields[3:]))


def _section(part: _Part) -> Section:
    kind: Literal["audio", "video"] = "audio" if part.kind == "audio" else "video"
    mid = part.one("mid")
    if mid is None or not _TOKEN.fullmatch(mid):
        raise SdpRefused("mid", "a section without a proper mid")
    if len(part.all("candidate")) > MAX_CANDIDATES:
        raise SdpRefused("too-many-candidates", f"more than {MAX_CANDIDATES} candidates in one section")
    directions: list[Direction] = [
        name for name in ("sendonly", "recvonly", "sendrecv", "inactive") if name in part.attributes
    ]
    if len(directions) > 1:
        raise SdpRefused("direction", "two directions in one section")
    refused = part.port == 0 and "bundle-only" not in part.attributes
    if not refused and "rtcp-mux" not in part.attributes:
        raise SdpRefused("rtcp-mux", "RTCP must share the port")
    return Section(
        mid=mid,
        kind=kind,
        port=part.port,
        direction="inactive" if refused else directions[0] if directions else "sendrecv",
        payload_type=_payload_type(part),
        mid_extension=_mid_extension(part),
        ssrcs=_ssrcs(part),
    )


def _payload_type(part: _Part) -> int | None:
    for value in part.all("rtpmap"):
        number, _, codec = value.partition(" ")
        if not _NUMBER.fullmatch(number) or int(number) > 127:
            raise SdpRefused("payload-type", "a payload type is 0 to 127")
        if codec.strip().lower() == _CODEC[part.kind] and number in part.formats:
            return int(number)
    return None


def _mid_extension(part: _Part) -> int | None:
    for value in part.all("extmap"):
        number, _, uri = value.partition(" ")
        number = number.partition("/")[0]
        if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= 255:
            raise SdpRefused("extension", "an extension id is 1 to 255")
        if uri.strip() == MID_URI:
            return int(number)
    return None


def _ssrcs(part: _Part) -> tuple[int, ...]:
    found: list[int] = []
    for value in part.all("ssrc"):
        number = value.partition(" ")[0]
        if not _NUMBER.fullmatch(number) or int(number) > 0xFFFFFFFF:
            raise SdpRefused("ssrc", "an SSRC is a number of 32 bits")
        if int(number) not in found:
            found.append(int(number))
    if len(found) > MAX_SSRCS:
        raise SdpRefused("too-many-ssrcs", f"more than {MAX_SSRCS} SSRCs in one section")
    return tuple(found)


def _transport(session: _Part, part: _Part) -> Transport:
    ufrag = part.one("ice-ufrag") or session.one("ice-ufrag") or ""
    password = part.one("ice-pwd") or session.one("ice-pwd") or ""
    # RFC 8839 section 5.4: 4 to 256 and 22 to 256 ice-chars.
    if not 4 <= len(ufrag) <= 256 or not 22 <= len(password) <= 256:
        raise SdpRefused("ice", "ICE credentials are missing or too short")
    if not _ICE_CHARS.fullmatch(ufrag) or not _ICE_CHARS.fullmatch(password):
        raise SdpRefused("ice", "ICE credentials contain foreign characters")
    lines = part.all("fingerprint") or session.all("fingerprint")
    fingerprints = tuple(found for line in lines if (found := _fingerprint(line)) is not None)
    if not fingerprints or len(lines) > 8:
        raise SdpRefused("fingerprint", "no fingerprint that can be checked")
    match part.one("setup") or session.one("setup"):
        case "active" | "passive" | "actpass" as setup:
            return Transport(ufrag=ufrag, password=password, fingerprints=fingerprints, setup=setup)
        case _:
            raise SdpRefused("setup", "a=setup is active, passive or actpass")


def _fingerprint(line: str) -> Fingerprint | None:
    algorithm, _, value = line.partition(" ")
    algorithm = algorithm.lower()
    if algorithm not in _DIGEST_BYTES:
        return None  # sha-1 and unknown ones prove nothing
    if not _FINGERPRINT.fullmatch(value) or len(value) != 3 * _DIGEST_BYTES[algorithm] - 1:
        raise SdpRefused("fingerprint", "a fingerprint of the wrong form")
    return Fingerprint(algorithm=algorithm, value=value.upper())

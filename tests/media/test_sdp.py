"""Descriptions of strangers: what browsers send is read, everything else is refused with a code."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription

from media.core import sdp, sdp_text
from media.core.plan import KINDS
from media.core.sdp import Fingerprint
from media.core.sdp_text import LocalTransport, Slot
from media.errors import SdpRefused

VECTORS = Path(__file__).parent / "vectors"
OFFERS = {path.name: path.read_bytes().decode() for path in sorted(VECTORS.glob("*.sdp"))}
LOCAL = LocalTransport("abcd1234", "p" * 32, (Fingerprint("sha-256", ":".join(["AB"] * 32)),), "127.0.0.1", 5_000)


def simple(**changes: str) -> str:
    """A small offer of one Opus and one VP8 section; named lines are replaced (empty: removed)."""
    lines = {
        "v": "v=0", "o": "o=- 1 1 IN IP4 0.0.0.0", "s": "s=-", "t": "t=0 0", "group": "a=group:BUNDLE 0 1",
        "ufrag": "a=ice-ufrag:abcd", "pwd": "a=ice-pwd:" + "x" * 22,
        "fp": "a=fingerprint:sha-256 " + ":".join(["0a"] * 32),
        "setup": "a=setup:actpass",
        "m0": "m=audio 9 UDP/TLS/RTP/SAVPF 111", "mid0": "a=mid:0", "dir0": "a=sendonly", "mux0": "a=rtcp-mux",
        "map0": "a=rtpmap:111 opus/48000/2",
        "m1": "m=video 9 UDP/TLS/RTP/SAVPF 96", "mid1": "a=mid:1", "dir1": "a=sendonly", "mux1": "a=rtcp-mux",
        "map1": "a=rtpmap:96 VP8/90000", "more": "",
    }  # fmt: skip
    assert set(changes) <= set(lines)
    return "\r\n".join(line for line in (lines | changes).values() if line) + "\r\n"


def code_of(text: str, *, sections: int = 3) -> str:
    with pytest.raises(SdpRefused) as refused:
        sdp_text.slots_of(sdp.parse(text, max_sections=sections).sections, KINDS)
    return refused.value.code


@pytest.mark.parametrize("name", OFFERS)
def test_a_browser_s_offer_is_read_and_its_sections_fill_the_slots_in_order(name: str) -> None:
    offer = sdp.parse(OFFERS[name], max_sections=3)
    assert sdp_text.slots_of(offer.sections, KINDS) == {"0": "mic", "1": "camera", "2": "document"}
    assert [section.payload_type for section in offer.sections] == [111, 96, 96]
    assert all(section.mid_extension and section.ssrcs for section in offer.sections)
    assert offer.transport.setup == "actpass"


@pytest.mark.parametrize("name", OFFERS)
def test_rfc_8829_our_answer_mirrors_the_offer_and_negotiates_no_retransmission_stream(name: str) -> None:
    offer = sdp.parse(OFFERS[name], max_sections=3)
    text = sdp_text.answer(offer, LOCAL, session=1)
    theirs = SessionDescription.parse(text)
    assert [media.rtp.muxId for media in theirs.media] == ["0", "1", "2"]
    assert all(media.direction == "recvonly" and media.rtcp_mux for media in theirs.media)
    assert all(media.ice is not None and media.ice.iceLite for media in theirs.media)
    assert all(len(media.rtp.codecs) == 1 for media in theirs.media)
    assert "rtx" not in text
    assert "candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host" in text


def test_our_offer_names_each_room_s_stream_and_ssrc() -> None:
    slots = tuple(Slot(str(n), room, kind, n + 1) for n, (room, kind) in enumerate((r, k) for r in "ab" for k in KINDS))
    theirs = SessionDescription.parse(sdp_text.offer(slots, LOCAL, session=1))
    assert [media.msid for media in theirs.media[:3]] == ["a a.mic", "a a.camera", "a.document a.document"]
    assert [media.ssrc[0].ssrc for media in theirs.media] == [1, 2, 3, 4, 5, 6]
    assert sdp.parse(sdp_text.offer(slots, LOCAL, session=1), max_sections=6).sections[5].mid == "5"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("sdp-version", "x"),
        ("sdp-version", simple(v="v=1")),
        ("sdp-too-large", simple(more="a=x:" + "y" * 3_000)),
        ("sdp-too-large", simple(more="a=x\r\n" * 4_000)),
        ("sdp-too-large", "v=0\r\n" + "a" * 70_000),
        ("sdp-characters", simple(s="s=\x00")),
        ("sdp-characters", simple(s="s=评标")),
        ("sdp-line", simple(s="s")),
        ("sdp-line", simple(s="S=-")),
        ("sdp-line", simple(more="\r\na=x")),
        ("sdp-no-sections", "v=0\r\ns=-\r\n"),
        ("sdp-media-line", simple(m0="m=audio")),
        ("sdp-media-line", simple(m0="m=audio 99999 UDP/TLS/RTP/SAVPF 111")),
        ("sdp-media-line", simple(m0="m=audio -1 UDP/TLS/RTP/SAVPF 111")),
        ("sdp-media-kind", simple(m1="m=application 9 UDP/DTLS/SCTP webrtc-datachannel")),
        ("sdp-profile", simple(m0="m=audio 9 RTP/AVP 111")),
        ("sdp-too-many-formats", simple(m0="m=audio 9 UDP/TLS/RTP/SAVPF " + " ".join(["1"] * 101))),
        ("sdp-mid", simple(mid0="")),
        ("sdp-mid", simple(mid0="a=mid:1")),
        ("sdp-mid", simple(mid0="a=mid:" + "x" * 33)),
        ("sdp-repeated", simple(mid0="a=mid:0\r\na=mid:0")),
        ("sdp-bundle", simple(group="")),
        ("sdp-bundle", simple(group="a=group:BUNDLE 0")),
        ("sdp-bundle", simple(group="a=group:BUNDLE 0 1 2")),
        ("sdp-ice", simple(ufrag="")),
        ("sdp-ice", simple(ufrag="a=ice-ufrag:abc")),
        ("sdp-ice", simple(pwd="a=ice-pwd:" + "x" * 21)),
        ("sdp-ice", simple(pwd="a=ice-pwd:" + "x" * 300)),
        ("sdp-ice", simple(pwd="a=ice-pwd:" + "x" * 21 + ":")),
        ("sdp-fingerprint", simple(fp="")),
        ("sdp-fingerprint", simple(fp="a=fingerprint:sha-1 " + ":".join(["0a"] * 20))),
        ("sdp-fingerprint", simple(fp="a=fingerprint:sha-256 0a:0b")),
        ("sdp-setup", simple(setup="")),
        ("sdp-setup", simple(setup="a=setup:holdconn")),
        ("sdp-transport", simple(more="a=ice-ufrag:other")),
        ("sdp-rtcp-mux", simple(mux0="")),
        ("sdp-direction", simple(dir0="a=sendonly\r\na=recvonly")),
        ("sdp-direction", simple(dir0="a=recvonly")),
        ("sdp-direction", simple(dir0="a=inactive")),
        ("sdp-codec", simple(map0="a=rtpmap:111 PCMU/8000")),
        ("sdp-codec", simple(map1="")),
        ("sdp-payload-type", simple(map0="a=rtpmap:300 opus/48000/2")),
        ("sdp-extension", simple(more="a=extmap:0 x")),
        ("sdp-ssrc", simple(more="a=ssrc:4294967296 cname:x")),
        ("sdp-ssrc", simple(more="a=ssrc:x cname:x")),
        ("sdp-too-many-ssrcs", simple(more="\r\n".join(f"a=ssrc:{n} cname:x" for n in range(9)))),
        ("sdp-too-many-candidates", simple(more="\r\n".join(["a=candidate:1 1 udp 1 10.0.0.1 1 typ host"] * 17))),
    ],
)
def test_each_refusal_has_its_code(code: str, text: str) -> None:
    assert code_of(text) == code


def test_a_publisher_cannot_open_more_sections_than_the_plan_has_slots() -> None:
    assert sdp.parse(simple(), max_sections=2)
    assert code_of(simple(), sections=1) == "sdp-too-many-sections"
    twice = simple(m0="m=video 9 UDP/TLS/RTP/SAVPF 96", map0="a=rtpmap:96 VP8/90000")
    with pytest.raises(SdpRefused, match="no further video slot"):
        sdp_text.slots_of(sdp.parse(twice, max_sections=2).sections, ("mic", "camera"))


def test_a_refused_section_of_an_answer_needs_no_transport_of_its_own() -> None:
    text = simple(m1="m=video 0 UDP/TLS/RTP/SAVPF 96", group="a=group:BUNDLE 0", dir1="a=inactive", mux1="")
    assert [section.direction for section in sdp.parse(text, max_sections=2).sections] == ["sendonly", "inactive"]


def test_some_thousand_mutations_raise_coded_errors_only() -> None:
    rng = random.Random(7)
    seeds = [*OFFERS.values(), simple()]
    tokens = sorted(
        {token for text in seeds for token in re.split(r"[ :/=\r\n]", text)} | {"", "-1", "9" * 40, "\x00", "é"}
    )
    refused = 0
    for _ in range(4_000):
        lines = rng.choice(seeds).split("\r\n")
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(lines))
            match rng.randrange(6):
                case 0:
                    del lines[at]
                    lines = lines or [""]
                case 1:
                    lines.insert(at, rng.choice(lines))
                case 2:
                    lines[at] = lines[at][: rng.randint(0, len(lines[at]))]
                case 3:
                    words = re.split(r"([ :/=])", lines[at])
                    words[rng.randrange(len(words))] = rng.choice(tokens)
                    lines[at] = "".join(words)
                case 4:
                    other = rng.randrange(len(lines))
                    lines[at], lines[other] = lines[other], lines[at]
                case _:
                    lines[at] += rng.choice(tokens)
        try:
            offer = sdp.parse("\r\n".join(lines), max_sections=3)
            sdp_text.slots_of(offer.sections, KINDS)
            sdp_text.answer(offer, LOCAL, session=1)
        except SdpRefused:
            refused += 1
    assert 1_000 < refused < 4_000


def test_a_lone_surrogate_from_json_is_refused() -> None:
    assert code_of(simple(s="s=\ud800")) == "sdp-characters"

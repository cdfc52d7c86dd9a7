"""Everything the media package can complain about, as one tree.

MediaError                     media-error
├── MediaUnavailable           media-unavailable      the worker does not answer
├── BadRequest                 media-bad-request      a request of the wrong shape
├── PlanDiffers                media-plan-differs     the proceeding was opened with another plan
├── NotOpen                    media-not-open         nothing was opened yet
├── UnknownRoom                media-unknown-room
├── UnknownPeer                media-unknown-peer
├── TooManyPeers               media-too-many-peers
├── RecordingIncomplete        media-recording-incomplete   a segment could not be closed in time
├── Malformed                  media-malformed        bytes that are not what they should be
│   ├── RtpMalformed           rtp-malformed
│   ├── RtcpMalformed          rtcp-malformed
│   ├── Vp8Malformed           vp8-malformed
│   └── WebmMalformed          webm-malformed
└── SdpRefused                 sdp-*                  a session description we do not accept (code per reason)
"""

from __future__ import annotations


class MediaError(Exception):
    """Base of the tree; `code` is stable and kebab-case."""

    code = "media-error"


class MediaUnavailable(MediaError):
    code = "media-unavailable"


class BadRequest(MediaError):
    code = "media-bad-request"


class PlanDiffers(MediaError):
    code = "media-plan-differs"


class NotOpen(MediaError):
    code = "media-not-open"


class UnknownRoom(MediaError):
    code = "media-unknown-room"


class UnknownPeer(MediaError):
    code = "media-unknown-peer"


class TooManyPeers(MediaError):
    code = "media-too-many-peers"


class RecordingIncomplete(MediaError):
    code = "media-recording-incomplete"


class Malformed(MediaError):
    code = "media-malformed"


class RtpMalformed(Malformed):
    code = "rtp-malformed"


class RtcpMalformed(Malformed):
    code = "rtcp-malformed"


class Vp8Malformed(Malformed):
    code = "vp8-malformed"


class WebmMalformed(Malformed):
    code = "webm-malformed"


class SdpRefused(MediaError):
    """A session description refused for a stated reason; the reason is part of the code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = f"sdp-{reason}"


_BY_CODE: dict[str, type[MediaError]] = {
    kind.code: kind
    for kind in (
        MediaError, MediaUnavailable, BadRequest, PlanDiffers, NotOpen, UnknownRoom, UnknownPeer, TooManyPeers,
        RecordingIncomplete, Malformed, RtpMalformed, RtcpMalformed, Vp8Malformed, WebmMalformed,
    )
}  # fmt: skip


def error_of(code: str, message: str) -> MediaError:
    """The error that a code from the other side of a socket stands for."""
    if code.startswith("sdp-"):
        return SdpRefused(code.removeprefix("sdp-"), message)
    return _BY_CODE.get(code, MediaError)(message)

"""Pure media arithmetic: RTP, RTCP, VP8, clocks, WebM and where to cut. No I/O, no clock, no thread."""

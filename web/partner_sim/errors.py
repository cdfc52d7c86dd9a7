"""Errors of the partner's program.

PartnerSimError
├── ApiRefused           the host decided, and said no (`code` is the host's own)
├── ApiSilent            no definitive answer within the program's patience (`partner-api-silent`)
├── FeedBroken           the feed skipped or changed something (`feed-broken`)
├── TermsDiffer          the agreement's text is not what its act names (`terms-differ`)
├── CallRefused          a webhook that the host did not sign, or not now (`call-refused`)
└── NotConfigured        the program's folder lacks something (`partner-not-configured`)
"""

from __future__ import annotations


class PartnerSimError(Exception):
    """`code` is stable, the text is for engineers."""

    code = "partner-sim"


class ApiRefused(PartnerSimError):
    """A definitive refusal; the same request would be refused again."""

    def __init__(self, *, status: int, code: str, detail: str = "") -> None:
        super().__init__(f"{status} {code} {detail}".rstrip())
        self.status = status
        self.code = code


class ApiSilent(PartnerSimError):
    """Nothing is known about the request's fate; the same request, under its key, may be sent again."""

    code = "partner-api-silent"


class FeedBroken(PartnerSimError):
    """Stop: the host shows another history, or a part of it."""

    code = "feed-broken"


class TermsDiffer(PartnerSimError):
    """Nothing was signed."""

    code = "terms-differ"


class CallRefused(PartnerSimError):
    """Nothing was taken in."""

    code = "call-refused"


class NotConfigured(PartnerSimError):
    """Run `tongping partner-sim init` first."""

    code = "partner-not-configured"

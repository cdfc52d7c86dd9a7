"""Errors of the doors.

WebError
├── MalformedRequest     a request that is not what the route reads (`malformed-request`)
│   ├── KeyMissing       a write without Idempotency-Key (`idempotency-key-missing`)
│   ├── NotJson          a body that is not the media type of the route (`unsupported-media-type`)
│   └── TooLarge         more octets than the route reads (`too-large`)
├── NotSignedIn          no live session (`not-signed-in`)
│   ├── LinkRefused      a one-time link that is unknown, used or over (`link-refused`)
│   ├── TicketRefused    a socket ticket that is unknown, used, over, or of another session (`ticket-refused`)
│   └── TokenRefused     a bearer token that does not hold (`token-refused`)
├── NotAllowed           the role may not do this (`not-allowed`)
│   ├── ScopeMissing     the access token was given out for less (`insufficient-scope`)
│   └── OriginRefused    a request from another origin (`origin-refused`)
├── NotFound             nothing here for this caller (`not-found`)
│   └── NotVerified      nobody has asked for a verification (`not-verified`)
├── RangeRefused         not one range of the octets that there are (`range-refused`)
├── MethodNotAllowed     the path has no such method (`method-not-allowed`)
├── KeyMismatch          the Idempotency-Key was used for another request (`idempotency-mismatch`)
├── KeyInProgress        the request of this Idempotency-Key is under way (`idempotency-in-progress`)
├── PreconditionMissing  a change without If-Match (`precondition-required`)
├── TooManyRequests      the caller's bucket is empty (`too-many-requests`)
├── ScreenStale          a screen older than the one that is known (`screen-stale`)
├── NotOurImage          a page image that was not rendered here (`not-our-image`)
├── UnknownMessage       a socket message of no known type or form (`unknown-message`)
├── ClientMissing        the browser's client was not built (`client-missing`)
├── Starting             the server is starting or stopping (`starting`)
├── CodeDiffers          the code that an officer read is not that of the device that waits (`code-differs`)
├── DoorRefused          the running server refused what the command line asked; its own code stands in the text
│                        (`door-refused`)
├── BadSettings          the configuration is refused (`bad-settings`)
└── Internal             a defect; the text stays in the server's log (`internal`)
"""

from __future__ import annotations


class WebError(Exception):
    """A door refused; `code` is stable, the text is for engineers."""

    code = "web"


class MalformedRequest(WebError):
    code = "malformed-request"


class KeyMissing(MalformedRequest):
    code = "idempotency-key-missing"


class NotJson(MalformedRequest):
    code = "unsupported-media-type"


class TooLarge(MalformedRequest):
    code = "too-large"


class NotSignedIn(WebError):
    code = "not-signed-in"


class LinkRefused(NotSignedIn):
    code = "link-refused"


class TicketRefused(NotSignedIn):
    code = "ticket-refused"


class TokenRefused(NotSignedIn):
    code = "token-refused"


class NotAllowed(WebError):
    code = "not-allowed"


class ScopeMissing(NotAllowed):
    code = "insufficient-scope"


class OriginRefused(NotAllowed):
    code = "origin-refused"


class NotFound(WebError):
    code = "not-found"


class NotVerified(NotFound):
    code = "not-verified"


class RangeRefused(WebError):
    code = "range-refused"


class MethodNotAllowed(WebError):
    code = "method-not-allowed"


class KeyMismatch(WebError):
    code = "idempotency-mismatch"


class KeyInProgress(WebError):
    code = "idempotency-in-progress"


class PreconditionMissing(WebError):
    code = "precondition-required"


class TooManyRequests(WebError):
    """`after`: in so many seconds there is a token again."""

    code = "too-many-requests"

    def __init__(self, text: str, *, after: int = 1) -> None:
        super().__init__(text)
        self.after = after


class ScreenStale(WebError):
    code = "screen-stale"


class NotOurImage(WebError):
    code = "not-our-image"


class UnknownMessage(WebError):
    code = "unknown-message"


class ClientMissing(WebError):
    code = "client-missing"


class Starting(WebError):
    code = "starting"


class CodeDiffers(WebError):
    code = "code-differs"


class DoorRefused(WebError):
    code = "door-refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class BadSettings(WebError):
    code = "bad-settings"


class Internal(WebError):
    code = "internal"

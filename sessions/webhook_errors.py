"""Errors of webhooks.

WebhookError
├── UnknownWebhook       no webhook, or no message of it, of this id for this centre (`unknown-webhook`)
├── WebhookUrlRefused    not an address that this server would call (`webhook-url-refused`)
├── WebhookTypeRefused   no event of this type is ever announced (`webhook-type-refused`)
├── TooManyWebhooks      a centre has at most so many (`too-many-webhooks`)
└── NotCalled            an attempt that got no answer; `reason` says why (`webhook-not-called`)
"""

from __future__ import annotations


class WebhookError(Exception):
    """A webhook cannot be had, or was not called; `code` is stable, the text is for engineers."""

    code = "webhook"


class UnknownWebhook(WebhookError):
    """Another centre's webhook is as unknown as one that never was."""

    code = "unknown-webhook"


class WebhookUrlRefused(WebhookError):
    """Nothing was registered."""

    code = "webhook-url-refused"


class WebhookTypeRefused(WebhookError):
    """Nothing was registered."""

    code = "webhook-type-refused"


class TooManyWebhooks(WebhookError):
    """Remove one first."""

    code = "too-many-webhooks"


class NotCalled(WebhookError):
    """No answer came; the message is still owed."""

    code = "webhook-not-called"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

"""Errors of a log that goes on under another origin (docs/protocol.md 11.2).

SessionError
├── NotConfirmed         another centre has not confirmed the continuation yet (`not-confirmed`)
├── TooSoon              an act that was proven to come earlier has no verdict yet (`too-soon`)
├── NothingLost          no entries are lost, or this one stands here (`nothing-lost`)
└── ContinuationRefused  the log cannot go on so (`continuation-refused`)
    └── TooLate              what is gone was opened or closed already (`continuation-too-late`)
"""

from __future__ import annotations

from sessions.errors import SessionError


class NotConfirmed(SessionError):
    """Another centre has not confirmed the continuation yet; nothing is decided about the act."""

    code = "not-confirmed"


class TooSoon(SessionError):
    """An act that was proven to come earlier has no verdict yet; nothing is decided about this one."""

    code = "too-soon"


class NothingLost(SessionError):
    """No entries of the log are lost, or the one that is handed in stands here."""

    code = "nothing-lost"


class ContinuationRefused(SessionError):
    """The log cannot go on so under another origin."""

    code = "continuation-refused"


class TooLate(ContinuationRefused):
    """What is gone was opened, released or closed already: who holds it has to show it."""

    code = "continuation-too-late"

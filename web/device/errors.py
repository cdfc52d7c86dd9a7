"""Errors of a seat's device.

DeviceError
├── ServerRefused        the server decided, and said no (`code` is the server's own)
├── ServerSilent         no definitive answer within the caller's patience (`server-silent`)
├── ActPending           an earlier act has no definitive answer yet (`act-pending`)
├── NotOffline           the act depends on the log as it is (`not-offline`)
├── GateClosed           what the gate demands is not proven yet (`gate-closed`)
├── RecordUntrusted      what the server shows does not hold under this seat's own pins (`record-untrusted`)
└── JournalBroken        the journal on disk is not this process's to write (`journal-broken`)
"""

from __future__ import annotations


class DeviceError(Exception):
    """`code` is stable, the text is for engineers."""

    code = "device"


class ServerRefused(DeviceError):
    """A definitive refusal; the same request would be refused again."""

    def __init__(self, *, status: int, code: str, detail: str = "") -> None:
        super().__init__(f"{status} {code} {detail}".rstrip())
        self.status = status
        self.code = code


class ServerSilent(DeviceError):
    """Nothing is known about the request's fate: it stays in the journal."""

    code = "server-silent"


class ActPending(DeviceError):
    """One act at a time: its answer decides what the next one's `ctr` and `prev` are."""

    code = "act-pending"


class NotOffline(DeviceError):
    """The act depends on what others do: it is signed when the seat is connected."""

    code = "not-offline"


class GateClosed(DeviceError):
    """Not proven yet; ask again."""

    code = "gate-closed"


class RecordUntrusted(DeviceError):
    """Stop: the server shows a record that this seat cannot accept."""

    code = "record-untrusted"


class JournalBroken(DeviceError):
    """A journal of another key or log, or in use: two processes with one key would sign two acts with one `ctr`."""

    code = "journal-broken"

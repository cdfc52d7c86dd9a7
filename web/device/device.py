"""A seat's device: its key, the chain of its acts, and the newest tree that it verified.

A restarted device goes on where it was: key, acts and their answers are on disk before anything is sent, so the same
act is sent again as the same octets, and one `ctr` never carries two acts that could both be accepted.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core import act as acts
from evidence.core.act import NO_ACT, NOTHING_SEEN, Act, SoftwareSigner
from evidence.core.canonical import Object, b64u, unb64u
from evidence.core.merkle import verify_consistency
from evidence.core.note import VerifierKey, read_checkpoint
from evidence.core.origins import begins
from web.device.errors import ActPending, JournalBroken
from web.device.journal import Journal, write_durably

_KEY = "seat.key"
_JOURNAL = "journal"
_KEPT = "kept"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Answered:
    """An act that the log holds: the server's definitive answer."""

    act: Act
    index: int
    leaf: bytes


class Device:
    """One seat's key in one proceeding, `origin`. `sub` is the seat's id; `log` is the origin of the log now, which is
    another one where the log had to go on without entries that are gone."""

    def __init__(self, *, folder: Path, origin: str, sub: str, clock: Callable[[], float] = time.time) -> None:
        self.origin = origin
        self.log = origin
        self.began = 0
        """The first entry of the log's own."""
        self.sub = sub
        self.seen: tuple[int, bytes] = NOTHING_SEEN
        self.answered: list[Answered] = []
        self.pending: Act | None = None
        self.offline: list[Act] = []
        self._head: tuple[int, bytes] = (0, NO_ACT)
        self._clock = clock
        self._folder = folder
        (folder / _KEPT).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(folder / _LOCK)
        try:
            self._signer = SoftwareSigner(_key(folder / _KEY))
            self._journal = Journal(folder / _JOURNAL)
            for line in self._journal.lines:
                self._replay(line)
        except BaseException:
            self.close()
            raise

    @property
    def jwk(self) -> Object:
        return self._signer.jwk

    @property
    def thumbprint(self) -> str:
        """RFC 7638: what the seat's centre vouches for."""
        return acts.thumbprint(self._signer.jwk)

    @property
    def ctr(self) -> int:
        """The last place in the chain that is taken: by an act that the log holds, or by one made while cut off."""
        return self._head[0]

    def sign(self, name: str, body: Object) -> Act:
        """The next act of the chain, on disk before it is returned."""
        if self.pending is not None:
            raise ActPending(f"{self.pending.act} has no definitive answer yet")
        act = self._make(name, body)
        self._append({"act": act.jws})
        return act

    def sign_offline(self, name: str, body: Object) -> Act:
        """The next act of the chain while the seat is cut off: it is kept, in order, and merged on return.

        An act whose answer never came is the first of them: whether the log holds it will be seen then.
        """
        if self.pending is not None:
            self._append({"offline": self.pending.jws})
        act = self._make(name, body)
        self._append({"offline": act.jws})
        return act

    def merged(self, index: int, leaf: bytes, *, accepted: bool) -> None:
        """The first of the acts made while cut off stands in the log at `index`, accepted or as refused."""
        self._append({"merged": index, "leaf": b64u(leaf), "accepted": accepted})

    def accepted(self, index: int, leaf: bytes) -> Answered:
        """The pending act stands in the log at `index`."""
        self._append({"index": index, "leaf": b64u(leaf)})
        return self.answered[-1]

    def refused(self, code: str) -> None:
        """The pending act was refused for good: its `ctr` is free again."""
        self._append({"refused": code})

    def verified(self, note: bytes, proof: list[bytes], log_key: VerifierKey) -> None:
        """Move `seen` on to this checkpoint: signed by the log, and an extension of what was seen before.

        Untrusted = the server shows another history: a fork.
        """
        checkpoint, _ = read_checkpoint(note, log_key)
        if self.seen[0]:
            verify_consistency(self.seen[0], checkpoint.size, proof, self.seen[1], checkpoint.root)
        if checkpoint.size > self.seen[0]:
            self._append({"seen": [checkpoint.size, b64u(checkpoint.root)]})

    def go_on(self, log: str, size: int, seen: tuple[int, bytes]) -> None:
        """The log goes on as `log`, with `size` entries left of the one before: own acts beyond them wait to be merged,
        in their order, before those that were made while cut off."""
        self._append({"log": log, "size": size, "seen": [seen[0], b64u(seen[1])]})

    def keep(self, name: str, data: bytes) -> None:
        """Keep octets under a name of this device: P, s and receipts (protocols.md 3, "The seat keeps")."""
        write_durably(self._folder / _KEPT / name, data)

    def kept(self, name: str) -> bytes | None:
        path = self._folder / _KEPT / name
        return path.read_bytes() if path.is_file() else None

    def close(self) -> None:
        """Let another process act with this device. Nothing is left to be written."""
        os.close(self._lock)

    def _make(self, name: str, body: Object) -> Act:
        return acts.make(
            self._signer,
            act=name,
            aud=self.log,
            sub=self.sub,
            body=body,
            ctr=self._head[0] + 1,
            iat=int(self._clock()),
            prev=self._head[1],
            seen=self.seen,
        )

    def _append(self, line: Object) -> None:
        self._journal.append(line)
        self._replay(line)

    def _replay(self, line: Object) -> None:
        match line:
            case {"act": str(jws)}:
                self.pending = self._own(jws)
            case {"offline": str(jws)}:
                act = self._own(jws)
                self.offline.append(act)
                self.pending, self._head = None, (act.ctr, act.id)
            case {"merged": int(index), "leaf": str(leaf), "accepted": bool(accepted)} if self.offline:
                act = self.offline.pop(0)
                if accepted:
                    self.answered.append(Answered(act, index, unb64u(leaf, 32)))
            case {"index": int(index), "leaf": str(leaf)} if self.pending is not None:
                self._head = (self.pending.ctr, self.pending.id)
                self.answered.append(Answered(self.pending, index, unb64u(leaf, 32)))
                self.pending = None
            case {"refused": str()}:
                self.pending = None
            case {"log": str(log), "size": int(left), "seen": [int(size), str(root)]}:
                gone = [made.act for made in self.answered if made.index >= left]
                pending = [self.pending] if self.pending is not None else []
                self.answered = [made for made in self.answered if made.index < left]
                self.offline = sorted([*gone, *self.offline, *pending], key=lambda act: act.ctr)
                if self.offline:
                    self._head = (self.offline[-1].ctr, self.offline[-1].id)
                self.log, self.began, self.pending, self.seen = log, left, None, (size, unb64u(root, 32))
            case {"seen": [int(size), str(root)]}:
                self.seen = (size, unb64u(root, 32))
            case _:
                raise JournalBroken("a line without a meaning")

    def _own(self, jws: str) -> Act:
        act = acts.parse(jws)
        if not begins(act.aud, self.log) or (act.sub, act.kid) != (self.sub, self.thumbprint):
            raise JournalBroken("an act of another key, seat or log")
        return act


def _lock(path: Path) -> int:
    """One process at a time (in a browser: the Web Locks API); the lock ends with the process, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalBroken(f"{path.parent} is in use") from error
    return descriptor


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        write_durably(path, fresh.private_numbers().private_value.to_bytes(32, "big"))
    return ec.derive_private_key(int.from_bytes(path.read_bytes(), "big"), ec.SECP256R1())

"""Seats that are cut off, for tests: what they sign meanwhile, how they come back, and their next device."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.core.sealing import context
from evidence.core import act as acts_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Entry
from evidence.core.envelope import sheet_commitment
from tests.sessions.drive import Drive, Sealed, signer_of, spread


class Away:
    """A seat that goes on by itself: its chain from the server's last `ctr`, and the root that it saw last."""

    def __init__(self, drive: Drive, seat: str) -> None:
        self.drive = drive
        self.seat = seat
        key = drive.state.keys[drive.state.seat_key[seat]]
        self.base = self.ctr = key.ctr
        self.last = key.last
        self.seen = (len(drive.tree), drive.tree.root())

    def sign(self, name: str, body: Object, **more: object) -> Act:
        given: dict[str, object] = {"ctr": self.ctr + 1, "prev": self.last, "seen": self.seen, **more}
        act = self.drive.act(self.seat, name, body, **given)
        self.ctr, self.last = act.ctr, act.id
        return act

    def note(self, text: str = "断电") -> Act:
        return self.sign("incident.note", {"seat": None, "text": text})

    def seal(self, **more: object) -> Act:
        made, body = seal_of(self.drive, self.seat, sha256(b"%d" % self.ctr), **more)
        act = self.sign("sheet.seal", body)
        self.drive.sealed[act.id] = made
        return act

    def resume(self, confirmed: Sequence[Act], **more: object) -> list[Entry]:
        """`seat.resume` of a person who confirms these acts."""
        ids = [b64u(act.id) for act in confirmed]
        body: Object = {"offline": ids, "ctr": self.ctr, "server_ctr": self.base, **more}
        return self.drive.take(self.sign("seat.resume", body, seen=(len(self.drive.tree), self.drive.tree.root())))


def seal_of(drive: Drive, seat: str, salt: bytes, **more: object) -> tuple[Sealed, Object]:
    """The seat's sheet of the current round, and the body of the act that seals it."""
    plaintext = drive.sheet(seat, spread()[seat], salt)
    found, evaluation = drive.round, drive.state.evaluation
    made = drive.sealer(context(evaluation, "sheet", seat, found.number, sheet_commitment(plaintext)), plaintext)
    assert evaluation.fixed is not None
    definition = b64u(evaluation.fixed.sha256)
    body = {"envelope": made.envelope.json, "definition": definition, "round": found.number, "part": [1, 1]}
    return made, {**body, "replaces": None, **more}


def back(drive: Drive, *seats: str) -> list[Entry]:
    """Seats that signed nothing resume."""
    made: list[Entry] = []
    for seat in seats:
        ctr = drive.state.keys[drive.state.seat_key[seat]].ctr
        made += drive.perform(seat, "seat.resume", {"offline": [], "ctr": ctr, "server_ctr": ctr})
    return made


def rebind(drive: Drive, seat: str) -> None:
    """A new device for the seat: vouched for and bound."""
    signer = signer_of(seat + "/2")
    thumb = acts_form.thumbprint(signer.jwk)
    state = drive.state
    assert state.founding is not None
    drive.perform(state.seat(seat).centre, "seat.vouch", {"seat": seat, "thumbprint": thumb, "cose": None})
    pins = {"policy": b64u(state.founding.policy), "trust": b64u(state.founding.trust), "client": None}
    drive.take(anew(drive, seat, "seat.bind", {"jwk": signer.jwk, **pins}))


def anew(drive: Drive, seat: str, name: str, body: Object) -> Act:
    """The next act of the seat's new device."""
    return drive.act(seat + "/2", name, body, sub=seat)

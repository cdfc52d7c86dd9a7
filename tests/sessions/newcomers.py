"""Members who leave and who come: draws whose reserves are seated, on a fixed roster and on one with open seats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, sha256
from evidence.core.entry import Entry
from sessions.core.commands import IssueCredential
from tests.sessions.draws import POOL, SALTS, Drawn, expert_draw
from tests.sessions.drive import FINANCE, MAIN, SHOWN, ZHONGSHAN, ZHUHAI, Drive, founding, signer_of, spread

OPEN = {"seat-4": "expert/law", "seat-5": "expert/law", "seat-2": "expert/it"}
"""Seats that are founded open, and the label under which their members are drawn."""


@dataclass
class OpenDrive(Drive):
    """A proceeding whose founding leaves `OPEN` to the draw; `special` is the approval of designated members."""

    strata: dict[str, str] = field(default_factory=lambda: dict(OPEN))
    special: Object | None = None

    def __post_init__(self) -> None:
        kept = [row for row in self.definition["members"] if row["seat"] not in self.strata]
        self.definition = self.definition | {"members": kept}

    def found(self) -> None:
        names = (MAIN, ZHONGSHAN, ZHUHAI, FINANCE)
        body = founding({name: signer_of(name).jwk for name in names})
        body["rule_pack"] = self.definition.get("rule_pack", body["rule_pack"])
        body["seats"] = [
            seat | ({"stratum": self.strata[seat["id"]]} if seat["id"] in self.strata else {}) for seat in body["seats"]
        ]
        if self.special is not None:
            body["special"] = self.special
        self.perform(MAIN, "proceeding.found", body)

    def to_holders(self) -> None:
        self.found()
        self.fix()
        self.freeze_holders()
        for seat in ("operator-1", "supervisor-1"):
            self.bind(seat)
        self.witness()

    def bind_all(self) -> None:
        """Whoever sits and is not bound yet."""
        for seat in self.state.seats:
            if seat not in self.state.seat_key:
                self.bind(seat)
        for seat in self.state.signers:
            self.execute(IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))


def person(seat: str, name: str = "新来者", leaf: int | None = None) -> disclosure.Disclosure:
    """The disclosure of a newcomer; of a drawn one with what its leaf in the pool is made of."""
    value: Object = {"seat": seat, "name": name, "organisation": "某大学"}
    if leaf is not None:
        attributes = {"speciality": "law" if leaf % 2 else "it"}
        value |= {"salt": SALTS[leaf], "ref": f"expert-{leaf}", "attributes": attributes}
    return disclosure.make("member", value, sha256(f"{seat}{name}{leaf}".encode())[:16])


def drawn(drive: Drive, **changed: Any) -> Drawn:
    """Experts drawn, with their result; nobody is asked yet."""
    made = Drawn(drive).by_act(expert_draw(drive, **changed)).to_freeze().reveal()
    made.resolve()
    return made


def answered(made: Drawn, *answers: list[Any]) -> None:
    """Stated by the custodian, countersigned by the supervisor."""
    body: Object = {"opened": b64u(made.opened), "answers": list(answers)}
    stated = made.drive.perform(FINANCE, "draw.answer", body)[0].act
    assert stated is not None
    made.drive.perform("supervisor-1", "draw.countersign", {"statement": b64u(stated.id)})


def seating(made: Drawn, seat: str, position: int, replaces: str | None = None, stratum: int = 0, **more: Any) -> Act:
    """The custodian's `member.seat`; `more` overrides members of its body."""
    source: Object = {"kind": "drawn", "opened": b64u(made.opened), "stratum": stratum, "position": position}
    body: Object = {"seat": seat, "replaces": replaces, "source": source, **more}
    return made.drive.act(FINANCE, "member.seat", body, sd=(person(seat).digest,))


def leaf_of(made: Drawn, stratum: int, position: int) -> int:
    """The pool index of a drawn position: what only the custodian knows."""
    return POOL.index(made.draw.ranked[stratum][position])


def arrive(drive: Drive, seat: str) -> None:
    """A newcomer's device is vouched for and bound, its credential issued."""
    drive.bind(seat)
    drive.execute(IssueCredential(seat, f"credential-{seat}", sha256(seat.encode())))


def succeed(made: Drawn, left: str, seat: str = "seat-6", position: int = 0) -> list[Entry]:
    """The next accepted position takes the place of the member who left."""
    answered(made, [0, position, "accepted", None])
    return made.drive.take(seating(made, seat, position, left))


def redo(drive: Drive, seat: str, stage: str) -> None:
    """The newcomer's own part, from the declarations to the beginning of `stage`."""
    steps: dict[str, Any] = {
        "declarations": lambda: declare(drive, seat),
        "chair-election": lambda: None,
        "compliance-review": lambda: drive.perform(seat, "review.vote", {"findings": drive.findings()}),
    }
    while drive.state.stage != stage:
        steps[drive.state.stage]()
        drive.advance()


def declare(drive: Drive, seat: str) -> None:
    drive.perform(seat, "commitment.sign", {"shown": SHOWN})
    drive.perform(seat, "recusal.declare", {"recuse": False, "grounds": [], "shown": SHOWN})


def remove(drive: Drive, seat: str, ground: str = "absent") -> list[Entry]:
    return drive.perform("supervisor-1", "member.remove", {"seat": seat, "ground": ground, "reason": "联系不上"})


def score_as(drive: Drive, seat: str, like: str) -> None:
    """Seal the sheet of another member's figures under the newcomer's own seat."""
    drive.seal(seat, drive.sheet(seat, spread()[like]))

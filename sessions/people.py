"""Members' names: disclosures of class person, kept beside the log and told by `sessions.core.unsealing` alone.

A disclosure `member` holds `{"seat","name","organisation"}`, and of a drawn member the leaf of the pool that it is:
`"salt","ref","attributes"`, and, of a pool that `tongping pool` made, what binds the leaf to the person, `"bound"`:
`{"nonce","number"}`. So whoever reads it, once it is published, sees that the person is the one who was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.core import addendum as addenda
from evaluation.core import draw, pool, tender
from evidence.core import disclosure
from evidence.core.act import Act
from evidence.core.canonical import Object, members, unb64u
from evidence.core.entry import Entry
from evidence.errors import Malformed, Untrusted
from evidence.ports import Ledger
from sessions.core.seating import DRAWN
from sessions.core.state import Proceeding

NAME = "member"
_BOUND: dict[str, type] = {"bound": dict}
_TEXTS = dict.fromkeys(("seat", "name", "organisation"), str)
# A name, and where somebody works: a line each (evaluation/core/tender.py says the same of definitions).
_MAX_TEXT = 300

Names = dict[str, tuple[str, str]]
"""Seat -> (name, organisation)."""


def make(seat: str, name: str, organisation: str, salt: bytes) -> disclosure.Disclosure:
    """The disclosure of a member of a fixed roster."""
    return disclosure.make(NAME, {"seat": seat, "name": name, "organisation": organisation}, salt)


def drawn(seat: str, leaf: pool.Leaf, salt: bytes) -> disclosure.Disclosure:
    """The disclosure of a drawn member, by the pool's custodian: with what binds this leaf to this person."""
    value: Object = {"seat": seat, "name": leaf.name, "organisation": leaf.employer}
    value |= {"salt": leaf.salt, "ref": leaf.ref, "attributes": leaf.attributes}
    return disclosure.make(NAME, value | {"bound": {"nonce": leaf.nonce, "number": leaf.number}}, salt)


def named(people: Mapping[str, str], texts: Iterable[str]) -> Names:
    """The names that these disclosures tell, of the seats whose digests they have."""
    known = {found.digest: found for found in map(disclosure.parse, texts) if found.name == NAME}
    return {seat: _read(seat, known[digest]) for seat, digest in people.items() if digest in known}


def addendum(definition: bytes, entries: Sequence[Entry], texts: Iterable[str]) -> Object:
    """The content of the report's addendum with the names that these disclosures tell."""
    members = [found for found in map(disclosure.parse, texts) if found.name == NAME]
    told = {str(found.value["seat"]): found for found in members if isinstance(found.value, dict)}
    names = {seat: _read(seat, found) for seat, found in told.items()}
    return addenda.content(tender.parse(definition), entries, names)


def check(state: Proceeding, act: Act, texts: Sequence[str]) -> None:
    """What is handed in with `member.seat`: exactly the person of its digest, and the drawn leaf's where it is drawn.

    (1) One disclosure, of this digest, of this seat.
    (2) A drawn member is the leaf at the position that the act names.
    """
    # (1)
    if any(not text.isascii() for text in texts) or tuple(disclosure.digest(text) for text in texts) != act.sd:
        raise Malformed("the disclosures are not those of the act")
    found = disclosure.parse(texts[0])
    _read(str(act.body.get("seat")), found)
    # (2)
    source = act.body.get("source")
    if isinstance(source, dict) and source.get("kind") == DRAWN:
        _check_leaf(state, unb64u(source["opened"], 32), source["stratum"], source["position"], found)


def check_drawn(state: Proceeding, texts: Iterable[str]) -> None:
    """The drawn members that these disclosures tell of: Untrusted where one is not who was drawn for its seat."""
    known = {found.digest: found for found in map(disclosure.parse, texts)}
    for each in state.seated.values():
        if each.kind == DRAWN and each.person in known:
            _check_leaf(state, each.opened, each.stratum, each.position, known[each.person])


def _check_leaf(state: Proceeding, opened: bytes, stratum: int, position: int, found: disclosure.Disclosure) -> None:
    """Untrusted where the person is not the one who was drawn.

    The leaf is the drawn one; and where its reference binds a person (`evaluation.core.pool`), this is that person.
    """
    ranked = state.drawing.opened(opened).ranked
    value = members(found.value, {**_TEXTS, "salt": str, "ref": str, "attributes": dict}, _BOUND)
    leaf = draw.pool_leaf(value["salt"], value["ref"], value["attributes"])
    if ranked[stratum][position] != leaf:
        raise Untrusted("the person is not the one who was drawn")
    if "bound" in value:
        bound = members(value["bound"], {"nonce": str, "number": str})
        named_ = (bound["number"], value["name"], value["organisation"])
        if pool.reference(bound["nonce"], *named_) != value["ref"]:
            raise Untrusted("the leaf that was drawn is another person's")


def _read(seat: str, found: disclosure.Disclosure) -> tuple[str, str]:
    value = members(found.value, _TEXTS, {"salt": str, "ref": str, "attributes": dict} | _BOUND)
    texts = (value["name"], value["organisation"])
    if found.name != NAME or value["seat"] != seat:
        raise Malformed("not the disclosure of this seat's member")
    if any(not text.strip() or len(text) > _MAX_TEXT or not text.isprintable() for text in texts):
        raise Malformed(f"a name has 1 to {_MAX_TEXT} printable characters")
    return texts


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The names of one proceeding, from its disclosures."""

    origin: str
    ledger: Ledger

    async def names(self, state: Proceeding) -> Names:
        """All that are there; for the report, the certificates and the doors, each under its own rule."""
        kept = await self.ledger.disclosures(self.origin, tuple(state.people.values()))
        return named(state.people, [each.text for each in kept.values()])

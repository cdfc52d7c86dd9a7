"""What an administrator hands in to open a proceeding, and the plan that the opening follows.

A tender is `{"kind":"real"/"rehearsal", "definition":{…}, "venues":[…], "rooms":[…], "seats":[…], "files":[base64…]}`.
`definition` is the definition document of docs/protocol.md section 4 without `v`, `origin` and `salt`, which we add;
it is of version 2 where it names a rule pack.
`venues`, `rooms`, `seats` and, where members are designated, `special` stand as in `proceeding.found`; a room device
is a seat under its room's id with role `room`.
`notes` are what the buyer's side noted of bidders (`evaluation.core.collusion`): `{bidder: {"account": […], …}}`, and
for nobody who reads the definition: it names their hash.
`files` are the documents that the definition names, each found by its SHA-256; large ones are handed in before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.core import collusion, intake
from evidence.core.canonical import Object, b64u, decode_object, encode, members, sha256, unb64, unb64u
from evidence.core.disclosure import SALT_BYTES
from evidence.errors import Malformed
from sessions import people
from sessions.service_errors import TenderRefused

KINDS = ("real", "rehearsal")
# A definition of nine bidders and a deep criteria tree has some 30 kB; ten times that is no honest one.
MAX_DEFINITION = 512 * 1024
_DEFINITION_SALT = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the founding needs, kept as one object of the vault from before the opening, so that a process that
    was killed in between founds exactly what was opened. `people`, the members' disclosures, are not in that object:
    they name persons, and whatever the vault holds it holds in clear and for years (protocols.md 5)."""

    origin: str
    kind: str
    title: str
    definition: bytes
    size: int
    venues: list[Object]
    rooms: list[Object]
    seats: list[Object]
    people: tuple[str, ...] = ()
    special: Object | None = None
    follows: str | None = None

    def to_json(self) -> bytes:
        """Canonical bytes."""
        value: Object = {
            "definition": b64u(self.definition),
            "kind": self.kind,
            "origin": self.origin,
            "rooms": self.rooms,
            "seats": self.seats,
            "size": self.size,
            "title": self.title,
            "special": self.special,
            "v": 3,
            "venues": self.venues,
        }
        return encode(value if self.follows is None else value | {"follows": self.follows})

    @staticmethod
    def from_json(data: bytes, people: Sequence[str]) -> Plan:
        """Read what `to_json` wrote. A plan of version 2 has its people in itself."""
        value = decode_object(data, limit=MAX_DEFINITION)
        return Plan(
            origin=value["origin"],
            kind=value["kind"],
            title=value["title"],
            definition=unb64u(value["definition"], 32),
            size=value["size"],
            venues=value["venues"],
            rooms=value["rooms"],
            seats=value["seats"],
            follows=value.get("follows"),
            people=tuple(value.get("people", people)),
            special=value.get("special"),
        )


@dataclass(frozen=True, slots=True)
class Tender:
    """A tender read: the plan, the definition document's bytes and the files to be put into the vault."""

    plan: Plan
    definition: bytes
    files: tuple[bytes, ...]
    staged: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """A document that was handed in before the tender, and looked at: where it lies and how many pages it has."""

    path: Path
    pages: int


FindStaged = Callable[[bytes], Staged | None]


def nothing_staged(_: bytes) -> None:
    """No document was handed in before."""


def read(
    tender: Object,
    *,
    origin: str,
    salt: bytes,
    entropy: Callable[[int], bytes],
    staged: FindStaged = nothing_staged,
) -> Tender:
    """Read a tender strictly and write its definition document; the rules of the regime are checked by the caller.

    (1) The form, with the place of what is wrong, and the kind. `follows` is the id of a closed proceeding.
    (2) The definition document gets its version, its salt, the hash of the notes and the proceeding's origin. Members'
        names go into disclosures of their own, and it keeps their digests: every seat reads it (招标投标法 37).
    (3) Every document that the definition names is there, in the tender or handed in before, and nothing else.
    """
    # (1)
    try:
        value = members(
            tender,
            {"definition": dict, "venues": list, "rooms": list, "seats": list},
            {"kind": str, "files": list, "special": dict, "follows": str, "notes": dict},
        )
        kind = value.get("kind", "real")
        if kind not in KINDS or len(salt) != _DEFINITION_SALT:
            raise Malformed("a tender is real or a rehearsal")
        # (2)
        given = dict(value["definition"])
        if given.keys() & {"v", "salt", "origin"}:
            raise Malformed("v, salt and origin of a definition are not the administrator's")
        intake.definition(given, "/definition")
        if "notes" in value:
            intake.notes(value["notes"], [row["id"] for row in given["bidders"]], "/notes")
        named_by = [
            people.make(row["seat"], row["name"], row["organisation"], entropy(SALT_BYTES)) for row in given["members"]
        ]
        sealed = [
            {"seat": row["seat"], "person": made.digest} for row, made in zip(given["members"], named_by, strict=True)
        ]
        given["members"] = sealed
        form = 2 if "rule_pack" in given else 1
        noted = collusion.write_notes(value["notes"], entropy(collusion.SALT_BYTES)) if "notes" in value else None
        if noted is not None:
            given["notes"] = b64u(sha256(noted))
        definition = encode({**given, "origin": origin, "salt": b64u(salt), "v": form})
        if len(definition) > MAX_DEFINITION:
            raise Malformed("the definition is too long")
        # (3)
        files = tuple(unb64(text) for text in value.get("files", []))
        named = {unb64u(document["sha256"], 32): document["pages"] for document in given.get("documents", [])}
        brought = {sha256(data) for data in files}
        if not brought <= named.keys() or len(files) != len(brought):
            raise Malformed("the files are not those that the definition names")
        before = {digest: staged(digest) for digest in named if digest not in brought}
        for digest, found in before.items():
            if found is None:
                raise Malformed(f"the files are not those that the definition names: {b64u(digest)} is missing")
            if found.pages != named[digest]:
                raise Malformed(f"the document {b64u(digest)} has {found.pages} pages")
        title = given["title"]
        if not isinstance(title, str):
            raise Malformed("a title is text")
    except (KeyError, TypeError) as error:
        raise TenderRefused(f"the tender lacks {error}") from error
    except Malformed as error:
        raise TenderRefused(str(error)) from error
    plan = Plan(
        origin=origin,
        kind=kind,
        title=title,
        definition=sha256(definition),
        size=len(definition),
        venues=value["venues"],
        rooms=value["rooms"],
        seats=value["seats"],
        follows=f"{origin.rpartition('/')[0]}/{value['follows']}" if "follows" in value else None,
        people=tuple(made.text for made in named_by),
        special=value.get("special"),
    )
    kept = files if noted is None else (*files, noted)
    return Tender(plan, definition, kept, tuple(found.path for found in before.values() if found is not None))

"""Sealing a sheet or a ballot, steps S1 to S7 of protocols.md section 3.

S1 verify G1 under the own pins: receipts, each offer's signature, the set (`prove_gate`);
S2 build P and parse P again: what is shown for checking comes from that parse;
S3 the envelope, which the author opens once itself;
S4 the act, signed by the seat key (confirmed by a passkey in a later version);
S5 P, s and the act are on disk before anything is sent;
S6 the same octets go out until the receipt with quorum is in hand;
S7 "sealed" is shown only then, with k acks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evidence.core import act as acts
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode, members, unb64u
from evidence.core.entry import Entry
from evidence.core.envelope import Context, holder_set, join_payload, sheet_commitment
from evidence.core.origins import begins
from evidence.core.proof import Proof
from evidence.errors import EvidenceError, Untrusted
from evidence.ports import Envelopes
from web.device.device import Device
from web.device.errors import GateClosed, RecordUntrusted
from web.device.record import Record

# G1 is witnessed within seconds of its entries; a seat that waits longer tells its expert so.
GATE_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Gate:
    """G1 as this seat proved it: to whom it seals, and what is being scored."""

    holders: tuple[bytes, ...]
    domains: tuple[str, ...]
    k: int
    definition: bytes
    index: int
    version: int = 1

    @property
    def set(self) -> bytes:
        """The digest of the holder set."""
        return holder_set(self.holders)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the seat keeps of a seal until the report is signed."""

    plaintext: bytes
    secret: bytes
    ct: bytes
    envelope: Object

    def __bytes__(self) -> bytes:
        value = {
            "ct": b64u(self.ct),
            "envelope": self.envelope,
            "p": b64u(self.plaintext),
            "s": b64u(self.secret),
        }
        return encode(value)

    @staticmethod
    def parse(data: bytes) -> Kept:
        """Read what `bytes` wrote."""
        kinds = {"ct": str, "envelope": dict, "p": str, "s": str}
        value = members(decode_object(data, limit=1 << 22), kinds)
        return Kept(unb64u(value["p"]), unb64u(value["s"], 32), unb64u(value["ct"]), value["envelope"])


class Seals:
    """What this device keeps of its seals."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def newest(self, purpose: str, number: int) -> Kept | None:
        """The dealing of a round that was kept last, whatever became of it."""
        return self._read(f"{purpose}-{number}")

    def of(self, act: Act) -> Kept | None:
        """What this act of the device seals; None where the act is no seal."""
        purpose, _, verb = act.act.partition(".")
        if verb not in ("seal", "reseal"):
            return None
        name = f"{purpose}-{act.body['round']}"
        found = (self._read(each) for each in (name, f"{name}.{act.id.hex()}"))
        return next((kept for kept in found if kept is not None and kept.envelope == act.body["envelope"]), None)

    def keep(self, purpose: str, number: int, kept: Kept) -> None:
        """Keep a new dealing. The one before stays, under the name of the act that seals it: the new one may be
        refused, and only what is kept of an accepted seal can be dealt anew or opened by its author."""
        name, before = f"{purpose}-{number}", self.newest(purpose, number)
        made = [*(answered.act for answered in self._device.answered), *self._device.offline]
        made += [self._device.pending] if self._device.pending is not None else []
        act = next((act for act in made if before is not None and act.body.get("envelope") == before.envelope), None)
        if before is not None and act is not None:
            self._device.keep(f"{name}.{act.id.hex()}", bytes(before))
        self._device.keep(name, bytes(kept))

    def _read(self, name: str) -> Kept | None:
        stored = self._device.kept(name)
        return None if stored is None else Kept.parse(stored)


@dataclass(frozen=True, slots=True)
class Sealed:
    """S7: the act's id, where it stands, the receipt, and who acknowledged."""

    act: bytes
    index: int
    receipt: Proof
    acks: tuple[str, ...]


async def prove_gate(record: Record, size: int, *, version: int = 1, patience_s: float = GATE_PATIENCE_S) -> Gate:
    """S1; `size` entries of the log are looked through for the gate's, with holders of at least this version.
    GateClosed where they are not there yet."""
    found: dict[str, Entry] = {}
    offers: dict[bytes, Entry] = {}
    async for entry in record.scan(0, size):
        if entry.type == "HolderOffered":
            offers[entry.leaf] = entry
        elif entry.type in ("HoldersFrozen", "DefinitionFixed"):
            found[entry.type] = entry
        if len(found) == 2 and _version(found["HoldersFrozen"]) >= version:
            # The offers stand before `HoldersFrozen`: there is nothing more to look for.
            break
    if len(found) != 2 or _version(found["HoldersFrozen"]) < version:
        raise GateClosed("holders or definition are not fixed yet")
    proven = {name: (await record.prove(entry.n, patience_s=patience_s))[0] for name, entry in found.items()}
    try:
        domains, holders, k = _holders(record, proven["HoldersFrozen"], offers)
        definition = _definition(record, proven["DefinitionFixed"])
    except EvidenceError as error:
        raise RecordUntrusted(f"gate G1 does not hold: {error}") from error
    index = max(entry.n for entry in proven.values())
    return Gate(holders, domains, k, definition, index, max(version, _version(found["HoldersFrozen"])))


def _version(frozen: Entry) -> int:
    version = frozen.body.get("version")
    return version if type(version) is int else 0


def envelop(
    gate: Gate,
    envelopes: Envelopes,
    entropy: Callable[[int], bytes],
    *,
    purpose: str,
    origin: str,
    seat: str,
    number: int,
    plaintext: bytes,
) -> Kept:
    """S3: seal P to the gate's holders, and open the own ciphertext once, so that no seal is sent that cannot open."""
    context = Context(purpose, origin, seat, number, sheet_commitment(plaintext), gate.k, gate.holders)
    payload = join_payload(plaintext)
    sealed = envelopes.seal(context, payload, entropy)
    if sealed.ct is None or envelopes.open_payload(sealed.envelope, context, sealed.secret, sealed.ct) != payload:
        raise Untrusted("the own ciphertext does not open")
    return Kept(plaintext, sealed.secret, sealed.ct, sealed.envelope.json)


def _holders(
    record: Record, frozen: Entry, offers: dict[bytes, Entry]
) -> tuple[tuple[str, ...], tuple[bytes, ...], int]:
    """Each offer listed is an act of a centre that this seat pinned, and together they are the set."""
    body = members(frozen.body, {"version": int, "k": int, "offers": list, "set": str})
    trust = record.pins.trust
    domains: list[str] = []
    keys: list[bytes] = []
    for leaf in body["offers"]:
        offer = offers.get(unb64u(leaf, 32))
        if offer is None or offer.act is None or offer.act.act != "holder.offer":
            raise Untrusted("a listed offer is not in the log")
        if not begins(offer.act.aud, frozen.origin) or offer.act.sub not in trust.identities:
            raise Untrusted("an offer by nobody of the agreement, or for another log")
        acts.verify(offer.act, trust.identities[offer.act.sub])
        domains.append(offer.act.sub)
        keys.append(unb64u(members(offer.act.body, {"pk": str})["pk"], 65))
    agreed = record.pins.are_holders if body["version"] == 1 else record.pins.may_hold
    if len(set(domains)) != len(domains) or not agreed(domains) or body["k"] != trust.holder_k:
        raise Untrusted("the holders or k are not those of the agreement")
    if holder_set(keys) != unb64u(body["set"], 32):
        raise Untrusted("the set is not that of the offers")
    return tuple(domains), tuple(keys), body["k"]


def _definition(record: Record, fixed: Entry) -> bytes:
    trust = record.pins.trust
    if fixed.act is None or fixed.act.act != "definition.fix" or fixed.act.sub != trust.main:
        raise Untrusted("the definition is not the main centre's act")
    if fixed.act.aud != fixed.origin:
        raise Untrusted("the definition is another log's")
    acts.verify(fixed.act, trust.identities[trust.main])
    return unb64u(members(fixed.act.body, {"sha256": str, "size": int})["sha256"], 32)

"""A seat whose log goes on under another origin, since acknowledged entries are gone (docs/protocol.md 11.2).

S1 the next log's opening, in the witnessed centre log, by the pinned main centre, continues the own log;
S2 its own first two entries are witnessed under its key: the main centre's act, which says what the opening says, and
   another centre's confirmation of it;
S3 what this seat saw and what it signed fits: its newest tree leads to the new one, or is the one that was witnessed;
   each own act that lies below what is left stands there, and none lies beyond what was witnessed. Else it is a fork:
   nothing is signed any more (RecordUntrusted). What it can prove of the missing range, and is not known, it hands in;
S4 its acts of the missing range wait to be merged, byte for byte, before those that were signed offline: `Seat.resume`.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core import act as acts
from evidence.core import verify
from evidence.core.canonical import b64u
from evidence.core.continues import Remains, of_opening
from evidence.core.entry import Entry
from evidence.core.entry import parse as parse_entry
from evidence.core.merkle import verify_consistency
from evidence.core.note import Checkpoint, VerifierKey
from evidence.core.origins import following
from evidence.core.proof import Proof
from evidence.errors import EvidenceError, Untrusted
from sessions.core.continued import CONFIRMED, CONTINUED, KNOWN, Continuing, Leaf, unpacked
from web.device.client import Client
from web.device.device import Device
from web.device.errors import RecordUntrusted, ServerRefused
from web.device.record import HIDDEN, Record

# Entries that another centre has confirmed were witnessed before it looked at them.
PATIENCE_S = 60.0
NOTHING_LOST = "nothing-lost"


@dataclass(frozen=True, slots=True)
class _Next:
    """The log that goes on, as S1 and S2 proved it."""

    key: VerifierKey
    left: Remains
    said: Continuing
    newest: Checkpoint


async def go_on(record: Record, client: Client, device: Device) -> bool:
    """S1 to S4, as often as the log went on since; whether it did. RecordUntrusted where a step fails."""
    moved = False
    while True:
        shown = (await client.view())["continued"]
        if shown is None or not shown["confirmed"]:
            return moved
        name = following(device.log)
        n = await _place(record, name, int(shown["n"]), int(shown["size"]))
        if n is None:
            return moved
        try:
            found = await _proven(record, client, device, n)
            known = await _known(record, n, found)
            await _check_seen(client, device, found)
            await _check_acts(record, client, device, found, known)
        except EvidenceError as error:
            raise RecordUntrusted(f"the log does not go on as it should: {error}") from error
        device.go_on(name, found.left.size, (found.newest.size, found.newest.root))
        record.follow(found.key)
        moved = True


async def _place(record: Record, name: str, newest: int, size: int) -> int | None:
    """Where the log `name` begins to go on; the newest continuation is looked at first."""
    places: list[int] = [newest, *range(size)]
    for n in places:
        entry = await _shown(record, n)
        if entry is not None and entry.type == CONTINUED and entry.origin == name:
            return n
    return None


async def _shown(record: Record, n: int) -> Entry | None:
    """Entry n, whatever log it says it is of; None where this role may not see it."""
    try:
        return parse_entry(await record.octets(n))
    except ServerRefused as refusal:
        if refusal.status in HIDDEN:
            return None
        raise


async def _proven(record: Record, client: Client, device: Device, n: int) -> _Next:
    pins = record.pins
    main = pins.trust.identities[pins.trust.main]
    entry = parse_entry(await record.octets(n))
    said = Continuing.parse(entry.act.body if entry.act else {})
    # S1
    index = said.opening["index"]
    opening = (await client.centre_entry(index), await client.centre_receipt(index))
    opened = verify.opening(*opening, pins.policy)
    left = of_opening(opened.entry)
    if opened.entry.act is None or left is None or (left.origin, left) != (device.log, said.left):
        raise Untrusted("the opening continues another log, or says something else of it")
    acts.verify(opened.entry.act, main)
    if said.opening != {"origin": opened.entry.origin, "index": opened.entry.n, "leaf": b64u(opened.entry.leaf)}:
        raise Untrusted("the log goes on under another opening")
    # S2
    confirmed = parse_entry(await record.octets(n + 1))
    newest = None
    for each in (entry, confirmed):
        proof = Proof.parse(await record.receipt(each.n, PATIENCE_S))
        newest = proof.check(each.leaf, pins.policy, opened.vkey)
        if (proof.index, newest.origin, each.origin) != (each.n, opened.origin, opened.origin):
            raise Untrusted(f"entry {each.n} is not the next log's")
    _signed(entry, CONTINUED, "log.continue", opened.origin)
    by = _signed(confirmed, CONFIRMED, "log.confirm", opened.origin)
    if by.sub == pins.trust.main or by.sub not in pins.trust.identities:
        raise Untrusted("nobody else than the main centre confirmed that entries are gone")
    acts.verify(_signed(entry, CONTINUED, "log.continue", opened.origin), main)
    acts.verify(by, pins.trust.identities[by.sub])
    if (entry.n, by.body) != (left.size, {"continued": b64u(entry.leaf)}) or newest is None:
        raise Untrusted("something else was confirmed")
    return _Next(opened.vkey, left, said, newest)


def _signed(entry: Entry, kind: str, name: str, log: str) -> acts.Act:
    if entry.act is None or (entry.type, entry.act.act, entry.act.aud) != (kind, name, log):
        raise Untrusted(f"entry {entry.n} is no {kind} of this log")
    return entry.act


async def _known(record: Record, n: int, found: _Next) -> dict[int, Leaf]:
    """Leaves of the missing range that are known, also those that were proven since."""
    known = {leaf.n: leaf for leaf in found.said.known}
    for m in range(n + 2, found.newest.size):
        # Entries of the next log, in which this device does not act yet.
        entry = await _shown(record, m)
        if entry is not None and (entry.n, entry.origin, entry.type) == (m, found.key.name, KNOWN):
            known |= {leaf.n: leaf for leaf in map(Leaf.parse, entry.body["known"])}
    return known


async def _check_seen(client: Client, device: Device, found: _Next) -> None:
    """S3, of the newest tree that this seat verified, and of what is left."""
    (size, root), left, newest = device.seen, found.left, found.newest
    proof = await client.consistency(left.size, newest.size)
    verify_consistency(left.size, newest.size, proof, left.root, newest.root)
    if size > left.witnessed or (size == left.witnessed and root != found.said.root):
        raise Untrusted("fork: this seat saw entries that nobody is said to have witnessed")
    if 0 < size <= left.size:
        proof = await client.consistency(size, newest.size)
        verify_consistency(size, newest.size, proof, root, newest.root)


async def _check_acts(record: Record, client: Client, device: Device, found: _Next, known: dict[int, Leaf]) -> None:
    """S3, of each own act that the log had."""
    for made in device.answered:
        if made.index < found.left.size:
            proof = Proof.parse(await record.receipt(made.index, PATIENCE_S))
            proof.check(made.leaf, record.pins.policy, found.key)
            if proof.index != made.index:
                raise Untrusted("a receipt of another entry")
            continue
        if made.index >= found.left.witnessed:
            raise Untrusted("fork: an own act was acknowledged beyond what is said to have been witnessed")
        if made.act.act == "seat.bind":
            raise Untrusted("this device was bound in what is missing: its seat is bound anew, with another key")
        leaf = known.get(made.index)
        if leaf is not None and leaf.leaf != made.leaf:
            raise Untrusted("fork: another entry is known where an own act stood")
        if leaf is None:
            await hand_in(client, device, made.index)


async def hand_in(client: Client, device: Device, index: int) -> None:
    """The entry at this index and its receipt, where this device kept them."""
    kept = device.kept(f"proof-{index}")
    if kept is None:
        return
    data, proof = unpacked(kept)
    try:
        await client.hand_in(data, proof)
    except ServerRefused as refusal:
        if refusal.code != NOTHING_LOST:
            raise

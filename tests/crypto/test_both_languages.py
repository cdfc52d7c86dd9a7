"""Python and TypeScript read and judge alike: what one makes the other takes, what one refuses the other refuses."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evaluation.core import ballot, sheet
from evaluation.core.sheet import Place
from evaluation.errors import EvaluationError
from evidence.adapters import envelope_p256
from evidence.core import act as acts
from evidence.core import entry as entries
from evidence.core.act import SoftwareSigner
from evidence.core.canonical import Object, b64u, decode, decode_object, encode, unb64u
from evidence.core.entry import Draft
from evidence.core.envelope import Context, Envelope, join_payload, sheet_commitment
from evidence.core.merkle import Tree, leaf_hash
from evidence.core.note import Checkpoint, Note, VerifierKey
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.errors import EvidenceError
from tests.crypto.node import Browser, Refused, browser
from tests.sessions.node_world import AT, CITIES, PROCEEDING, Main

pytestmark = pytest.mark.asyncio
SEED = 20261121
"""Runs are the same each time; a failure names its input."""


def signer() -> SoftwareSigner:
    return SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))


def made(**changed: object) -> acts.Act:
    form: Object = {
        "act": "sheet.seal",
        "aud": PROCEEDING,
        "sub": "seat-3",
        "body": {"t": ["é\u2028", -1, True, None]},
    }
    return acts.make(signer(), ctr=2, iat=7, prev=bytes(range(32)), seen=(9, bytes(32)), **(form | changed))


async def both(client: Browser, form: str, read: Callable[[bytes], object], data: bytes) -> bool:
    """Both take it, or both refuse it; whether they took it."""
    try:
        read(data)
        mine = True
    except EvidenceError:
        mine = False
    try:
        await client.parse(form, data)
        theirs = True
    except Refused as refusal:
        if refusal.code not in ("malformed", "untrusted"):
            raise
        theirs = False
    assert mine == theirs, (form, data)
    return mine


def samples() -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    """For each form how Python reads it, and honest octets."""
    main = Main()
    act = made()
    entry = entries.write(Draft("SheetSealed", {"a": 1}, act), n=3, origin=PROCEEDING, at=AT, salt=bytes(16))
    main.log.append([Draft("Witnessed", {"size": n}) for n in range(5)])
    note, proof = main.quorum(main.log), main.proof(main.log, 3)
    texts = ['{"a":[1,"x",{"b":null}]}', "[]", '"\\u00e9"', "-0", "1.0", '{"a":1,"a":2}', "9007199254740992", "\ufeff1"]
    texts += [
        '"\\ud800"',
        "[" * 16 + "]" * 16,
        "[" * 17 + "]" * 17,
        '{"é":1}',
        "1e2",
        "01",
        "tru",
        '{"__proto__":1}',
        "[1,]",
    ]
    return {
        "json": (decode, [text.encode("utf-8", "surrogatepass") for text in texts]),
        "object": (decode_object, [b'{"b":1,"a":[]}', b"[]"]),
        "act": (lambda data: acts.parse(data.decode("ascii", "replace")), [act.jws.encode()]),
        "entry": (entries.parse, [entry.data]),
        "note": (Note.parse, [note]),
        "checkpoint": (Checkpoint.parse, [Note.parse(note).text]),
        "proof": (Proof.parse, [proof]),
        "policy": (lambda data: Policy.parse(data.decode("ascii", "replace")), [main.pins.policy_text.encode()]),
        "key": (lambda data: VerifierKey.parse(data.decode("ascii", "replace")), [str(main.pins.policy.log).encode()]),
        "b64u": (
            lambda data: unb64u(data.decode("ascii", "replace")),
            [b"", b"AA", b"AB", b"A", b"A-_w", b"AA==", b"A+"],
        ),
    }


def altered(data: bytes, rng: random.Random) -> bytes:
    """One change somewhere, of the kinds that forgers and broken lines make. ASCII, so that a text stays a text."""
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(6)
    if kind == 0:
        return data[:at] + bytes([rng.randrange(0x20, 0x7F)]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[at : at + 7] * 2 + data[at + 7 :]
    if kind == 3:
        return data[:at] + data[at + rng.randrange(1, 5) :]
    if kind == 4:
        return data[:at] + rng.choice([b"\n", b" ", b"\x00", b'"', b"{", b"0", b"=", b"\r"]) + data[at:]
    return data + data[-1:]


async def test_every_parser_judges_alike() -> None:
    """Honest octets and 60 alterations of each: malformed, cut short, doubled, with signs between."""
    rng = random.Random(SEED)
    taken = refused = 0
    async with browser() as client:
        for form, (read, honest) in samples().items():
            tried = [*honest, *(altered(rng.choice(honest), rng) for _ in range(60))]
            for data in tried:
                if await both(client, form, read, data):
                    taken += 1
                else:
                    refused += 1
    assert taken > 20
    assert refused > 300


async def test_random_documents_are_written_alike() -> None:
    rng = random.Random(SEED)

    def value(depth: int) -> object:
        kinds = 7 if depth < 4 else 5
        match rng.randrange(kinds):
            case 0:
                return rng.choice([None, True, False])
            case 1 | 2:
                return rng.choice([0, 1, -1, 2**53 - 1, -(2**53) + 1, rng.randrange(-(10**9), 10**9)])
            case 3 | 4:
                return "".join(
                    rng.choice('aZ"\\/\b\f\n\r\t\x01\x7f é中\u2028\U0001f600') for _ in range(rng.randrange(8))
                )
            case 5:
                return [value(depth + 1) for _ in range(rng.randrange(4))]
            case _:
                return {"".join(rng.choice("abA_ \n") for _ in range(3)): value(depth + 1) for _ in range(3)}

    async with browser() as client:
        for _ in range(60):
            data = encode(value(0))
            assert bytes.fromhex(await client.parse("json", data)) == data


async def test_acts_go_both_ways() -> None:
    """Python's are read and verified, the browser's are taken by Python; a flipped bit, another key are not."""
    key, other = signer(), signer()
    act = acts.make(key, act="a.b", aud="x", sub="y", body={"n": 1}, ctr=1, iat=0)
    async with browser() as client:
        assert (await client.parse("act", act.jws.encode()))["id"] == act.id.hex()
        await client.ask("verifyAct", jws=act.jws, jwk=key.jwk)
        head, payload, signature = act.jws.split(".")
        forged = b64u(bytes([unb64u(signature)[0] ^ 1]) + unb64u(signature)[1:])
        lies = [(act.jws, other.jwk), (f"{head}.{payload}.{forged}", key.jwk)]
        other_body = b64u(unb64u(payload).replace(b'"n":1', b'"n":2'))
        for jws, jwk in [*lies, (f"{head}.{other_body}.{signature}", key.jwk)]:
            with pytest.raises(Refused) as refusal:
                await client.ask("verifyAct", jws=jws, jwk=jwk)
            assert refusal.value.code == "untrusted"
        off = {**key.jwk, "y": b64u(bytes(32))}
        with pytest.raises(Refused):
            await client.ask("verifyAct", jws=act.jws, jwk=off)
        form: Object = {"act": "a.b", "aud": "x", "sub": "y", "body": {"t": "é"}, "ctr": 3, "iat": 5}
        told = await client.ask("makeAct", form=form | {"prev": "11" * 32, "seen": [4, "22" * 32]})
    found = acts.parse(told["jws"])
    acts.verify(found, told["jwk"])
    assert (found.act, found.body, found.ctr, found.prev, found.seen) == (
        "a.b",
        {"t": "é"},
        3,
        b"\x11" * 32,
        (4, b"\x22" * 32),
    )


async def test_merkle_proofs_of_every_size() -> None:
    tree = Tree([leaf_hash(bytes([n])) for n in range(33)])
    rng = random.Random(SEED)
    async with browser() as client:
        for _ in range(60):
            size = rng.randrange(1, 34)
            index, old = rng.randrange(size), rng.randrange(1, size + 1)
            path = [h.hex() for h in tree.inclusion(index, size)]
            asked = {"leaf": tree.leaf(index).hex(), "index": index, "size": size, "root": tree.root(size).hex()}
            await client.ask("inclusion", **asked, proof=path)
            with pytest.raises(Refused):
                await client.ask("inclusion", **asked, proof=[*path, "00" * 32])
            growth = [h.hex() for h in tree.consistency(old, size)]
            roots = {"oldRoot": tree.root(old).hex(), "root": tree.root(size).hex()}
            await client.ask("consistency", old=old, size=size, proof=growth, **roots)
            with pytest.raises(Refused):
                await client.ask("consistency", old=old, size=size, proof=growth, **(roots | {"root": "33" * 32}))


async def test_cosigned_notes_count_by_the_pinned_policy() -> None:
    main = Main()
    main.log.append([Draft("Witnessed", {"size": 1})])
    policy, key = main.pins.policy_text, str(main.log.signer.vkey)
    note = main.quorum(main.log)
    lines = note.decode().split("\n\n")[1].splitlines(keepends=True)
    text = note.decode().split("\n\n")[0] + "\n\n"
    async with browser() as client:
        told = await client.ask("checkNote", policy=policy, note=note.hex(), key=key)
        assert (told["origin"], told["size"]) == (PROCEEDING, 1)
        wrong = {
            "one witness less": (text + "".join(lines[:-1]), "no-quorum"),
            "without the log": (text + "".join(lines[1:]), "untrusted"),
            "out of order": (text + "".join([lines[0], lines[2], lines[1], *lines[3:]]), "untrusted"),
            "twice": (text + "".join([*lines, lines[-1]]), "untrusted"),
            "another size": (text.replace("\n1\n", "\n2\n") + "".join(lines), "untrusted"),
        }
        for name, (forged, code) in wrong.items():
            with pytest.raises(Refused) as refusal:
                await client.ask("checkNote", policy=policy, note=forged.encode().hex(), key=key)
            assert refusal.value.code == code, name
    assert len(lines) == 1 + len(CITIES)


async def test_holders_open_what_the_browser_sealed() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(5)]
    holders = tuple(envelope_p256.public_bytes(key) for key in keys)
    async with browser() as client:
        for size in (1, 4095, 40_000):
            plaintext = os.urandom(size).replace(b"\n", b"x")
            context = Context("sheet", PROCEEDING, "seat-3", 1, sheet_commitment(plaintext), 3, holders)
            form: Object = {
                **{"purpose": "sheet", "origin": PROCEEDING, "author": "seat-3", "round": 1, "k": 3},
                "subject": context.subject.hex(),
                "holders": [key.hex() for key in holders],
            }
            payload = join_payload(plaintext)
            sealed = await client.ask("seal", context=form, payload=payload.hex())
            envelope = Envelope.parse(sealed["envelope"])
            shares = {i: envelope_p256.open_share(envelope, context, i, key) for i, key in enumerate(keys, 1)}
            secret = envelope_p256.combine({i: shares[i] for i in (2, 3, 5)})
            assert secret.hex() == sealed["secret"]
            assert envelope_p256.open_payload(envelope, context, secret, bytes.fromhex(sealed["ct"])) == payload
        bad = form | {"holders": [*form["holders"][:4], "04" + "11" * 64]}
        with pytest.raises(Refused) as refusal:
            await client.ask("seal", context=bad, payload=payload.hex())
        assert refusal.value.code == "malformed"


async def test_sheets_and_ballots_are_built_and_judged_alike() -> None:
    """Ranges, blanks, doubles, order, place: the same codes as at the opening."""
    place = Place(PROCEEDING, "seat-3", 1, bytes(32))
    at = {"aud": PROCEEDING, "seat": "seat-3", "round": 1, "definition": bytes(32).hex()}
    asked = [(("b1", "plan"), Decimal("50.00")), (("b1", "team"), Decimal("30.00")), (("b2", "plan"), Decimal("50.00"))]
    forms = [{"bidder": b, "criterion": c, "max": str(most)} for (b, c), most in asked]
    scores = {item: Decimal("12.50") for item, _ in asked}
    salt = bytes(range(32))
    mine = sheet.build(place, scores, asked, salt)
    given = [{"bidder": b, "criterion": c, "points": "12.50"} for b, c in scores]
    vote = ballot.build(place, "seat-2", ["seat-1", "seat-2"], salt)
    base = json.loads(mine)
    items = base["items"]
    lies = [
        {"items": items[:-1]},
        {"items": [*items, items[0]]},
        {"items": [items[1], items[0], items[2]]},
        {"items": [["b9", *items[0][1:]], *items[1:]]},
        *(
            {"items": [[*items[0][:2], text, None], *items[1:]]}
            for text in ("50.01", "1", "-1.00", "1e1", "１.００", "")
        ),
        {"items": [[*items[0][:3], "x"], *items[1:]]},
        {"items": [items[0][:3], *items[1:]]},
        *(
            {name: value}
            for name, value in (("seat", "seat-4"), ("round", 2), ("v", 2), ("part", [1, 2]), ("salt", "A"))
        ),
    ]
    async with browser() as client:
        told = await client.ask("buildSheet", place=at, scores=given, asked=forms, salt=salt.hex())
        assert bytes.fromhex(told) == mine
        told = await client.ask("buildBallot", place=at, choice="seat-2", choices=["seat-1", "seat-2"], salt=salt.hex())
        assert bytes.fromhex(told) == vote
        for lie in lies:
            data = encode(base | lie)
            with pytest.raises(EvaluationError) as mine_refuses:
                sheet.parse(data, place, asked)
            with pytest.raises(Refused) as theirs:
                await client.ask("parseSheet", data=data.hex(), place=at, asked=forms)
            assert theirs.value.code == mine_refuses.value.code, lie
        with pytest.raises(Refused) as theirs:
            await client.ask("parseBallot", data=vote.hex(), place=at, choices=["seat-1"])
        assert theirs.value.code == "choice-refused"
        assert await client.ask("sum", points=["0.10", "0.20", "99.99"]) == "100.29"

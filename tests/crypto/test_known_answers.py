"""The client's TypeScript gives the known answers of protocols.md section 10."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.adapters.envelope_p256 import public_bytes
from evidence.core.canonical import sha256
from tests.crypto.node import browser
from tests.evidence.known_answers import known_answers

pytestmark = pytest.mark.asyncio


async def test_sharing_rfc_9591_appendix_c() -> None:
    found = known_answers("sharing")
    async with browser() as client:
        assert await client.ask("deal", coefficients=[found["s"], found["a_1"]], n=found["n"]) == found["y"]
        assert await client.ask("commitment", scalar=found["s"]) == found["A_0"]
        assert await client.ask("commitment", scalar=found["a_1"]) == found["A_1"]


async def test_envelope_1_5() -> None:
    found, sharing = known_answers("envelope"), known_answers("sharing")
    keys = [public_bytes(ec.derive_private_key(n, ec.SECP256R1())) for n in found["holder_keys"]]
    plaintext = found["P"].encode()
    async with browser() as client:
        subject = await client.ask("sheetCommitment", plaintext=plaintext.hex())
        context = {
            "purpose": found["purpose"],
            "origin": found["origin"],
            "author": found["author"],
            "round": found["round"],
            "subject": subject,
            "k": sharing["k"],
            "holders": [key.hex() for key in keys],
        }
        bound = await client.ask("context", context=context)
        payload = (plaintext + b"\n").hex()
        sealed = await client.ask("encrypt", ctx=bound["ctx"], secret=sharing["s"], payload=payload)
    assert subject == found["c"]
    assert bound == {"set": found["set"], "ctx": found["ctx"]}
    assert sealed["key"] == found["key"]
    ct = bytes.fromhex(sealed["ct"])
    assert (len(ct), sha256(ct).hex()) == (found["ct_size"], found["ct_sha256"])


async def test_act_id_and_challenge_1_3() -> None:
    found = known_answers("act")
    async with browser() as client:
        assert await client.ask("actId", signed=found["signing_input"]) == found["id"]
        challenge = await client.ask("challenge", name="sheet.seal", act=found["id"])
    assert challenge == found["challenge_sheet_seal"]


async def test_draw_4() -> None:
    found = known_answers("draw")
    async with browser() as client:
        told = await client.ask(
            "draw", freeze=found["freeze_leaf_hash"], secrets=found["secrets"], label=found["label"], m=found["m"]
        )
    assert told == {"seed": found["seed"], "order": found["order"]}

"""Every draw of a log recomputed from its entries alone: protocols.md section 4 a second time, stdlib only.

Whoever holds the entries can run this; it shares no code with the product, not even for the curve.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tests.evaluation.plain_draw import drawn, h, seed

# FIPS 186-4 D.1.2.3
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
A = P - 3
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int] | None


def add(one: Point, two: Point) -> Point:
    if one is None or two is None:
        return two if one is None else one
    (x1, y1), (x2, y2) = one, two
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == two else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def compressed(scalar: int) -> bytes:
    """scalar·G by doubling and adding."""
    result: Point = None
    power: Point = G
    while scalar:
        if scalar & 1:
            result = add(result, power)
        power = add(power, power)
        scalar >>= 1
    assert result is not None
    return bytes([2 + result[1] % 2]) + result[0].to_bytes(32, "big")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def leaf(ref: str) -> bytes:
    """The leaf hash of a public candidate: `["",ref,{}]` in canonical JSON."""
    return hashlib.sha256(
        b"\x00" + json.dumps(["", ref, {}], separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()


def candidates(stratum: dict[str, Any]) -> list[bytes]:
    """The leaves of a stratum: stated for experts, made of the references for everybody else."""
    if "leaves" in stratum:
        return [unb64(each) for each in stratum["leaves"]]
    return sorted(leaf(ref) for ref in stratum["refs"])


def seated(entries: Iterable[bytes]) -> dict[str, str]:
    """Seat -> the drawn leaf that sits there, by the answers alone; AssertionError where somebody was preferred."""
    opened: dict[str, Any] = {}
    answers: dict[tuple[str, int], dict[int, str]] = {}
    orders: dict[str, list[list[str]]] = {}
    of_freeze: dict[str, str] = {}
    sitting: dict[str, tuple[str, int, int]] = {}
    for data in entries:
        entry = json.loads(data)
        name = base64.urlsafe_b64encode(h(b"\x00" + data)).decode().rstrip("=")
        signed = entry["act"].rpartition(".")[0] if "act" in entry else ""
        act = json.loads(unb64(signed.split(".")[1]))["body"] if signed else {}
        told = {**act, **entry["body"]}
        if entry["type"] == "DrawOpened":
            opened[name] = told
        elif entry["type"] == "DrawFrozen":
            of_freeze[name] = told["opened"]
        elif entry["type"] == "DrawResolved":
            draw = opened[of_freeze[told["freeze"]]]
            strata = [(s["label"], s["quota"], candidates(s)) for s in draw["strata"]]
            orders[of_freeze[told["freeze"]]] = [[each.hex() for each in o] for o in drawn(unb64(told["seed"]), strata)]
        elif entry["type"] == "DrawAnswered":
            for which, position, said in told["answers"]:
                answers.setdefault((told["opened"], which), {})[position] = said
        elif entry["type"] == "MemberSeated" and told["source"]["kind"] == "drawn":
            source = told["source"]
            place = (source["opened"], source["stratum"])
            taken = {p for o, w, p in sitting.values() if (o, w) == place}
            coming = [p for p, said in sorted(answers[place].items()) if said == "accepted" and p not in taken]
            assert source["position"] == coming[0]
            sitting[told["seat"]] = (*place, source["position"])
    return {seat: orders[o][w][p] for seat, (o, w, p) in sitting.items()}


def conflicted(salt: str, attributes: dict[str, Any], bidders: list[str], day: str, years: int = 3) -> bool:
    """Whether the facts of a leaf keep its expert out: days compared as text, which ISO 8601 allows."""
    tag = b"tongping/pool-fact/v1\x00" + salt.encode() + b"\x00"
    hidden = [base64.urlsafe_b64encode(h(tag + code.encode())).decode().rstrip("=") for code in bidders]
    year, rest = day.split("-", 1)
    since = f"{int(year) - years:04}-{'02-28' if rest == '02-29' else rest}"
    for kind in ("employers", "boards", "shares"):
        for code, start, end in attributes.get(kind, []):
            if code in hidden and start <= day and (end is None or end >= since):
                return True
    return any(code in hidden for code in attributes.get("kin", []))


def recompute(entries: Iterable[bytes]) -> list[list[list[str]]]:
    """Per resolved draw, per public stratum, its references as drawn; AssertionError where the log says otherwise."""
    opened: dict[str, Any] = {}
    dealt: dict[str, bytes] = {}
    frozen: dict[str, tuple[Any, list[bytes]]] = {}
    results = []
    for data in entries:
        entry = json.loads(data)
        name = base64.urlsafe_b64encode(h(b"\x00" + data)).decode().rstrip("=")
        act = json.loads(unb64(entry["act"].split(".")[1]))["body"] if "act" in entry else {}
        told = {**act, **entry["body"]}
        if entry["type"] == "DrawOpened":
            opened[name] = told
        elif entry["type"] == "DrawContributed":
            dealt[name] = unb64(told["envelope"]["feldman"][0])
        elif entry["type"] == "DrawFrozen":
            frozen[name] = (opened[told["opened"]], [dealt[made] for made in told["contributions"]])
        elif entry["type"] == "DrawResolved":
            draw, commitments = frozen[told["freeze"]]
            secrets = [unb64(secret) for secret in told["secrets"]]
            assert [compressed(int.from_bytes(secret, "big")) for secret in secrets] == commitments
            made = seed(unb64(told["freeze"]), secrets)
            assert made == unb64(told["seed"])
            refs = {leaf(ref): ref for stratum in draw["strata"] for ref in stratum.get("refs", ())}
            strata = [(s["label"], s["quota"], candidates(s)) for s in draw["strata"]]
            ranked = drawn(made, strata)
            assert [h(b"".join(each)) for each in ranked] == [unb64(s["digest"]) for s in told["strata"]]
            names = [[refs.get(each, each.hex()) for each in order] for order in ranked]
            shown = [s["order"] for s in told["strata"]]
            assert all(order is None or order == given for given, order in zip(names, shown, strict=True))
            results.append(names)
    return results

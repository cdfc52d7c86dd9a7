"""Recompute a ranking from an evidence file with the standard library alone, sharing no code with the product:
`recompute_ranking.py FILE` prints one line per bidder and exits with 0 only where the log says the same.
"""

import base64
import hashlib
import json
import sys
import zipfile
from fractions import Fraction
from math import floor
from typing import Any


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tagged(tag: bytes, data: bytes) -> bytes:
    return hashlib.sha256(b"tongping/" + tag + b"/v1\0" + data).digest()


def half_up(value: Fraction) -> Fraction:
    return Fraction(floor(value * 100 + Fraction(1, 2)), 100)


def recompute(path: str) -> tuple[list[tuple[str, int, str]], list[tuple[str, int]]]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("proceeding/entries/"))
        entries = [json.loads(archive.read(name)) for name in names]
    last = {entry["type"]: entry["body"] for entry in entries}
    scoring, valid = last["DefinitionFixed"]["scoring"], last["ReviewConcluded"]["valid"]
    sealed: dict[bytes, Any] = {}
    sheets: dict[str, Any] = {}
    for entry in entries:
        if entry["type"] == "SheetSealed":
            signed = entry["act"].rpartition(".")[0]
            sealed[tagged(b"act", signed.encode())] = json.loads(unb64(signed.split(".")[1]))
        elif entry["type"] == "SheetOpened" and (act := sealed.get(unb64(entry["body"]["act"]))):
            plain = unb64(entry["body"]["p"])
            assert tagged(b"sheet-commitment", plain) == unb64(act["body"]["envelope"]["c"]), "not what was sealed"
            sheets[act["sub"]] = json.loads(plain)["items"]
    prices = {bidder: Fraction(price) for bidder, price in scoring["bidders"] if bidder in valid}
    total = {}
    for bidder, price in prices.items():
        points = sum(Fraction(item[2]) for items in sheets.values() for item in items if item[0] == bidder)
        price_points = min(prices.values()) / price * Fraction(scoring["price"])
        total[bidder] = half_up(Fraction(points) / len(sheets)) + half_up(price_points)
    key = {bidder: (-total[bidder], prices[bidder]) for bidder in prices}
    rows = [(name, 1 + sum(other < key[name] for other in key.values()), f"{float(total[name]):.2f}") for name in key]
    return sorted(rows, key=lambda row: row[1]), [tuple(pair) for pair in last["RankingFixed"]["ranking"]]


if __name__ == "__main__":
    rows, stated = recompute(sys.argv[1])
    print("\n".join(f"{rank} {bidder} {points}" for bidder, rank, points in rows))
    sys.exit(sorted((bidder, rank) for bidder, rank, _ in rows) != sorted(stated))

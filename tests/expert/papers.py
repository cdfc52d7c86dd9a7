"""Bid documents as bidders hand them in: a plain one, one with scripts, one with a password, one that is none, and one
of 300 MB."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from evaluation.core.rules import shelf
from web.demo.documents import tender
from web.demo.tender import case

TWIN, ANNEX = "投标文件", "附件"
SCRIPTED, ENCRYPTED, BROKEN = "带脚本的文件", "加密的文件", "损坏的文件"


def pdf(text: str, *, pages: int = 3, script: str | None = None) -> bytes:
    """A PDF of a few lines, written by hand: nothing is in it that is not said here."""
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(pages))
    action = f"/OpenAction << /S /JavaScript /JS ({script}) >>" if script else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {action} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< >>",
    ]
    for n in range(1, pages + 1):
        drawing = f"BT /F1 24 Tf 72 700 Td ({text} page {n}) Tj ET"
        objects += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {4 + 2 * n} 0 R >>",
            f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream",
        ]
    out, places = b"%PDF-1.7\n", []
    for n, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{n} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode()
    return out + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()


def damaged(data: bytes, page: int) -> bytes:
    """What `pdf` gave, one of its pages lost: where it stood in the tree there is a branch that leads nowhere."""
    name = b"\n%d 0 obj\n" % (3 + 2 * page)
    start = data.index(name) + len(name)
    end = data.index(b"\nendobj", start)
    branch = b"<< /Type /Pages /Parent 2 0 R /Count 1 /Kids [0] >>"
    return data[:start] + branch.ljust(end - start) + data[end:]


def large(path: Path, octets: int) -> int:
    """A PDF of scanned pages, three megabytes each and incompressible, as close to so many octets as pages go; how many
    pages it has."""
    pages, side = octets // 3_001_000, 1000
    places: list[int] = []
    with path.open("wb") as out:

        def put(body: bytes) -> None:
            places.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (len(places), body))

        out.write(b"%PDF-1.7\n")
        put(b"<< /Type /Catalog /Pages 2 0 R >>")
        kids = b" ".join(b"%d 0 R" % (4 + 3 * n) for n in range(pages))
        put(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages))
        put(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
        for n in range(1, pages + 1):
            at = len(places)
            put(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
                b"/Resources << /Font << /F1 3 0 R >> /XObject << /I %d 0 R >> >> >>" % (at + 2, at + 3)
            )
            drawing = b"q 400 0 0 400 90 200 cm /I Do Q BT /F1 24 Tf 72 700 Td (Scan number %d.) Tj ET" % n
            put(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
            put(
                b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 "
                b"/Length %d >>\nstream\n%s\nendstream" % (side, side, 3 * side * side, os.urandom(3 * side * side))
            )
        start = out.tell()
        rows = b"".join(b"%010d 00000 n \n" % place for place in places)
        out.write(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, rows))
        out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start))
    return pages


def locked(data: bytes) -> bytes:
    """The same under a password that nobody has."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(data)))
    writer.encrypt(owner_pass="nobody", user_pass="knows")  # type: ignore[no-untyped-call]
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def under_the_second_pack(value: dict[str, Any]) -> dict[str, Any]:
    """The same tender as a definition of version 2: its pack shows sums far off the others' after the opening."""
    definition = value["definition"]
    pack = shelf.PACKS["cn-government-procurement", "2"]
    more = {"brand": None, "policy": None, "plus": "0.00", "minus": "0.00", "quote": None}
    terms: dict[str, Any] = {
        "announced": "2026-11-02",
        "budget": None,
        "ceiling": None,
        "conditions": [],
        "rates": {},
        "price": {"kind": "lowest"},
        "trim_sheets": None,
        "tie": pack.method(definition["method"]).ties[0],  # type: ignore[union-attr]
        "ranked": True,
        "candidates": 3,
    }
    bidders = [bidder | more for bidder in definition["bidders"]]
    return value | {"definition": definition | {"rule_pack": pack.json, "bidders": bidders, "terms": terms}}


def under_newest_rules(value: dict[str, Any]) -> dict[str, Any]:
    """The tender under the newest pack of its law, by which a fail of the review names ground and page."""
    pack = next(pack for pack in shelf.PACKS.values() if pack.regime == value["definition"]["regime"])
    more = {"brand": None, "policy": None, "plus": "0.00", "minus": "0.00", "quote": None}
    value["definition"] |= {
        "bidders": [each | more for each in value["definition"]["bidders"]],
        "rule_pack": pack.json,
        "terms": {
            "announced": "2026-11-02",
            "budget": "3000000.00",
            "ceiling": None,
            "conditions": [],
            "rates": {},
            "price": {"kind": "lowest"},
            "trim_sheets": None,
            "tie": "equal",
            "ranked": True,
            "candidates": 3,
            "publication": {"media": ["中国政府采购网"], "opened": "2026-11-20T01:30:00Z", "place": "开标一室"},
        },
    }
    return value


def tender_with_papers() -> dict[str, Any]:
    """The demo's tender with a drawer of documents; two bidders gave one name, and paid from one account."""
    value = under_newest_rules(tender(case(None)))
    papers = [
        (TWIN, "bidder-1", pdf("Alpha bid"), 3),
        (ANNEX, "bidder-1", pdf("Alpha annex needle"), 3),
        (TWIN, "bidder-2", pdf("Beta bid"), 3),
        (SCRIPTED, "bidder-3", pdf("Gamma bid", script="while(true){}"), 3),
        (ENCRYPTED, "bidder-4", locked(pdf("Delta bid")), 3),
        (BROKEN, "bidder-4", b"%PDF-1.7 and then nothing that could be read", 1),
    ]
    for name, bidder, data, pages in papers:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        value["definition"]["documents"].append({"sha256": digest, "name": name, "bidder": bidder, "pages": pages})
        value["files"].append(base64.b64encode(data).decode())
    value["notes"] = {bidder: {"account": ["6222…1234"]} for bidder in ("bidder-1", "bidder-2")}
    return value

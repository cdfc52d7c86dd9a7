"""Bid documents as bidders hand them in: a plain one, one with scripts, one with a password, one that is none."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

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


def locked(data: bytes) -> bytes:
    """The same under a password that nobody has."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(data)))
    writer.encrypt(owner_pass="nobody", user_pass="knows")  # type: ignore[no-untyped-call]
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def tender_with_papers() -> dict[str, Any]:
    """The demo's tender with a drawer of documents; two bidders gave one name, and paid from one account."""
    value = tender(case(None))
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

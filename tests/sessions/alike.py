"""A tender with bids that have something in common, and notes of the buyer's side."""

from __future__ import annotations

from evidence.core.canonical import Object, b64, b64u, sha256
from tests.pdfs import packet, pdf, prose
from tests.sessions.service_world import tender

FORM = prose(1, 600)
"""The tender's own text, which every bid repeats."""
OURS = pdf([FORM], information={"Author": "buyer"})
ONE = pdf([FORM, prose(2)], information={"Author": "Zhang San"}, xmp=packet(DocumentID="uuid:1"))
TWO = pdf([FORM, prose(3), prose(2, 900)], information={"Author": "zhang san"}, xmp=packet(DocumentID="uuid:2"))
BROKEN = b"%PDF-1.7 a bid that nobody can read"
BOTH = ["bidder-1", "bidder-2"]
FACTS = [("author", BOTH), ("likeness", BOTH), ("account", ["bidder-2", "bidder-3"])]


def alike(**changed: Object) -> Object:
    """As the administrator hands it in."""
    bids = {"bidder-1": ONE, "bidder-2": TWO, "bidder-3": BROKEN}
    value = tender()
    value["definition"]["documents"] = [
        {"sha256": b64u(sha256(OURS)), "name": "招标文件.pdf", "bidder": None, "pages": 3},
        *(
            {"sha256": b64u(sha256(data)), "name": "投标文件.pdf", "bidder": bidder, "pages": 3}
            for bidder, data in bids.items()
        ),
    ]
    value["files"] = [b64(data) for data in (OURS, *bids.values())]
    value["notes"] = {"bidder-2": {"account": ["6222…1234"]}, "bidder-3": {"account": ["6222…1234"]}}
    return value | changed

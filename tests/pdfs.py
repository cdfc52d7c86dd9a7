"""PDFs made by hand: pages of text, and whatever metadata a test wants."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

WORDS = "abcdefghijklmnopqrstuvwxyz0123456789"


def prose(seed: int, characters: int = 1_500) -> str:
    """Text that is the same for the same seed and shares nothing with another one's."""
    state, said = seed * 2_654_435_761 + 1, []
    for _ in range(characters):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % (1 << 64)
        said.append(WORDS[(state >> 33) % len(WORDS)])
    return "".join(said)


def pdf(
    pages: Sequence[str],
    *,
    information: Mapping[str, str] | None = None,
    identifier: bytes = b"",
    xmp: str = "",
    stream: bytes | None = None,
) -> bytes:
    """A document with these texts; `stream` takes the place of every page's content, deflated."""
    objects: list[bytes] = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids: list[bytes] = []
    for text in pages:
        lines = b"".join(b"(%s)'" % text[i : i + 80].encode("ascii") for i in range(0, len(text), 80))
        content = b"BT /F 8 Tf 10 TL 36 800 Td %s ET" % lines if stream is None else stream
        packed = zlib.compress(content, 9)
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        objects.append(page % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    root = b"/Type/Catalog/Pages 2 0 R"
    if xmp:
        objects.append(b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream" % (len(xmp), xmp.encode()))
        root += b"/Metadata %d 0 R" % len(objects)
    trailer = b"/Root 1 0 R"
    if information:
        texts = ((name, value.encode("utf-16-be").hex()) for name, value in information.items())
        told = b"".join(b"/%s<feff%s>" % (name.encode(), value.encode()) for name, value in texts)
        objects.append(b"<<%s>>" % told)
        trailer += b"/Info %d 0 R" % len(objects)
    if identifier:
        trailer += b"/ID[<%s><%s>]" % (identifier.hex().encode(), bytes(16).hex().encode())
    objects[0] = b"<<%s>>" % root
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    data, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"trailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)


def packet(**identifiers: str) -> str:
    """An XMP packet with these members of xmpMM."""
    told = "".join(f"<xmpMM:{name}>{value}</xmpMM:{name}>" for name, value in identifiers.items())
    return f"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><rdf:RDF>{told}</rdf:RDF><?xpacket end='w'?>"

"""What is told of persons and of the case lies sealed, each disclosure under a key of its own (protocols.md 5).

Stored text: `sealed:` || b64u(nonce (12) || AES-256-GCM(key, nonce, aad = digest, disclosure)). Rows may lie in backups
and in a database whose role cannot delete; with the key, which lies elsewhere, the disclosure is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evidence.adapters.sealed_files import NONCE, SealedFiles
from evidence.core.canonical import b64u, sha256, unb64u
from evidence.errors import Untrusted
from evidence.ports import StoredDisclosure

MARK = "sealed:"
"""No disclosure begins so: it is base64url, and has no colon. Rows of earlier releases are disclosures in clear."""
_KEY = 32


class DisclosureKeys:
    """One key for each disclosure of a log, a sealed file in `folder`; `entropy(n)` gives random bytes."""

    def __init__(self, folder: Path, *, master: bytes, entropy: Callable[[int], bytes]) -> None:
        self._files = SealedFiles(folder, master=master, entropy=entropy)
        self._entropy = entropy

    def seal(self, origin: str, disclosure: StoredDisclosure) -> str:
        """What the database is given; the key is durable before."""
        name = _name(origin, disclosure.digest)
        key = self._files.read(name)
        if key is None:
            key = self._entropy(_KEY)
            self._files.write(name, key)
        nonce = self._entropy(NONCE)
        sealed = AESGCM(key).encrypt(nonce, disclosure.text.encode(), disclosure.digest.encode())
        return MARK + b64u(nonce + sealed)

    def open(self, origin: str, digest: str, text: str) -> str | None:
        """The disclosure; None where its key is forgotten."""
        if not text.startswith(MARK):
            return text
        key = self._files.read(_name(origin, digest))
        if key is None:
            return None
        sealed = unb64u(text.removeprefix(MARK))
        try:
            return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], digest.encode()).decode()
        except InvalidTag as error:
            raise Untrusted("a disclosure does not open under its key") from error

    def forget(self, origin: str, digests: Iterable[str]) -> None:
        """The keys are gone for good."""
        for digest in digests:
            self._files.destroy(_name(origin, digest))


def _name(origin: str, digest: str) -> str:
    return sha256(f"{origin}\n{digest}".encode()).hex()

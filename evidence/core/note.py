"""C2SP signed notes, checkpoints and timestamped cosignatures (signed-note, tlog-checkpoint, tlog-cosignature v1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.core.canonical import b64, decimal, unb64
from evidence.errors import Malformed, Untrusted

# Signature types of C2SP signed-note and tlog-cosignature.
ED25519 = 0x01
COSIGNATURE_V1 = 0x04
# A checkpoint with nine witnesses stays under 2 kB; more is not ours (C2SP leaves the limit to readers).
MAX_NOTE = 16_384
MAX_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A vkey: `<name>+<hex key id>+<base64(type || public key)>`."""

    name: str
    type: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that head each of the key's signatures."""
        return _key_id(self.name, self.type, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.type]) + self.public)}"

    @staticmethod
    def parse(text: str) -> VerifierKey:
        """Read a vkey; its key id must be the right one."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise Malformed("a vkey is name+id+key")
        data = unb64(parts[2])
        if len(data) != 33 or data[0] not in (ED25519, COSIGNATURE_V1):
            raise Malformed("unknown vkey type")
        key = VerifierKey(_checked_name(parts[0]), data[0], data[1:])
        if key.id.hex() != parts[1]:
            raise Malformed("the vkey's id is not that of its key")
        return key


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """An Ed25519 key under a C2SP name; `type` says whether it signs as a log or as a witness."""

    name: str
    type: int
    key: Ed25519PrivateKey

    @property
    def vkey(self) -> VerifierKey:
        return VerifierKey(_checked_name(self.name), self.type, self.key.public_key().public_bytes_raw())

    def line(self, text: bytes, *, time: int = 0) -> str:
        """The signature line over the note `text`; `time` in seconds since the epoch, for cosignatures."""
        if self.type == COSIGNATURE_V1:
            signature = time.to_bytes(8, "big") + self.key.sign(_cosigned(time, text))
        else:
            signature = self.key.sign(text)
        return str(SignatureLine(self.name, self.vkey.id, signature))


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line of a note: `blob` follows the key id."""

    name: str
    key_id: bytes
    blob: bytes

    @staticmethod
    def parse(line: str) -> SignatureLine:
        """Read one line, its line feed included."""
        if not line.endswith("\n"):
            raise Malformed("a signature line ends with a line feed")
        return _signature(line[:-1])

    def __str__(self) -> str:
        return f"— {self.name} {b64(self.key_id + self.blob)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note; `text` ends with a newline."""

    text: bytes
    signatures: tuple[SignatureLine, ...]

    @staticmethod
    def parse(data: bytes) -> Note:
        """Read a note strictly."""
        if len(data) > MAX_NOTE:
            raise Malformed("the note is too long")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("the note is not UTF-8") from error
        if any(ord(c) < 0x20 and c != "\n" for c in whole):
            raise Malformed("control characters in the note")
        text, separator, rest = whole.rpartition("\n\n")
        if not separator or not rest.endswith("\n") or not text:
            raise Malformed("a note is text, a blank line, signature lines")
        lines = rest[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise Malformed("too many signatures")
        return Note((text + "\n").encode("utf-8"), tuple(_signature(line) for line in lines))

    def verify(self, key: VerifierKey) -> int | None:
        """None if `key` did not sign; else the cosignature's time (0 for a log). A bad signature is Untrusted."""
        times = [self._time(line, key) for line in self.signatures if (line.name, line.key_id) == (key.name, key.id)]
        return max(times) if times else None

    def _time(self, line: SignatureLine, key: VerifierKey) -> int:
        time, signature, signed = 0, line.blob, self.text
        if key.type == COSIGNATURE_V1:
            if len(line.blob) != 72:
                raise Untrusted(f"the cosignature of {key.name} has a wrong length")
            time, signature = int.from_bytes(line.blob[:8], "big"), line.blob[8:]
            signed = _cosigned(time, self.text)
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
        except InvalidSignature as error:
            raise Untrusted(f"the signature of {key.name} does not hold") from error
        return time


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: origin, size, root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> bytes:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n".encode()

    @staticmethod
    def parse(text: bytes) -> Checkpoint:
        """Read the text of a checkpoint; extension lines are refused, as C2SP recommends against them."""
        lines = text.decode("utf-8").split("\n")
        if len(lines) != 4 or lines[3] != "" or not lines[0]:
            raise Malformed("a checkpoint is origin, size, root")
        return Checkpoint(lines[0], decimal(lines[1]), unb64(lines[2], 32))


def check_names(note: bytes, origin: str, size: int) -> None:
    """The note's text is a checkpoint of this log and size."""
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    if (checkpoint.origin, checkpoint.size) != (origin, size):
        raise Malformed("the checkpoint is another log's or size's")


def sign(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """The checkpoint as a note signed by its log."""
    return checkpoint.text + b"\n" + signer.line(checkpoint.text).encode("utf-8")


def with_lines(note: bytes, lines: Sequence[str]) -> bytes:
    """The note with further signature lines; a line that stands there already is not repeated."""
    present = note.decode("utf-8").split("\n\n")[-1].splitlines(keepends=True)
    return note + "".join(line for line in lines if line not in present).encode("utf-8")


def read_checkpoint(note: bytes, log_key: VerifierKey) -> tuple[Checkpoint, Note]:
    """A checkpoint signed by its log; Untrusted if the log's signature is missing or bad."""
    parsed = Note.parse(note)
    if parsed.verify(log_key) is None:
        raise Untrusted("the log did not sign this checkpoint")
    return Checkpoint.parse(parsed.text), parsed


def _cosigned(time: int, text: bytes) -> bytes:
    return f"cosignature/v1\ntime {time}\n".encode() + text


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public).digest()[:4]


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(c.isspace() for c in name):
        raise Malformed("a key name has no spaces and no plus")
    return name


def _signature(line: str) -> SignatureLine:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise Malformed("a signature line is — name base64")
    data = unb64(parts[2])
    if len(data) < 5:
        raise Malformed("the signature is too short")
    return SignatureLine(_checked_name(parts[1]), data[:4], data[4:])

"""The program's folder: who it is, what it was told, how far it has read.

config.json     the host's address, this city, its node; written once by `init`
client.key      0600, the key of the client credentials; it never leaves this folder
state.json      cursors and the webhook's keys: replaced whole, so that a crash leaves the old one or the new one
people.json     who is to sit in the venue: [[name, organisation]…]; handed in by the city's own office
devices/        what the city's officers checked: <seat> holds the thumbprint of the seat's device
events.jsonl    every event of the feeds, each once
evidence/       evidence files that were fetched and verified
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.core.act import SoftwareSigner
from web.partner_sim.errors import NotConfigured
from web.server.installation import read_private, write_private

THUMBPRINT_LETTERS = 43  # 32 bytes in base64url (RFC 7638)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`receiver_port` 0: no webhook. `node` is this city's node, where its identity key is."""

    server: str
    centre: str
    node: str
    node_token: str
    receiver_host: str = "127.0.0.1"
    receiver_port: int = 0
    receiver_url: str = ""


class Folder:
    """One program's files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.evidence = path / "evidence"

    def initialise(self, config: Config) -> None:
        """Make what is missing; what exists stays."""
        for folder in (self.path, self.path / "devices", self.evidence):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.path / "client.key").exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_private(self.path / "client.key", pem)
        if not (self.path / "config.json").exists():
            write_private(self.path / "config.json", json.dumps(asdict(config)).encode())

    @property
    def config(self) -> Config:
        """What `init` wrote."""
        try:
            return Config(**json.loads(read_private(self.path / "config.json")))
        except (FileNotFoundError, TypeError, ValueError) as error:
            raise NotConfigured(f"{self.path} was not made by `init`") from error

    @property
    def client_key(self) -> SoftwareSigner:
        """The key of the client credentials."""
        key = serialization.load_pem_private_key(read_private(self.path / "client.key"), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotConfigured("client.key is no P-256 key")
        return SoftwareSigner(key)

    @property
    def people(self) -> list[tuple[str, str]]:
        """Names and organisations of the members that this city sends."""
        path = self.path / "people.json"
        rows = json.loads(path.read_text()) if path.exists() else []
        return [(str(name), str(organisation)) for name, organisation in rows]

    def thumbprint(self, seat: str) -> str | None:
        """The device that the officers saw at this seat; None while its file is missing or still being written."""
        path = self.path / "devices" / seat
        written = path.read_text().strip() if path.exists() else ""
        return written if len(written) >= THUMBPRINT_LETTERS else None

    def load(self) -> dict[str, Any]:
        """The state; empty at first."""
        path = self.path / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def save(self, state: dict[str, Any]) -> None:
        """Durable when this returns."""
        part = self.path / "state.json.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path / "state.json")

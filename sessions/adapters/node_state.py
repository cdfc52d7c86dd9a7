"""The folder of a city node: its store, and the token of its own operator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from evidence.core.canonical import Object
from evidence.core.note import VerifierKey
from sessions.adapters.node_store import FileNodeStore, write_durably
from sessions.node_errors import NodeStateBroken
from sessions.node_keys import NodeKeys

OPERATOR_FILE = "operator.token"
# 256 bits: beyond guessing.
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class NodeParts:
    """The public parts of a node, for the agreement's policy and `trust.json`."""

    domain: str
    identity: Object
    witness: VerifierKey


def init_node(folder: Path, *, domain: str) -> NodeParts:
    """Make a new node in `folder` (keys, empty records, operator's token); returns what others pin."""
    store = FileNodeStore.create(folder)
    try:
        write_durably(folder / OPERATOR_FILE, secrets.token_urlsafe(_TOKEN_BYTES).encode("ascii"))
        return _parts(NodeKeys.create(store, domain=domain))
    finally:
        store.close()


def node_parts(folder: Path) -> NodeParts:
    """The public parts of the node in `folder`."""
    store = FileNodeStore.open(folder)
    try:
        return _parts(NodeKeys.load(store))
    finally:
        store.close()


def operator_token(folder: Path) -> str:
    """The bearer token with which the city's own operator vouches."""
    path = folder / OPERATOR_FILE
    if not path.is_file() or path.stat().st_mode & 0o077:
        raise NodeStateBroken(f"{path} must be a file that only its owner can read")
    return path.read_text("ascii")


def _parts(keys: NodeKeys) -> NodeParts:
    return NodeParts(keys.domain, keys.identity.jwk, keys.witness.vkey)

"""A city node's keys: made once, kept sealed in its store (protocols.md 1.6)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence.core.act import SoftwareSigner
from evidence.core.note import COSIGNATURE_V1, NoteSigner
from evidence.core.origins import proceeding_of
from sessions.node_errors import NodeStateBroken
from sessions.node_ports import NodeStore

_DOMAIN, _IDENTITY, _WITNESS = "domain", "identity", "witness"
_SCALAR_BYTES = 32


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """`identity` signs the centre's acts, `witness` cosigns checkpoints; holder keys come per proceeding."""

    domain: str
    identity: SoftwareSigner
    witness: NoteSigner

    @staticmethod
    def create(store: NodeStore, *, domain: str) -> NodeKeys:
        """Make the keys of a new node; where they exist already, they stay."""
        store.put_secret(_DOMAIN, domain.encode("ascii"))
        store.put_secret(_IDENTITY, _scalar(ec.generate_private_key(ec.SECP256R1())))
        store.put_secret(_WITNESS, Ed25519PrivateKey.generate().private_bytes_raw())
        return NodeKeys.load(store)

    @staticmethod
    def load(store: NodeStore) -> NodeKeys:
        """The keys of this store; NodeStateBroken where one is missing."""
        domain, identity, witness = (store.secret(name) for name in (_DOMAIN, _IDENTITY, _WITNESS))
        if domain is None or identity is None or witness is None:
            raise NodeStateBroken("the store lacks a key of its node")
        name = domain.decode("ascii")
        signer = NoteSigner(f"{name}/witness", COSIGNATURE_V1, Ed25519PrivateKey.from_private_bytes(witness))
        return NodeKeys(name, SoftwareSigner(_private(identity)), signer)


def holder_key(store: NodeStore, origin: str, version: int = 1) -> ec.EllipticCurvePrivateKey | None:
    """The holder key of this proceeding, if it was offered; `version` counts its holder sets."""
    data = store.secret(_holder(origin, version))
    return None if data is None else _private(data)


def make_holder_key(store: NodeStore, origin: str, version: int = 1) -> ec.EllipticCurvePrivateKey:
    """The holder key of this proceeding, made at the first offer for this holder set."""
    fresh = _scalar(ec.generate_private_key(ec.SECP256R1()))
    return _private(store.put_secret(_holder(origin, version), fresh))


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """pk of protocols.md 1.5: 65 bytes, uncompressed."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _holder(origin: str, version: int) -> str:
    name = proceeding_of(origin)
    return f"holder {name}" if version == 1 else f"holder {name} {version}"


def _scalar(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_numbers().private_value.to_bytes(_SCALAR_BYTES, "big")


def _private(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())

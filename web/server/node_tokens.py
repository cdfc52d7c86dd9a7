"""City nodes at the log routes: a short JWT signed with the centre's identity key (protocol.md section 6).

Recipe, all steps or TokenRefused:
(1) compact JWS, header `alg` is ES256 and nothing that could name a key (no jku, x5u, jwk);
(2) `iss` is a centre that the agreement names, and the signature holds under the identity key pinned for it;
(3) `aud` is this server's public URL;
(4) `exp` is in the future, and at most 60 seconds away.
"""

from __future__ import annotations

from collections.abc import Mapping

from evidence.core.act import verify_es256
from evidence.core.canonical import Object, decode_object, unb64u
from evidence.errors import Malformed
from web.server.errors import TokenRefused

# protocol.md section 6. Clocks of two cities differ; a second is more than NTP leaves.
MAX_LIFETIME_S = 60
SKEW_S = 1
MAX_TOKEN = 2_000


def verify_node_token(token: str, *, identities: Mapping[str, Object], audience: str, now: float) -> str:
    """The domain of the node that made the token."""
    try:
        head_text, payload_text, signature_text = token[: MAX_TOKEN + 1].split(".")
        head = decode_object(unb64u(head_text), limit=MAX_TOKEN)
        payload = decode_object(unb64u(payload_text), limit=MAX_TOKEN)
        signature = unb64u(signature_text, 64)
    except (Malformed, ValueError) as error:
        raise TokenRefused("not a compact JWS") from error
    if head.get("alg") != "ES256" or not head.keys() <= {"alg", "kid", "typ"}:  # (1)
        raise TokenRefused("the header is not that of a node's token")
    issuer, expires = payload.get("iss"), payload.get("exp")
    jwk = identities.get(issuer) if isinstance(issuer, str) else None  # (2)
    if jwk is None or not verify_es256(jwk, f"{head_text}.{payload_text}".encode("ascii"), signature):
        raise TokenRefused("no centre of the agreement signed this")
    if payload.get("aud") != audience:  # (3)
        raise TokenRefused("the token is for another server")
    if not isinstance(expires, int) or not now - SKEW_S < expires <= now + MAX_LIFETIME_S + SKEW_S:  # (4)
        raise TokenRefused("the token is over or lives too long")
    return str(issuer)

"""City nodes' tokens (docs/protocol.md section 6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from evidence.core.act import SoftwareSigner
from evidence.core.canonical import b64u
from web.server.errors import TokenRefused
from web.server.node_tokens import MAX_LIFETIME_S, verify_node_token

NOW = 1_795_000_000.0
AUDIENCE = "https://pb.example"
KEY = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
OTHER = SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
IDENTITIES = {"zhuhai.example": KEY.jwk}


def token(signer: SoftwareSigner = KEY, header: Any = None, **claims: Any) -> str:
    payload = {"iss": "zhuhai.example", "aud": AUDIENCE, "exp": int(NOW) + 30} | claims
    parts = [
        b64u(json.dumps(part).encode())
        for part in ({"alg": "ES256", "typ": "JWT"} if header is None else header, payload)
    ]
    signed = ".".join(parts)
    return f"{signed}.{b64u(signer.sign(signed.encode()))}"


def verify(text: str, audience: str = AUDIENCE) -> str:
    return verify_node_token(text, identities=IDENTITIES, audience=audience, now=NOW)


def test_a_node_is_known_by_its_pinned_key() -> None:
    assert verify(token()) == "zhuhai.example"


@pytest.mark.parametrize(
    "refused",
    [
        token(OTHER),
        token(iss="hohhot.example"),
        token(iss=None),
        token(aud="https://other.example"),
        token(aud=[AUDIENCE]),
        token(exp=int(NOW) - 2),
        token(exp=int(NOW) + MAX_LIFETIME_S + 2),
        token(exp="soon"),
        token(exp=None),
        token(header={"alg": "none"}),
        token(header={"alg": "HS256", "typ": "JWT"}),
        token(header={"alg": "ES256", "jwk": OTHER.jwk}),
        token(header={"alg": "ES256", "jku": "https://evil.example"}),
        token(header=[]),
        token().rpartition(".")[0] + ".",
        token().rpartition(".")[0],
        token() + ".x",
        "x" * 100_000,
        "..",
        "",
    ],
)
def test_every_other_token_is_refused(refused: str) -> None:
    with pytest.raises(TokenRefused):
        verify(refused)


@given(position=st.integers(min_value=0, max_value=len(token()) - 1), character=st.sampled_from("AZaz09-_.=+ é"))
def test_no_changed_token_is_taken(position: int, character: str) -> None:
    good = token()
    changed = good[:position] + character + good[position + 1 :]
    if changed != good:
        with pytest.raises(TokenRefused):
            verify(changed)

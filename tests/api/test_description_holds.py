"""Whatever is asked of `/v1`, no answer is a defect or undocumented (issue 5, "Done when"); runs where schemathesis is
installed."""

from __future__ import annotations

import secrets
import time
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from evidence.core.canonical import b64u, encode
from sessions.core.tenancy import SCOPES
from tests.api.installation import COOKIE, Running
from tests.sessions.drive import signer_of
from web.server.oauth import ASSERTION_TYPE, ENDPOINT

CENTRE = "zhuhai.example"
# Examples per operation: fifty find what a form refuses; more find nothing else within minutes.
EXAMPLES = 25


def partner_token(site: Running) -> str:
    """A token with all scopes, as a partner's program gets it."""
    key = signer_of("schemathesis")
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"jwk": key.jwk, "scopes": sorted(SCOPES)}
    path = f"/v1/partners/{CENTRE}/clients"
    answer = site.call("POST", path, json=body, bearer=site.installation.administrator_token, headers=headers)
    assert answer.status_code == 201, answer.text
    client = answer.json()["client"]
    claims = {
        "iss": client,
        "sub": client,
        "aud": site.url + ENDPOINT,
        "exp": int(time.time()) + 50,
        "jti": secrets.token_hex(16),
    }
    signed = f"{b64u(encode({'alg': 'ES256'}))}.{b64u(encode(claims))}"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": f"{signed}.{b64u(key.sign(signed.encode()))}",
    }
    token = site.http.post(ENDPOINT, data=form)
    assert token.status_code == 200, token.text
    return str(token.json()["access_token"])


def test_a_partners_program_gets_its_token_over_a_real_socket(site: Running) -> None:
    """And its lists are there, empty or not."""
    bearer = partner_token(site)
    answer = site.call("GET", "/v1/partner/proceedings", bearer=bearer)
    assert answer.status_code == 200
    assert site.proceeding in [found["id"] for found in answer.json()["proceedings"]]


if find_spec("schemathesis") is not None:
    schemathesis: Any = import_module("schemathesis")

    def _bearers(site: Running) -> dict[str, str]:
        administrator = site.installation.administrator_token
        return {
            "/v1/partner/": partner_token(site),
            "/v1/partners/": administrator,
            "/v1/uploads": administrator,
        }

    @schemathesis.serializer("application/sdp", "application/pdf")  # type: ignore[untyped-decorator]
    def _octets(ctx: Any, value: Any) -> bytes:
        """Whatever was made up for a session description or a document."""
        return value if isinstance(value, bytes) else str(value).encode()

    def _real(site: Running) -> dict[str, str]:
        """Ids that exist, for the parameters of paths: behind them there is more to break than a 404."""
        body = {"terms": "terms", "until": "2090-01-01", "sign": True}
        answer = site.call(
            "POST",
            f"/v1/partners/{CENTRE}/agreements",
            json=body,
            bearer=site.installation.administrator_token,
            headers={"Idempotency-Key": secrets.token_hex(8)},
        )
        assert answer.status_code == 201, answer.text
        named = {"id": site.proceeding, "centre": CENTRE, "agreement": answer.json()["agreement"]}
        return named | {"seat": "seat-1", "room": "room-1", "n": "0"}

    def _checks() -> list[Any]:
        schemathesis.checks.load_all_checks()
        registry: Any = schemathesis.checks.CHECKS
        names = (
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
        )
        return [registry.get_one(name) for name in names]

    def _ask(
        operation: Any, site: Running, headers: dict[str, str], real: dict[str, str], checks: list[Any]
    ) -> str | None:
        """What was found, or None. Every second question is about things that exist."""
        asked = count()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            if next(asked) % 2:
                for name in real.keys() & (case.path_parameters or {}).keys():
                    case.path_parameters[name] = real[name]
            case.call_and_validate(base_url=site.url, headers=headers, checks=checks)

        try:
            ask()
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001 (all that is found is told, of every operation)
            return f"{operation.label}: {failure!r} {failure!s:.600}"
        return None

    def test_no_answer_is_a_defect_or_undocumented(site: Running) -> None:
        """Every operation, by a caller that may where there is one."""
        schema = schemathesis.openapi.from_url(f"{site.url}/v1/openapi.json")
        bearers, checks, real = _bearers(site), _checks(), _real(site)
        seat = {"Origin": site.url, "Cookie": f"{COOKIE}={site.fresh_session('supervisor-1')}"}
        found = []
        for result in schema.get_all_operations():
            operation = result.ok()
            bearer = next((b for prefix, b in bearers.items() if operation.path.startswith(prefix)), None)
            headers = seat if bearer is None else {"Authorization": f"Bearer {bearer}"}
            found.append(_ask(operation, site, headers, real, checks))
        assert len(found) > 50
        assert [failure for failure in found if failure] == []

    def test_an_answer_that_the_description_leaves_out_is_found(site: Running) -> None:
        """The control: the same questions against a description that lacks the refusals."""
        described = site.http.get("/v1/openapi.json").json()
        path = "/v1/partner/agreements/{agreement}"
        described["paths"] = {path: described["paths"][path]}
        del described["paths"][path]["get"]["responses"]["4XX"]
        schema = schemathesis.openapi.from_dict(described)
        (operation,) = (result.ok() for result in schema.get_all_operations())
        headers = {"Authorization": f"Bearer {partner_token(site)}"}
        assert "Undocumented status code" in str(_ask(operation, site, headers, {}, _checks()))

"""openapi.json is what the code says (issue 5, line 5); every partner's operation says how one gets in."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from sessions.core.tenancy import SCOPES
from web.server.app import routes
from web.server.cli import app
from web.server.description import written

FILE = Path(__file__).resolve().parents[2] / "openapi.json"


def test_the_committed_description_is_the_codes() -> None:
    """`tongping openapi > openapi.json` writes it again; the diff is for a person to read."""
    said = CliRunner().invoke(app, ["openapi"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == json.loads(FILE.read_text())
    assert said.stdout == FILE.read_text()


def test_a_route_more_would_be_noticed() -> None:
    served = routes()

    @served.get("/v1/new")
    async def new() -> str:
        return ""

    assert written(served) != FILE.read_text()


def test_every_partners_operation_demands_its_scope() -> None:
    """OpenAPI 3.1, security requirement: the scope is the permission of the door."""
    found = routes().openapi()
    assert found["openapi"].startswith("3.1")
    partner = [o for path, each in found["paths"].items() if path.startswith("/v1/partner/") for o in each.values()]
    assert len(partner) > 18
    for operation in partner:
        assert operation["tags"] == ["partner"]
        ((scope,),) = (requirement["partner"] for requirement in operation["security"])
        assert scope in SCOPES
        assert {"4XX", "503"} <= operation["responses"].keys()
    listed = found["components"]["securitySchemes"]["partner"]["flows"]["clientCredentials"]["scopes"]
    assert listed.keys() == SCOPES


def test_every_write_of_a_partner_says_that_it_has_a_key() -> None:
    """10.3: Idempotency-Key on every write."""
    for path, each in routes().openapi()["paths"].items():
        for method, operation in each.items():
            if path.startswith(("/v1/partner/", "/v1/partners/")) and method != "get":
                names = {p["name"] for p in operation["parameters"] if p["in"] == "header"}
                assert "Idempotency-Key" in names, path

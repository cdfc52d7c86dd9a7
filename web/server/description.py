"""The published description of the API (OpenAPI 3.1): what FastAPI sees in the doors, and how a caller gets in.

`openapi.json` in the root is what `tongping openapi` prints; a test holds it against the code.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI

from sessions.core.tenancy import SCOPES
from web.server.allow import MARK
from web.server.oauth import ENDPOINT

TAGS = (
    ("partner", "The API of partner cities: stable within v1, changes are additive."),
    ("partners", "The host's side of partnerships, for its administrator."),
)


class Described(FastAPI):
    """An application whose description says how one gets in."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _secured(_hoisted(super().openapi()))
        return self.openapi_schema


def _hoisted(found: dict[str, Any]) -> dict[str, Any]:
    """Parts of bodies among the components: a `$ref` starts at the document's root, not at its own schema."""
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for operations in found["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, schema in content["schema"].pop("$defs", {}).items():
                    if schemas.setdefault(name, schema) != schema:
                        raise ValueError(f"two schemas are called {name}")
    return found


def _secured(found: dict[str, Any]) -> dict[str, Any]:
    found["tags"] = [{"name": name, "description": text} for name, text in TAGS]
    flow = {"tokenUrl": ENDPOINT, "scopes": {scope: f"the permission {scope}" for scope in sorted(SCOPES)}}
    schemes = found.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["partner"] = {
        "type": "oauth2",
        "description": "Client credentials; the client signs an assertion (private_key_jwt, ES256).",
        "flows": {"clientCredentials": flow},
    }
    schemes["administrator"] = {"type": "http", "scheme": "bearer"}
    for operations in found["paths"].values():
        for operation in operations.values():
            permission = operation.get(MARK)
            if permission in SCOPES:
                operation["security"] = [{"partner": [permission]}]
            elif permission == "partners.host":
                operation["security"] = [{"administrator": []}]
    return found


def written(app: FastAPI) -> str:
    """As the committed file has it."""
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

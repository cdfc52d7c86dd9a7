"""docs/api/*.http: calls of a partner as they went over the wire here, with names for what is never the same.

The test writes the files and fails where they changed, so that whoever changes the API commits its new examples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from tests.partner.world import ORIGIN, Site, site

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "api"
VOLATILE = frozenset(
    {
        *("access_token", "client_assertion", "client", "act", "disclosures", "prev", "offer", "leaf", "entry", "jwk"),
        *("disclosure", "receipt", "time", "cursor", "webhook", "public_keys", "secrets", "message", "agreement"),
        *("invitation", "log", "origin", "proceeding", "created", "due", "jti", "witness", "id"),
    }
)
"""Members whose value another run would give otherwise; `id` of rooms and seats stays (see `_Names`)."""
SHOWN = ("content-type", "etag", "retry-after", "idempotency-replayed")


class _Names:
    """Value -> placeholder, in the order of their appearance; longer values are replaced first."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def learn(self, value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self.learn(inner, name)
        elif isinstance(value, list):
            for inner in value:
                self.learn(inner, key)
        elif isinstance(value, str) and key in VOLATILE and len(value) > 15:
            self._found.setdefault(value, "{{" + key + "}}")

    def etag(self, text: str) -> None:
        if len(text) > 20:
            self._found.setdefault(text.strip('"'), "{{etag}}")

    def replaced(self, text: str) -> str:
        for value in sorted(self._found, key=len, reverse=True):
            text = text.replace(value, self._found[value])
        return text


class Recorder:
    """Hangs in the client, and keeps what goes by while a file is open."""

    def __init__(self, found: Site) -> None:
        self._names = _Names()
        self._calls: list[httpx2.Response] = []
        self._files: dict[str, list[httpx2.Response]] = {}
        found.http.event_hooks = {"request": [], "response": [self._heard]}

    @contextmanager
    def file(self, name: str) -> Iterator[None]:
        self._calls = self._files.setdefault(name, [])
        yield
        self._calls = []

    async def _heard(self, answer: httpx2.Response) -> None:
        await answer.aread()
        self._calls.append(answer)

    def write(self) -> dict[str, str]:
        """File name -> text."""
        for calls in self._files.values():
            for answer in calls:
                self._names.learn(_body(answer.request.content, answer.request.headers.get("content-type", "")))
                self._names.learn(_body(answer.content, answer.headers.get("content-type", "")))
                self._names.etag(answer.headers.get("etag", ""))
        return {
            f"{name}.http": self._names.replaced("\n".join(_call(answer) for answer in calls))
            for name, calls in self._files.items()
        }


def _body(data: bytes, kind: str) -> Any:
    if "json" in kind:
        return _steady(json.loads(data))
    return dict(parse_qsl(data.decode())) if "form" in kind else None


def _steady(value: Any) -> Any:
    """Times as numbers have no octets of their own to be replaced."""
    if isinstance(value, dict):
        return {k: 0 if k in ("created", "due") else _steady(v) for k, v in value.items()}
    return [_steady(item) for item in value] if isinstance(value, list) else value


def _call(answer: httpx2.Response) -> str:
    request = answer.request
    lines = [
        f"### {request.method} {request.url.path}",
        f"{request.method} {str(request.url).replace(ORIGIN, '{{host}}')}",
    ]
    bearer = request.headers.get("authorization", "")
    if bearer:
        lines.append(
            "Authorization: Bearer " + ("{{administrator}}" if "administrator" in bearer else "{{access_token}}")
        )
    kind = request.headers.get("content-type", "")
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += ["Idempotency-Key: {{$uuid}}"] if "idempotency-key" in request.headers else []
    lines += [f"If-Match: {request.headers['if-match']}"] if "if-match" in request.headers else []
    if request.content:
        lines += ["", _text(_body(request.content, kind), kind)]
    lines += ["", f"# HTTP {answer.status_code}"]
    lines += [f"# {name}: {answer.headers[name]}" for name in SHOWN if name in answer.headers]
    kind = answer.headers.get("content-type", "")
    if answer.content:
        said = _text(_body(answer.content, kind), kind) if "json" in kind else f"({kind})"
        lines += ["#", *(f"# {line}" for line in said.splitlines())]
    return "\n".join(lines) + "\n"


def _text(value: Any, kind: str) -> str:
    if "form" in kind:
        return "&".join(f"{name}={text}" for name, text in value.items())
    return json.dumps(value, indent=2, ensure_ascii=False)


async def play(found: Site) -> dict[str, str]:
    """One partner's way, each step in the file of its subject."""
    recorder, city = Recorder(found), found.zhongshan
    with recorder.file("1-token"):
        await found.register(city)
        await city.ask_token("a.b.c")
    with recorder.file("2-webhook"):
        made = await city.call("POST", "/v1/partner/webhooks", {"url": "https://zhongshan.example/hooks", "types": []})
        one = f"/v1/partner/webhooks/{made.json()['webhook']}"
        await city.get(f"{one}/secret")
        await city.get(f"{one}/deliveries")
        await city.call("POST", f"{one}/rotation", {}, headers={"If-Match": made.headers["etag"]})
        await city.call("POST", "/v1/partner/webhooks", {"url": "http://10.0.0.1@zhongshan.example/", "types": []})
    with recorder.file("3-agreement"):
        agreement = await found.agree(city)
        await city.get(f"/v1/partner/agreements/{agreement}")
    with recorder.file("4-invitation"):
        invitation = await found.invite(city, agreement)
        await city.accept(invitation)
        await city.name(invitation, found.venue(city), [["专家甲", "张三", "某单位"]])
    proceeding = await found.convene(invitation)
    with recorder.file("5-proceeding"):
        await city.get(f"/v1/partner/invitations/{invitation}/venue")
        await city.get(f"/v1/partner/proceedings/{proceeding}")
        await city.call("GET", f"/v1/partner/proceedings/{proceeding}/results")
        await city.call("GET", f"/v1/partner/proceedings/{proceeding}/evidence")
        await city.call("GET", "/v1/partner/proceedings/" + "a" * 26)
    with recorder.file("6-feeds"):
        page = await city.get("/v1/partner/events?limit=3")
        await city.get(f"/v1/partner/events?limit=200&cursor={page['cursor']}")
        await city.call("GET", f"/v1/partner/proceedings/{proceeding}/events?cursor={page['cursor']}")
    return recorder.write()


@pytest.mark.asyncio
async def test_the_examples_are_what_goes_over_the_wire(tmp_path: Path) -> None:
    async with site(tmp_path) as found:
        written = await play(found)
    stood = {path.name: path.read_text() for path in _files()}
    for name, text in written.items():
        (FOLDER / name).write_text(text)
    assert stood == written, "docs/api was written anew: look at the difference and commit it"


def _files() -> list[Path]:
    FOLDER.mkdir(exist_ok=True)
    return sorted(FOLDER.glob("*.http"))

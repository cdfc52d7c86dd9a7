"""An administrator in a browser: signs in by a one-time link, hands in documents, tries a tender, opens it once."""

from __future__ import annotations

import base64
import socket
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from tests.api.installation import Running, eventually
from tests.api.test_doors import code
from web.demo.documents import tender
from web.demo.tender import case
from web.server.cli import app


def sign_in(site: Running) -> str:
    said = CliRunner().invoke(app, ["admin-link", "--state", str(site.installation.main)])
    assert said.exit_code == 0, said.output
    token = said.stdout.strip().rpartition("#")[2]
    answer = site.call("POST", "/v1/sign-in", json={"token": token})
    assert answer.status_code == 204
    assert code(site.call("POST", "/v1/sign-in", json={"token": token})) == "link-refused"
    return answer.headers["set-cookie"].split(";")[0].partition("=")[2]


@pytest.fixture(scope="module")
def session(site: Running) -> str:
    return sign_in(site)


def hand_in(site: Running, session: str, data: bytes, kind: str = "application/pdf") -> httpx2.Response:
    return site.call("POST", "/v1/uploads", content=data, session=session, headers={"Content-Type": kind})


@pytest.fixture(scope="module")
def staged(site: Running, session: str) -> Any:
    """The demo's tender whose document was handed in before."""
    whole = tender(case(11))
    (data,) = (base64.b64decode(text) for text in whole["files"])
    answer = hand_in(site, session, data)
    assert answer.status_code == 201, answer.text
    (document,) = whole["definition"]["documents"]
    assert answer.json() == {"sha256": document["sha256"], "size": len(data), "pages": 2, "notes": []}
    return {**whole, "files": []}


def test_the_session_is_an_administrators_and_of_no_seat(site: Running, session: str) -> None:
    me = site.call("GET", "/v1/me", session=session).json()
    assert me == {"proceeding": "", "seat": "administrator", "role": "administrator", "venue": None, "origin": ""}
    listed = site.call("GET", "/v1/proceedings", session=session).json()["proceedings"]
    assert {found["id"]: found["title"] for found in listed}[site.proceeding] == "教育信息化运行维护服务项目"
    found = site.call("GET", f"{site.path}/summary", session=session).json()
    assert (found["holders"], found["offers"], found["frozen"], found["definition"]) == (3, 3, True, True)
    assert len(found["seats"]) == 14
    setup = site.call("GET", "/v1/setup", session=session).json()
    assert setup["main"] == "hohhot.example"
    assert {pack["id"] for pack in setup["packs"]} >= {"cn-government-procurement", "cn-bidding-law"}


def test_it_sees_no_meeting_and_acts_in_none(site: Running, session: str) -> None:
    """Whoever runs the machine has no part in the committee: no view, no socket, no document, no act."""
    asked: tuple[tuple[str, str, Any], ...] = (
        *(("GET", site.path + path, None) for path in ("", "/log/entries/0", "/objects/" + "0" * 64)),
        ("POST", f"{site.path}/acts", {"act": "x"}),
        ("POST", f"{site.path}/socket-tickets", None),
        ("POST", f"{site.path}/watch", None),
        ("POST", f"{site.path}/seats/me/key", {"jwk": {}}),
    )
    for method, path, body in asked:
        assert code(site.call(method, path, json=body, session=session)) == "wrong-role", path
    assert code(site.call("POST", "/v1/administrator/links", session=session)) == "not-allowed"
    forged = site.call("POST", "/v1/uploads", session=session, headers={"Origin": "https://evil.example"})
    assert code(forged) == "origin-refused"


def test_a_seat_is_no_administrator(site: Running) -> None:
    for seat in ("operator-1", "supervisor-1", "seat-1"):
        own = site.session(seat)
        for method, path in (
            ("GET", "/v1/proceedings"),
            ("GET", "/v1/setup"),
            ("GET", f"{site.path}/summary"),
            ("POST", "/v1/uploads"),
            ("POST", "/v1/tender-checks"),
            ("POST", "/v1/administrator/links"),
        ):
            assert code(site.call(method, path, session=own)) == "wrong-role", path
    assert code(site.call("GET", "/v1/proceedings", bearer=site.node_token())) == "wrong-role"
    assert code(site.call("GET", "/v1/proceedings")) == "not-signed-in"


def test_a_document_that_cannot_be_shown_is_refused_with_its_reason(site: Running, session: str) -> None:
    assert code(hand_in(site, session, b"PK a workbook")) == "document-no-pdf"
    assert code(hand_in(site, session, b"%PDF-1.7\n" + b"x" * 500)) == "document-broken"
    assert code(hand_in(site, session, b"")) == "document-no-pdf"
    assert code(hand_in(site, session, b"%PDF-1.7", "text/html")) == "unsupported-media-type"
    host, _, port = site.url.removeprefix("http://").partition(":")
    head = f"POST /v1/uploads HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {site.url}\r\nCookie: sid={session}\r\n"
    head += "Content-Type: application/pdf\r\nContent-Length: 300000001\r\n\r\n%PDF"
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_a_tender_is_tried_without_being_opened(site: Running, session: str, staged: Any) -> None:
    """What is wrong is named with its place, or with the article that it breaks."""
    before = len(site.call("GET", "/v1/proceedings", session=session).json()["proceedings"])

    def ask(value: Any) -> httpx2.Response:
        return site.call("POST", "/v1/tender-checks", json=value, session=session)

    assert ask(staged).status_code == 204
    definition = staged["definition"]
    wrong = ask({**staged, "definition": {**definition, "bidders": [{**definition["bidders"][0], "code": "1" * 18}]}})
    assert (code(wrong), wrong.json()["pointer"]) == ("import-refused", "/definition/bidders/0/code")
    weights = ask({**staged, "definition": {**definition, "weights": {"technical": "50.00", "price": "50.00"}}})
    assert code(weights) in ("weight-refused", "criteria-refused", "import-refused")
    assert code(ask({**staged, "seats": staged["seats"][1:]})) == "committee-refused"
    twice = [definition["documents"][0], {**definition["documents"][0], "sha256": "B" * 43}]
    like = ask({**staged, "definition": {**definition, "documents": twice}})
    assert (code(like), like.json()["pointer"]) == ("import-refused", "/definition/documents/1/name")
    other = [{**definition["documents"][0], "pages": 3}]
    assert "has 2 pages" in ask({**staged, "definition": {**definition, "documents": other}}).text
    missing = [{**definition["documents"][0], "sha256": "A" * 43}]
    assert code(ask({**staged, "definition": {**definition, "documents": missing}})) == "tender-refused"
    nothing: tuple[Any, ...] = ({}, {"definition": []}, {"x": 1})
    for body in nothing:
        assert code(ask(body)) in ("tender-refused", "import-refused")
    assert len(site.call("GET", "/v1/proceedings", session=session).json()["proceedings"]) == before


def test_a_proceeding_is_opened_once_however_often_it_is_asked_for(site: Running, session: str, staged: Any) -> None:
    def ask(key: str | None, value: Any = staged) -> httpx2.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return site.call("POST", "/v1/proceedings", json=value, session=session, headers=headers)

    assert code(ask(None)) == "idempotency-key-missing"
    first = ask("one")
    assert first.status_code == 201, first.text
    again = ask("one")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert code(ask("one", {**staged, "kind": "real"})) == "idempotency-mismatch"
    listed = site.call("GET", "/v1/proceedings", session=session).json()["proceedings"]
    assert [found["id"] for found in listed].count(first.json()["id"]) == 1
    path = f"/v1/proceedings/{first.json()['id']}"
    eventually(lambda: site.call("GET", f"{path}/summary", session=session).json()["frozen"])
    link = site.call("POST", f"{path}/links", json={"seat": "operator-1"}, session=session)
    assert link.status_code == 201
    # The document went from the draft into the vault.
    digest = base64.urlsafe_b64decode(staged["definition"]["documents"][0]["sha256"] + "=").hex()
    operator = site.fresh_session("operator-1", first.json()["id"])
    assert site.call("GET", f"{path}/objects/{digest}", session=operator).content[:5] == b"%PDF-"


def test_an_administrators_session_ends_like_any_other(site: Running) -> None:
    own = sign_in(site)
    assert site.call("POST", "/v1/sign-out", session=own).status_code == 204
    assert code(site.call("GET", "/v1/proceedings", session=own)) == "not-signed-in"

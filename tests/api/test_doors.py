"""Who gets through which door: sign-in, cookies, origins, permissions, forms of the body."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from evidence.core.act import thumbprint
from evidence.core.canonical import unb64u
from evidence.core.merkle import leaf_hash, verify_consistency
from evidence.core.note import Checkpoint, Note
from evidence.core.tiles import read_bundle
from tests.api.installation import Running

WRITING: list[tuple[str, str, Any]] = [
    ("POST", "/v1/sign-in", {"token": "x"}),
    ("POST", "/v1/sign-out", None),
    ("POST", "/v1/proceedings", {}),
    ("POST", "{p}/links", {"seat": "seat-1"}),
    ("POST", "/v1/administrator/links", None),
    ("POST", "/v1/tender-checks", {}),
    ("POST", "/v1/uploads", None),
    ("POST", "{p}/socket-tickets", None),
    ("POST", "{p}/acts", {"act": "x"}),
    ("POST", "{p}/objects", None),
    ("POST", "{p}/seats/seat-1/vouch", {"thumbprint": "A" * 43}),
    ("POST", "{p}/seats/me/key", {"jwk": {}}),
    ("POST", "{p}/vouches", {"act": "x"}),
    ("POST", "{p}/rooms/room-1/publish", None),
    ("POST", "{p}/watch", None),
    ("POST", "{p}/pool-facts", None),
    ("PUT", "{p}/watch/x", None),
    ("POST", "{p}/report/signature", None),
]
READING = [
    "/v1/me",
    "{p}",
    "{p}/keys",
    "{p}/summary",
    "/v1/proceedings",
    "/v1/setup",
    "{p}/log/checkpoint",
    "{p}/log/tile/0/000.p/1",
    "{p}/log/consistency?old=1&size=1",
    "{p}/log/entries/0",
    "{p}/log/receipts/0",
    "{p}/objects/" + "0" * 64,
    "{p}/documents/" + "0" * 64 + "/pages/1.png",
    "{p}/evidence",
    "{p}/views",
    "{p}/advice",
    "/v1/centre/log/checkpoint",
    "/v1/centre/log/entries/0",
    "/v1/centre/log/receipts/0",
]


def code(answer: httpx2.Response) -> str:
    """The problem's code; every refusal is a problem (RFC 9457) with the security headers."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found["status"] == answer.status_code
    assert re.fullmatch(r"[a-z][a-z0-9-]+", found["code"])
    assert_hardened(answer)
    return str(found["code"])


def assert_hardened(answer: httpx2.Response) -> None:
    """ASVS 3.4: on every answer, refusals and unknown paths included."""
    headers = answer.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "max-age=31536000" in headers["strict-transport-security"]
    assert "cache-control" in headers
    assert "server" not in headers


# -- signing in ----------------------------------------------------------------------------------------------------


def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(site: Running) -> None:
    """ASVS 3.3.1 to 3.3.5."""
    answer = site.call("POST", "/v1/sign-in", json={"token": site.link("seat-1")})
    name, *attributes = [part.strip().lower() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith("sid=")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(attributes)
    assert not any(attribute.startswith("domain") for attribute in attributes)


def test_a_link_signs_in_once(site: Running) -> None:
    token = site.link("seat-1")
    assert site.call("POST", "/v1/sign-in", json={"token": token}).status_code == 204
    for _ in range(3):
        again = site.call("POST", "/v1/sign-in", json={"token": token})
        assert (again.status_code, code(again)) == (401, "link-refused")
        assert "set-cookie" not in again.headers


def test_a_session_says_who_it_is_until_it_signs_out(site: Running) -> None:
    session = site.fresh_session("operator-2")
    me = site.call("GET", "/v1/me", session=session).json()
    assert me == {
        "proceeding": site.proceeding,
        "seat": "operator-2",
        "role": "operator",
        "venue": "venue-2",
        "origin": site.origin,
    }
    out = site.call("POST", "/v1/sign-out", session=session)
    assert out.status_code == 204
    assert "clear-site-data" in out.headers
    assert code(site.call("GET", "/v1/me", session=session)) == "not-signed-in"


def test_links_are_the_administrators_and_for_seats_of_the_roster(site: Running) -> None:
    path = f"{site.path}/links"
    assert code(site.call("POST", path, json={"seat": "seat-1"}, session=site.session("operator-1"))) == "wrong-role"
    assert code(site.call("POST", path, json={"seat": "seat-1"}, bearer=site.node_token())) == "wrong-role"
    assert code(site.call("POST", path, json={"seat": "seat-1"}, bearer="x")) == "token-refused"
    assert code(site.administer(path, {"seat": "seat-99"})) == "unknown-seat"
    assert code(site.administer(path, {"seat": "../x"})) == "malformed-request"
    assert code(site.administer("/v1/proceedings/nowhere/links", {"seat": "seat-1"})) == "unknown-proceeding"


# -- nobody, somebody else, another origin -------------------------------------------------------------------------


@pytest.mark.parametrize("path", READING)
def test_nobody_reads_anything(site: Running, path: str) -> None:
    for session in (None, "x", "A" * 43, "é"[:0] or "%00"):
        answer = site.call("GET", path.format(p=site.path), session=session)
        assert (answer.status_code, code(answer)) == (401, "not-signed-in")


@pytest.mark.parametrize(("method", "path", "body"), WRITING[1:])
def test_nobody_writes_anything(site: Running, method: str, path: str, body: Any) -> None:
    answer = site.call(method, path.format(p=site.path), json=body)
    assert (answer.status_code, code(answer)) == (401, "not-signed-in")


@pytest.mark.parametrize(("method", "path", "body"), WRITING)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    site: Running, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    """CSRF, threat table row 2: whatever cookie the victim's browser would add."""
    before = site.deeds()
    session = site.session("operator-1")
    answer = site.call(method, path.format(p=site.path), json=body, session=session, headers=headers)
    assert (answer.status_code, code(answer)) == (403, "origin-refused")
    assert site.deeds() == before
    assert site.call("GET", "/v1/me", session=session).status_code == 200


def test_the_origin_is_what_refused_it(site: Running) -> None:
    """The same request with the right origin goes through, so the test above tests something."""
    assert site.call("POST", f"{site.path}/socket-tickets", session=site.session("operator-1")).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read_as_json(site: Running, kind: str) -> None:
    answer = site.call(
        "POST",
        f"{site.path}/acts",
        content=b'{"act":"x"}',
        session=site.session("seat-1"),
        headers={"Content-Type": kind},
    )
    assert (answer.status_code, code(answer)) == (415, "unsupported-media-type")


def test_a_bearer_token_replaces_the_cookie_and_never_adds_to_it(site: Running) -> None:
    answer = site.call("GET", "/v1/me", session=site.session("seat-1"), bearer="x")
    assert code(answer) == "token-refused"
    answer = site.call("GET", "/v1/me", session=site.session("seat-1"), headers={"Authorization": "Basic YTpi"})
    assert code(answer) == "token-refused"
    node = site.call("GET", site.path, session=site.session("seat-1"), bearer=site.node_token())
    assert code(node) == "wrong-role"


def test_another_proceeding_does_not_exist_for_a_seat(site: Running) -> None:
    """Threat table row 4: 404, not 403, whether or not there is one."""
    other = site.open_proceeding(7)["id"]
    stranger = site.fresh_session("seat-1", other)
    for path in READING:
        if "{p}" in path:
            for proceeding in (other, "nowhere", "%2e%2e"):
                answer = site.call(
                    "GET", path.format(p=f"/v1/proceedings/{proceeding}"), session=site.session("seat-1")
                )
                assert (answer.status_code, code(answer)) == (404, "not-found")
            assert code(site.call("GET", path.format(p=site.path), session=stranger)) == "not-found"
    for method, path, body in WRITING:
        if "{p}" in path:
            answer = site.call(method, path.format(p=site.path), json=body, session=stranger)
            assert (answer.status_code, code(answer)) == (404, "not-found")


@pytest.mark.parametrize(
    ("seat", "method", "path", "expected"),
    [
        ("seat-1", "POST", "{p}/seats/seat-1/vouch", "wrong-role"),
        ("operator-1", "POST", "{p}/seats/seat-1/vouch", "wrong-role"),
        ("operator-2", "POST", "{p}/questions/x/vouch", "wrong-venue"),
        ("seat-1", "POST", "{p}/rooms/room-1/publish", "wrong-role"),
        ("room-1", "POST", "{p}/rooms/room-2/publish", "not-allowed"),
        ("room-1", "POST", "{p}/rooms/room-1/publish", "room-not-admitted"),
        ("operator-1", "POST", "{p}/objects", "wrong-role"),
        ("seat-1", "POST", "{p}/objects", "too-early"),
        ("supervisor-1", "POST", "{p}/report/signature", "wrong-role"),
        ("seat-1", "POST", "{p}/report/signature", "too-early"),
        ("seat-1", "GET", "{p}/evidence", "too-early"),
        ("room-1", "GET", "{p}/objects/" + "0" * 64, "wrong-role"),
        ("seat-1", "POST", "/v1/proceedings", "wrong-role"),
        ("seat-1", "GET", "{p}/log/tile/entries/000.p/1", "not-allowed"),
        ("seat-1", "GET", "/v1/centre/log/tile/entries/000.p/1", "not-allowed"),
        ("seat-1", "GET", "/v1/centre/log/entries/0", "not-found"),
    ],
)
def test_a_role_gets_what_the_table_gives_it(site: Running, seat: str, method: str, path: str, expected: str) -> None:
    headers = {"Content-Type": "application/sdp"} if "publish" in path else {}
    content = b"v=0\r\n" if "publish" in path else None
    answer = site.call(method, path.format(p=site.path), content=content, session=site.session(seat), headers=headers)
    assert code(answer) == expected


# -- malformed everything ------------------------------------------------------------------------------------------

JSONS = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{",
    b"{}",
    b'{"act":1}',
    b'{"act":null}',
    b'{"act":"x","act":"y"}',
    b'{"act":"x","extra":1}',
    b'{"act":"' + b"x" * 70_000 + b'"}',
    b'{"act":"\xff"}',
    b'\xef\xbb\xbf{"act":"x"}',
    b'{"act":"\\ud800"}',
    b'{"act":1e400}',
    b'{"act":NaN}',
    b"[" * 20_000,
    b'{"act":"x"}',
    b'{"act":"a.b.c"}',
    b'{"act":"e30.e30.' + b"A" * 86 + b'"}',
]


@pytest.mark.parametrize("body", JSONS)
def test_a_malformed_act_gets_a_coded_refusal_and_changes_nothing(site: Running, body: bytes) -> None:
    before = site.deeds()
    answer = site.call("POST", f"{site.path}/acts", content=body, session=site.session("seat-2"))
    assert answer.status_code in (400, 413, 422)
    assert code(answer) in {"malformed", "malformed-request", "too-large"}
    assert site.deeds() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"v=0",
        b"v=0\r\n" * 10_000,
        b"\xff\xfe",
        b"\x00" * 100,
        b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    ],
)
def test_a_malformed_description_gets_a_coded_refusal(site: Running, body: bytes) -> None:
    session = site.session("auditor-1")
    headers = {"Content-Type": "application/sdp"}
    answer = site.call("PUT", f"{site.path}/watch/nobody", content=body, session=session, headers=headers)
    assert 400 <= answer.status_code < 500 or answer.status_code == 503
    code(answer)


def test_a_body_beyond_its_bound_is_refused_whatever_it_claims(site: Running) -> None:
    session = site.session("seat-3")
    headers = {
        "Origin": site.url,
        "Cookie": f"sid={session}",
        "Content-Type": "application/json",
    }

    def endless() -> Any:
        for _ in range(10_000):
            yield b"x" * 1_000

    try:
        answer = site.http.post(f"{site.path}/acts", content=endless(), headers=headers)
        assert (answer.status_code, code(answer)) == (413, "too-large")
    except httpx2.TransportError:
        pass  # the server answered and closed before everything was sent
    for claimed in ("-1", "1e3", "9" * 40):
        try:
            answer = site.call(
                "POST", f"{site.path}/acts", content=b"{}", session=session, headers={"Content-Length": claimed}
            )
            assert answer.status_code in (400, 413)
        except httpx2.TransportError:
            pass  # no HTTP at all
    assert site.call("GET", "/v1/me", session=session).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "{p}/log/entries/-1",
        "{p}/log/entries/x",
        "{p}/log/entries/1e1",
        "{p}/log/entries/" + "9" * 40,
        "{p}/log/entries/999999",
        "{p}/log/receipts/999999",
        "{p}/log/tile/0/001",
        "{p}/log/tile/64/000",
        "{p}/log/tile/0/000.p/256",
        "{p}/log/tile/0/000.p/0",
        "{p}/log/tile/../../x",
        "{p}/log/tile/",
        "{p}/log/consistency",
        "{p}/log/consistency?old=0&size=1",
        "{p}/log/consistency?old=2&size=1",
        "{p}/log/consistency?old=1&size=999999",
        "{p}/log/consistency?old=x&size=y",
        "{p}/objects/x",
        "{p}/objects/" + "A" * 64,
        "{p}/objects/../../../etc/passwd",
        "{p}/documents/" + "0" * 64 + "/pages/0.png",
        "{p}/documents/" + "0" * 64 + "/pages/x.png",
        "{p}/nothing",
        "/v2",
        "/.env",
        "/..%2f..%2fetc/passwd",
        "/rooms.js.map",
        "/docs",
    ],
)
def test_a_path_out_of_form_is_a_coded_refusal(site: Running, path: str) -> None:
    answer = site.call("GET", path.format(p=site.path), session=site.session("supervisor-1"))
    assert 400 <= answer.status_code < 500
    code(answer)


def test_an_unknown_method_is_a_coded_refusal(site: Running) -> None:
    for method in ("DELETE", "PATCH", "PUT", "OPTIONS", "TRACE"):
        answer = site.call(method, "/v1/me", session=site.session("seat-1"))
        assert (answer.status_code, code(answer)) == (405, "method-not-allowed")


def test_a_loop_of_requests_is_slowed_down_and_others_are_not(site: Running) -> None:
    """ASVS 2.4.1: the bucket is the session's."""
    flooder, other = site.fresh_session("auditor-1"), site.session("seat-1")
    answers = [site.call("GET", "/v1/me", session=flooder) for _ in range(400)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert code(refused[0]) == "too-many-requests"
    assert refused[0].headers["retry-after"] == "1"
    assert site.call("GET", "/v1/me", session=other).status_code == 200


# -- what is shown -------------------------------------------------------------------------------------------------


def test_a_node_sees_the_whole_log_and_it_leads_to_the_checkpoint(site: Running) -> None:
    bearer = site.node_token()
    note = site.call("GET", f"{site.path}/log/checkpoint", bearer=bearer).content
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    assert checkpoint.origin == site.origin
    tile = f"{site.path}/log/tile/entries/000.p/{checkpoint.size}"
    entries = read_bundle(site.call("GET", tile, bearer=bearer).content, checkpoint.size)
    hashes = site.call("GET", f"{site.path}/log/tile/0/000.p/{checkpoint.size}", bearer=bearer).content
    assert b"".join(leaf_hash(entry) for entry in entries) == hashes
    proof = site.call("GET", f"{site.path}/log/consistency?old=1&size={checkpoint.size}", bearer=bearer)
    from base64 import b64decode

    nodes = [b64decode(line) for line in proof.text.split()]
    verify_consistency(1, checkpoint.size, nodes, hashes[:32], checkpoint.root)
    assert site.call("GET", f"{site.path}/log/entries/0", bearer=bearer).content == entries[0]
    assert site.call("GET", "/v1/centre/log/tile/entries/000.p/1", bearer=bearer).status_code == 200


def test_a_node_token_is_for_log_routes_only_and_for_this_server(site: Running) -> None:
    assert code(site.call("GET", "/v1/me", bearer=site.node_token())) == "not-signed-in"
    for claims in ({"aud": "http://127.0.0.1:1"}, {"exp": 1}, {"iss": "hohhot.example"}):
        answer = site.call("GET", f"{site.path}/log/checkpoint", bearer=site.node_token(**claims))
        assert (answer.status_code, code(answer)) == (401, "token-refused")


def test_a_document_is_shown_as_the_same_image_each_time(site: Running) -> None:
    """`shown` of an act on a page is the image's hash (protocols.md section 7), so the octets must not vary."""
    import json as parser

    session = site.session("operator-1")
    definition = site.call("GET", site.path, session=session).json()
    from base64 import urlsafe_b64decode

    document, pages = definition["documents"][0]
    name = urlsafe_b64decode(document + "=").hex()
    assert site.call("GET", f"{site.path}/objects/{name}", session=session).content.startswith(b"%PDF")
    early = site.call("GET", f"{site.path}/documents/{name}/pages/1.png", session=session)
    assert code(early) == "too-early"
    assert parser.loads(early.text)["status"] == 409
    assert pages == 2


def test_a_broken_download_is_taken_up_where_it_broke(site: Running) -> None:
    """RFC 9110 section 14: only the rest, because the last octets are given when the hash of all of them was right."""
    session = site.session("operator-1")
    document, _ = site.view("operator-1")["documents"][0]
    path = f"{site.path}/objects/{unb64u(document, 32).hex()}"
    whole = site.call("GET", path, session=session)
    size = len(whole.content)
    assert (whole.status_code, whole.headers["content-length"]) == (200, str(size))
    rest = site.call("GET", path, session=session, headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    for wanted in ("bytes=0-3", f"bytes={size}-", "bytes=5-4", "bytes=-5", "lines=1-", "bytes=1-,3-", "bytes=x"):
        answer = site.call("GET", path, session=session, headers={"Range": wanted})
        assert (answer.status_code, code(answer)) == (416, "range-refused"), wanted


def test_the_clients_page_is_static_and_strict(site: Running) -> None:
    """No inline code and no inline style, so the policy needs no exception (ASVS 3.4.3)."""
    page = site.http.get("/")
    assert page.status_code == 200
    for path in ("/sign-in", "/rooms", "/expert/sheet", "/room"):
        answer = site.http.get(path)
        assert (answer.status_code, answer.content) == (200, page.content)
        assert_hardened(answer)
        assert re.findall(r"<script(?![^>]*\bsrc=)", answer.text) == []
        assert re.findall(r"\s(?:on[a-z]+|style)=", answer.text) == []
        assert re.findall(r"(?:src|href)=\"(?!/assets/)", answer.text) == []
    for path in re.findall(r"(?:src|href)=\"(/assets/[^\"]+)", page.text):
        answer = site.http.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_a_vouch_for_a_seat_of_the_main_centre_is_the_main_centres_act(site: Running) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    from evidence.core.act import SoftwareSigner

    print_ = thumbprint(SoftwareSigner(ec.generate_private_key(ec.SECP256R1())).jwk)
    token = site.installation.administrator_token
    first = site.call("POST", f"{site.path}/seats/seat-2/vouch", json={"thumbprint": print_}, bearer=token)
    assert first.status_code == 201
    again = site.call("POST", f"{site.path}/seats/seat-2/vouch", json={"thumbprint": print_}, bearer=token)
    assert again.json() == first.json()
    foreign = site.call("POST", f"{site.path}/seats/seat-5/vouch", json={"thumbprint": print_}, bearer=token)
    assert 400 <= foreign.status_code < 500
    code(foreign)

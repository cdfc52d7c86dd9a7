"""Announcing a device, comparing codes, and the command lines that vouch for a first operator (protocol.md 2.1, 6)."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from evidence.core import act as acts
from sessions.core.identity import comparison_code
from tests.api.installation import Running, eventually
from tests.api.test_doors import code
from tests.sessions.drive import signer_of
from web.server.cli import app
from web.server.errors import CodeDiffers, DoorRefused
from web.server.installation import Layout
from web.server.wiring import OPERATOR_TOKEN


@pytest.fixture(scope="module")
def other(site: Running) -> Running:
    """A proceeding of this file's own on the same installation: keys are announced and vouched for in it."""
    created = site.open_proceeding()
    found = Running(site.installation, site.http, created["id"], created["origin"])
    eventually(lambda: found.view("supervisor-1").get("witnessed"))
    return found


def announce(site: Running, seat: str, device: str | None = None, **changed: Any) -> Any:
    jwk = {**signer_of(device or f"door {seat}").jwk, **changed}
    return site.call("POST", f"{site.path}/seats/me/key", json={"jwk": jwk}, session=site.session(seat))


def shown(site: Running, **who: str) -> dict[str, str]:
    answer = site.call("GET", f"{site.path}/keys", **who)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return {found["seat"]: found["code"] for found in answer.json()["keys"]}


def test_everybody_sees_the_devices_of_the_own_people_alone(other: Running) -> None:
    for seat in ("seat-1", "operator-1", "seat-4", "room-2", "supervisor-1"):
        answer = announce(other, seat)
        assert answer.status_code == 201, answer.text
        assert answer.json()["code"] == comparison_code(other.origin, seat, answer.json()["thumbprint"])
    administrator = other.installation.administrator_token
    assert shown(other, session=other.session("operator-1")).keys() == {"seat-1", "operator-1"}
    assert shown(other, session=other.session("operator-2")).keys() == {"seat-4", "room-2"}
    assert shown(other, session=other.session("operator-3")) == {}
    assert shown(other, bearer=administrator).keys() == {"seat-1", "operator-1"}
    assert shown(other, bearer=other.node_token("zhongshan.example")).keys() == {"seat-4", "room-2"}
    assert shown(other, bearer=other.node_token("finance.example")).keys() == {"supervisor-1"}
    for seat in ("seat-1", "room-2", "supervisor-1", "auditor-1"):
        assert code(other.call("GET", f"{other.path}/keys", session=other.session(seat))) == "wrong-role"


def test_a_key_that_is_none_or_anothers_is_not_announced(other: Running) -> None:
    announce(other, "seat-1")
    for changed in ({"x": "AA"}, {"crv": "P-384"}, {"y": "A" * 43}, {"d": "A" * 43}, {"x": "A" * 65}):
        assert code(announce(other, "seat-2", **changed)) in ("malformed", "malformed-request")
    assert code(announce(other, "seat-2", "door seat-1")) == "founding-refused"
    for body in ({}, {"jwk": None}, {"jwk": "x"}, {"jwk": {}, "seat": "seat-1"}):
        answer = other.call("POST", f"{other.path}/seats/me/key", json=body, session=other.session("seat-2"))
        assert code(answer) == "malformed-request"
    large = {"jwk": {"x": "A" * 64_000}}
    assert code(other.call("POST", f"{other.path}/seats/me/key", json=large, session=other.session("seat-2"))) in (
        "too-large",
        "malformed-request",
    )


def test_a_node_hands_in_its_own_vouchers_and_nothing_else(other: Running) -> None:
    made = acts.make(
        signer_of("x"), act="seat.vouch", aud=other.origin, sub="zhuhai.example", body={"seat": "seat-5"}, ctr=1, iat=0
    )
    bind = acts.make(signer_of("x"), act="seat.bind", aud=other.origin, sub="zhuhai.example", body={}, ctr=1, iat=0)
    path = f"{other.path}/vouches"
    assert code(other.call("POST", path, json={"act": made.jws}, bearer=other.node_token())) == "unknown-key"
    assert code(other.call("POST", path, json={"act": bind.jws}, bearer=other.node_token())) == "not-allowed"
    foreign = other.node_token("zhongshan.example")
    assert code(other.call("POST", path, json={"act": made.jws}, bearer=foreign)) == "not-allowed"
    assert code(other.call("POST", path, json={"act": "x"}, bearer=other.node_token())) == "malformed"
    assert code(other.call("POST", path, json={"act": made.jws}, session=other.session("operator-3"))) == "wrong-role"


def test_the_main_centres_first_operator_is_vouched_for_on_the_command_line(other: Running) -> None:
    read = announce(other, "operator-1").json()["code"]
    state = ["--state", str(other.installation.main)]
    wrong = CliRunner().invoke(app, ["vouch", other.proceeding, "operator-1", "0000 0000 0000 0000", *state])
    assert isinstance(wrong.exception, CodeDiffers)
    away = CliRunner().invoke(app, ["vouch", other.proceeding, "seat-3", read, *state])
    assert isinstance(away.exception, DoorRefused)
    assert away.exception.reason == "not-announced"
    assert other.view("operator-1")["me"]["vouched"] is None
    done = CliRunner().invoke(app, ["vouch", other.proceeding, "operator-1", read.replace(" ", "-"), *state])
    assert done.exit_code == 0, done.output
    assert other.view("operator-1")["me"]["vouched"]
    assert code(announce(other, "operator-1", "another device")) == "already-fixed"


def test_a_citys_first_operator_is_vouched_for_on_its_own_command_line(other: Running) -> None:
    """The node asks the main server for the announced key, holds the code against it, and hands its voucher in."""
    read = announce(other, "operator-3").json()["code"]
    node = other.installation.node("zhuhai.example")
    assert node is not None
    state = ["--state", str(node.state)]
    wrong = CliRunner().invoke(app, ["city", "vouch", other.origin, "operator-3", "1" * 16, *state])
    assert isinstance(wrong.exception, DoorRefused)
    assert wrong.exception.reason == "other-code"
    foreign = CliRunner().invoke(app, ["city", "vouch", other.origin, "operator-2", read, *state])
    assert isinstance(foreign.exception, DoorRefused)
    done = CliRunner().invoke(app, ["city", "vouch", other.origin, "operator-3", read, *state])
    assert done.exit_code == 0, done.output
    assert other.view("operator-3")["me"]["vouched"]
    assert Layout(node.state).secrets.joinpath(OPERATOR_TOKEN).exists()

"""`trust.json` and the policy beside it (docs/protocol.md section 9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evidence.core.canonical import Object, decode_object, encode, sha256
from evidence.core.note import COSIGNATURE_V1, NoteSigner
from evidence.core.policy import Policy
from evidence.errors import Malformed
from sessions.core.city_names import CityName
from sessions.trust import Pins, Trust
from tests.sessions.node_world import CITIES, MAIN, Main, new_log_signer, new_signer


def test_pins_state_the_hashes_of_the_exact_texts() -> None:
    pins = Main().pins
    assert pins.policy_hash == sha256(pins.policy_text.encode())
    assert pins.trust_hash == sha256(pins.trust_text.encode())
    assert set(pins.trust.identities) == {MAIN, *CITIES}


def test_holders_are_the_agreements_nodes_and_the_main_centre_at_most() -> None:
    """protocols.md section 2: never chosen per proceeding."""
    pins = Main().pins
    assert pins.are_holders(CITIES)
    assert pins.are_holders([*CITIES, MAIN])
    for wrong in (CITIES[:2], [*CITIES, "friend.example"], [*CITIES[:2], MAIN]):
        assert not pins.are_holders(wrong)


HOHHOT = {"zh": "呼和浩特", "en": "Hohhot"}


def test_a_city_is_called_as_the_agreement_says() -> None:
    value = decode_object(Main().pins.trust_text.encode())
    told = {CITIES[0]: CityName("中山", "Zhongshan")}
    assert Trust.parse(encode(value)).names == told
    value["centres"][0] |= {"name": HOHHOT}
    assert Trust.parse(encode(value)).names == told | {MAIN: CityName("呼和浩特", "Hohhot")}


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("锡林郭勒盟（西乌珠穆沁旗）", "Xilin Gol"),
        ("西安", "Xi'an"),
        ("乌鲁木齐", "Ürümqi"),
        ("黔西南·兴义", "St. John"),
    ],
)
def test_names_of_places_are_taken(zh: str, en: str) -> None:
    assert CityName.parse({"zh": zh, "en": en}).json == {"zh": zh, "en": en}


@pytest.mark.parametrize(
    "wrong", ["", " ", "A\u202eB", "A\u200b", "A\nB", "Ноhhot", "A<b>", "A" * 41, "U\u0308r", " A", "A  B"]
)
def test_a_name_that_could_mislead_is_refused(wrong: str) -> None:
    """Nothing that turns the line around, hides, looks like another script's letter or fills the tile."""
    for zh, en in ((wrong, "Hohhot"), ("呼和浩特", wrong)):
        with pytest.raises(Malformed):
            CityName(zh, en)


def _without(name: str) -> Callable[[Object], Object]:
    return lambda value: {key: item for key, item in value.items() if key != name}


def _with(**changes: object) -> Callable[[Object], Object]:
    return lambda value: value | changes


@pytest.mark.parametrize(
    "change",
    [
        *(_without(name) for name in ("v", "main", "centres", "ca_roots", "holder_k", "f")),
        _with(v=2),
        _with(main="nobody.example"),
        _with(holder_k=0),
        _with(f=-1),
        _with(ca_roots=["not base64!"]),
        _with(centres=[]),
        _with(extra=1),
        lambda value: value | {"centres": [*value["centres"], value["centres"][0]]},
        lambda value: value | {"centres": [value["centres"][0] | {"jwk": new_signer().jwk | {"d": "secret"}}]},
        lambda value: value | {"centres": [each | {"name": HOHHOT} for each in value["centres"]]},
        lambda value: value | {"centres": [each | {"name": {"zh": "中山"}} for each in value["centres"][:1]]},
        lambda value: value | {"centres": [value["centres"][0] | {"jwk": new_signer().jwk | {"y": "A" * 43}}]},
    ],
)
def test_a_trust_file_out_of_form_is_refused(change: Callable[[Object], Object]) -> None:
    value = decode_object(Main().pins.trust_text.encode())
    with pytest.raises(Malformed):
        Trust.parse(encode(change(value)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"v":1,"v":1}', "\ufeff{}", "{}" + " " * 70_000])
def test_what_is_no_trust_file_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Trust.parse(text.encode())


def test_a_policy_of_another_centre_does_not_fit() -> None:
    main = Main()
    witness = NoteSigner("a.example/witness", COSIGNATURE_V1, new_log_signer("x").key)
    foreign = Policy(new_log_signer("other.example/centre").vkey, (witness.vkey,), 1)
    with pytest.raises(Malformed):
        Pins.parse(str(foreign), main.pins.trust_text)

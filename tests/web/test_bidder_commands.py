"""`tongping bidder …` as a bidder types it: its key, its answer to one question, and one line for all that is wrong."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evaluation.step_errors import NoSuchQuestion
from evidence.core import act as acts_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode
from sessions.errors import ActFork, WrongLog, WrongSeat
from tests.commands import typed
from tests.sessions.drive import MAIN, Drive
from tests.sessions.test_committee_steps import BIDDERS, asked, at, later, refused, types

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "bidder.md"
CORRECTED = "1200000.00"
SAID = "日历天，自合同签订之日起算。"


def ahead(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written(path: Path, origin: str = "centre.example/proceedings/x", **changed: object) -> Path:
    """A question's file, as the console saves it."""
    asked: Object = {
        "v": 1,
        "log": origin,
        "question": b64u(bytes(32)),
        "bidder": BIDDERS[0],
        "kind": "unclear",
        "text": "工期如何计算？",
        "document": b64u(bytes(32)),
        "page": 1,
        "until": ahead(30),
        "key": None,
    }
    found = {name: value for name, value in {**asked, **changed}.items() if value is not ...}
    path.write_bytes(encode(found))
    return path


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bidder") / "key.pem"
    assert typed("bidder", "key", "--out", path)[0] == 0
    return path


def no(out: Path, *words: object) -> str:
    """Refused in one line, with nothing written."""
    status, said, complained = typed("bidder", "answer", *words, "--out", out)
    assert (status, said, out.exists()) == (2, "", False)
    assert complained.startswith("tongping: bad-settings: ")
    assert len(complained.splitlines()) == 1
    return complained


def let_out(drive: Drive, name: str, jwk: Object) -> None:
    drive.perform("supervisor-1", "clarification.approve", {"question": name, "until": later(drive, 10)})
    drive.perform(MAIN, "bidder.vouch", {"question": name, "jwk": jwk})


def signed(path: Path) -> Act:
    found = decode_object(path.read_bytes(), limit=120_000)
    assert (set(found), found["disclosures"]) == ({"act", "disclosures"}, [])
    return acts_form.parse(found["act"])


def test_the_guides_lines_make_an_answer_that_the_log_takes_once(tmp_path: Path) -> None:
    """The console's form and openssl read the key; the file holds an act that the rules take, and only once."""
    drive = at("compliance-review")
    name = asked(drive)
    places = {each: tmp_path / each for each in ("key.pem", "question.json", "answer.txt", "answer.json")}
    lines = re.findall(r"^ *tongping (bidder .*)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    make, sign = ([places.get(word, word) for word in shlex.split(line)] for line in lines[:2])
    assert len(set(lines)) == 2
    status, said, _ = typed(*make)
    assert status == 0
    jwk = json.loads(said.splitlines()[0])
    assert acts_form.thumbprint(jwk) in said
    assert json.loads(places["key.pem"].with_name("key.pem.jwk").read_text()) == jwk
    assert places["key.pem"].stat().st_mode & 0o777 == 0o600
    shown = subprocess.run(
        ["openssl", "ec", "-in", str(places["key.pem"]), "-noout", "-text"], capture_output=True, text=True, check=True
    )
    assert "NIST CURVE: P-256" in shown.stdout
    # The same key is never made over.
    assert typed(*make)[0] == 2

    let_out(drive, name, jwk)
    written(places["question.json"], drive.origin, question=name)
    places["answer.txt"].write_text(f"\ufeff{SAID}\n", "utf-8")
    status, said, complained = typed(*sign)
    assert (status, complained) == (0, "")
    assert SAID in said
    act = signed(places["answer.json"])
    assert (act.act, act.aud, act.sub, act.ctr) == ("clarification.answer", drive.origin, BIDDERS[0], 1)
    assert act.body == {"question": name, "text": SAID}
    assert types(drive.take(act)) == ["ClarificationAnswered"]

    # Nothing is written over; another answer by the same key is made, and is not taken.
    assert typed(*sign)[0] == 2
    sign[sign.index(places["answer.json"])] = other = tmp_path / "other.json"
    places["answer.txt"].write_text("又及", "utf-8")
    assert typed(*sign)[0] == 0
    refused(ActFork, lambda: drive.take(signed(other)), drive)


def test_an_answer_to_another_question_or_for_another_bidder_is_not_taken(tmp_path: Path, key: Path) -> None:
    """The command cannot know what was asked; the log does."""
    drive = at("compliance-review")
    name = asked(drive)
    let_out(drive, name, json.loads(key.with_name("key.pem.jwk").read_text()))
    cases: list[tuple[dict[str, object], type[Exception]]] = [
        ({"question": b64u(bytes(32))}, NoSuchQuestion),
        ({"question": name, "bidder": BIDDERS[1]}, WrongSeat),
        ({"question": name, "log": f"{drive.origin}/r2"}, WrongLog),
    ]
    for n, (changed, error) in enumerate(cases):
        file, out = tmp_path / f"{n}.question", tmp_path / f"{n}.json"
        written(file, **{"origin": drive.origin, **changed})  # type: ignore[arg-type]
        assert typed("bidder", "answer", file, "--key", key, "--text", "x", "--out", out)[0] == 0
        refused(error, lambda out=out: drive.take(signed(out)), drive)  # type: ignore[misc]


@pytest.mark.parametrize("confirms", [True, False])
def test_a_corrected_price_is_confirmed_or_not(tmp_path: Path, key: Path, confirms: bool) -> None:
    file, out = written(tmp_path / "q", kind="price-correction", price=CORRECTED), tmp_path / "a"
    words = (file, "--key", key, "--text", "已核对。")
    assert CORRECTED in no(out, *words)
    flag = "--confirm" if confirms else "--decline"
    assert typed("bidder", "answer", *words, flag, "--out", out)[0] == 0
    assert signed(out).body["price"] == (CORRECTED if confirms else None)
    assert "leave --confirm" in no(tmp_path / "b", written(tmp_path / "r"), "--key", key, "--text", "x", flag)


def test_what_is_no_question_is_not_answered(tmp_path: Path, key: Path) -> None:
    """Malformed, of another version, too large, away, closed, or meant for another key."""
    file, out = tmp_path / "question.json", tmp_path / "answer.json"
    words = (file, "--key", key, "--text", "x")
    assert "cannot be read" in no(out, *words)
    for octets in (b"", b"\xff", b"[]", b"{}", b'{"v":1,"v":1}'):
        file.write_bytes(octets)
        assert "not a question file" in no(out, *words)
    for changed in (
        {"v": 2},
        {"key": 7},
        {"question": "x"},
        {"until": "tomorrow"},
        {"until": ...},
        {"page": "1"},
        {"more": "x"},
    ):
        written(file, **changed)
        assert "not a question file" in no(out, *words)
    file.write_bytes(b" " * 60_001)
    assert "larger than 60000 bytes" in no(out, *words)
    written(file, until=ahead(-1))
    assert "closed" in no(out, *words)
    other = b64u(bytes(32))
    written(file, key=other)
    assert other in no(out, *words)


def test_what_is_no_key_signs_nothing(tmp_path: Path, key: Path) -> None:
    file, out, wrong = written(tmp_path / "question.json"), tmp_path / "answer.json", tmp_path / "wrong.pem"
    words = (file, "--key", wrong, "--text", "x")
    assert "run `tongping bidder key` first" in no(out, *words)
    subprocess.run(["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", str(wrong)], check=True)
    wrong.chmod(0o600)
    assert "not a key" in no(out, *words)
    wrong.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert "not a key" in no(out, *words)
    wrong.write_bytes(b"x" * 1_000_000)
    assert "not a key" in no(out, *words)
    wrong.write_bytes(key.read_bytes())
    wrong.chmod(0o644)
    assert "mode 0600" in no(out, *words)
    wrong.chmod(0o600)
    assert typed("bidder", "answer", *words, "--out", out)[0] == 0


def test_an_answer_is_a_text_of_one_page(tmp_path: Path, key: Path) -> None:
    file, out, text = written(tmp_path / "question.json"), tmp_path / "answer.json", tmp_path / "answer.txt"
    words = (file, "--key", key)
    assert "--text-file" in no(out, *words)
    text.write_text("x")
    assert "--text-file" in no(out, *words, "--text", "x", "--text-file", text)
    assert "1 to 4000" in no(out, *words, "--text", " \n ")
    assert "1 to 4000" in no(out, *words, "--text", "长" * 4001)
    text.write_bytes("长".encode("gb18030"))
    assert "UTF-8" in no(out, *words, "--text-file", text)
    text.write_bytes(b"x" * 16_001)
    assert "larger than 16000 bytes" in no(out, *words, "--text-file", text)
    assert "cannot be read" in no(out, *words, "--text-file", tmp_path)
    assert typed("bidder", "answer", *words, "--text", "长" * 4000, "--out", out)[0] == 0
    assert len(out.read_bytes()) < 60_000
    assert abs(signed(out).iat - time.time()) < 60

"""The commands of a bidder that is asked to clarify (`tongping bidder …`), and the one that reads bidders.

A bidder has no seat and no session: its key and its words are made on its own machine, and what leaves it are two
files. The main venue's operator names the public key and hands the signed answer in; whoever carries that file can
alter nothing in it (docs/protocol.md 2.6). A question has one answer, by the key that was named for it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from evaluation.core.clarification import MAX_TEXT
from evaluation.core.days import moment
from evidence.core import act as acts
from evidence.core.act import SoftwareSigner, thumbprint
from evidence.core.canonical import MAX_BYTES, Object, decode_object, encode, members, unb64u
from evidence.errors import EvidenceError
from sessions.core.night import CHINA
from web.server import wiring
from web.server.errors import BadSettings
from web.server.installation import read_private, write_private

ANSWER = "clarification.answer"
# A character of UTF-8 has four octets at most.
MAX_TEXT_BYTES = 4 * MAX_TEXT
# A PEM of one P-256 key has some 240 octets.
MAX_KEY_BYTES = 4096

bidder = typer.Typer(help="A bidder's answer to the committee's question: its key, and one signed file.")

KeyFile = Annotated[Path, typer.Option("--key", help="The key, as `key` wrote it; it never leaves this machine.")]
Out = Annotated[Path, typer.Option(help="Where to write; nothing is ever replaced.")]


def bidders(
    file: Annotated[Path, typer.Argument(help="A workbook (XLSX) or CSV in UTF-8; all cells are text.")],
) -> None:
    """Read the bidders of a tender from a workbook: JSON for its definition, or the cell that is wrong and why (2)."""
    try:
        found = wiring.read_bidders(file)
    except OSError as error:
        typer.echo(f"tongping: {file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1))


@bidder.command()
def key(out: Out) -> None:
    """Make the key for one question, and print its public half, which the main venue's operator names for it."""
    public = out.with_name(f"{out.name}.jwk")
    for path in (out, public):
        _new(path)
    made = ec.generate_private_key(ec.SECP256R1())
    jwk = acts.jwk_of(made.public_key())
    _write(out, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(public, encode(jwk))
    typer.echo(encode(jwk).decode())
    typer.echo(f"公钥指纹 / fingerprint: {thumbprint(jwk)}")
    for step in (
        f"把 {public}（或上面一行）交给主场操作员，并当面或通过电话核对指纹",
        f"{out} 是私钥，只留在本机；一把密钥只用于一次澄清",
    ):
        typer.echo(f"  □ {step}")


@bidder.command()
def answer(
    question: Annotated[Path, typer.Argument(help="The question, as the main venue's operator saved it.")],
    key_file: KeyFile,
    out: Out,
    text: Annotated[str | None, typer.Option(help="The answer itself.")] = None,
    text_file: Annotated[Path | None, typer.Option(help="A file with the answer (UTF-8).")] = None,
    confirm: Annotated[
        bool | None, typer.Option("--confirm/--decline", help="Of a corrected price: whether the bidder confirms it.")
    ] = None,
) -> None:
    """Sign the answer to a question: one file, which the main venue's operator hands in before the time is over."""
    _new(out)
    asked = _question(question)
    signer = _signer(key_file)
    _check_key(asked, thumbprint(signer.jwk), key_file)
    _check_time(asked, time.time())
    body: Object = {"question": asked["question"], "text": _said(text, text_file)}
    body |= _price(asked, confirm)
    made = acts.make(signer, act=ANSWER, aud=asked["log"], sub=asked["bidder"], body=body, ctr=1, iat=int(time.time()))
    _write(out, encode({"act": made.jws, "disclosures": []}))
    typer.echo(f"问题 / question: {asked['text']}")
    typer.echo(f"答复 / answer: {body['text']}")
    if "price" in body:
        typer.echo(f"修正后的报价 / corrected price: {body['price'] or '不确认 / not confirmed'}")
    typer.echo(f"公钥指纹 / fingerprint: {made.kid}")
    typer.echo(f"  □ 已写入 {out}：请在 {_told(asked['until'])} 之前交给主场操作员递交")


def _question(path: Path) -> Object:
    """The question file of the operator's console, strictly."""
    data = _read(path, MAX_BYTES)
    form = dict.fromkeys(("log", "question", "bidder", "kind", "text", "document", "until"), str)
    try:
        asked = members(decode_object(data), {**form, "v": int, "page": int, "key": object}, {"price": str})
        unb64u(asked["question"], 32)
        moment(asked["until"])
        if asked["v"] != 1 or not isinstance(asked["key"], str | None):
            _refuse(f"{path}: 不是本版本的问题文件 / not a question file of this version")
    except EvidenceError as error:
        _refuse(f"{path}: 不是问题文件，或已损坏，请向主场操作员重新索取 / not a question file, or damaged: {error}")
    return asked


def _check_key(asked: Object, own: str, path: Path) -> None:
    if asked["key"] not in (None, own):
        _refuse(f"{path}: 该问题登记的是另一把密钥 / another key was named for this question: {asked['key']}")


def _check_time(asked: Object, now: float) -> None:
    if moment(asked["until"]).timestamp() < now:
        _refuse(f"答复期限已过，问题已关闭 / the question is closed: answers were due until {_told(asked['until'])}")


def _price(asked: Object, confirm: bool | None) -> Object:
    """What the answer says to a corrected price; nothing where none was asked about."""
    if "price" not in asked:
        if confirm is not None:
            _refuse("该问题不涉及报价修正 / no price is to be confirmed: leave --confirm and --decline out")
        return {}
    if confirm is None:
        _refuse(f"请用 --confirm 或 --decline 表明是否确认 / say whether you confirm the price {asked['price']}")
    return {"price": asked["price"] if confirm else None}


def _said(text: str | None, path: Path | None) -> str:
    """The answer's words, from one place."""
    if (text is None) == (path is None):
        _refuse("请用 --text 或 --text-file 之一给出答复 / give the answer by --text or by --text-file")
    if path is not None:
        try:
            text = _read(path, MAX_TEXT_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError:
            _refuse(f"{path}: 不是 UTF-8 文本 / not a text in UTF-8")
    said = (text or "").strip()
    if not 1 <= len(said) <= MAX_TEXT:
        _refuse(f"答复应为 1 至 {MAX_TEXT} 字，现为 {len(said)} 字 / an answer has 1 to {MAX_TEXT} characters")
    return said


def _signer(path: Path) -> SoftwareSigner:
    if not path.is_file():
        _refuse(f"{path}: 没有这个文件；先运行 tongping bidder key / no such file: run `tongping bidder key` first")
    try:
        found = load_pem_private_key(read_private(path)[:MAX_KEY_BYTES], None)
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or not isinstance(found.curve, ec.SECP256R1):
        _refuse(f"{path}: 不是 tongping bidder key 生成的密钥 / not a key that `tongping bidder key` made")
    return SoftwareSigner(found)


def _read(path: Path, most: int) -> bytes:
    """The file's octets; refused before more than `most` of them are read."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        _refuse(f"{path}: 读不出来 / cannot be read: {error.strerror}")
    if len(data) > most:
        _refuse(f"{path}: 超过 {most} 字节 / larger than {most} bytes")
    return data


def _told(until: str) -> str:
    """The time in China, as people read it."""
    return moment(until).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _new(path: Path) -> None:
    if path.exists():
        _refuse(f"{path}: 已存在，不会覆盖 / exists; it is not replaced")


def _write(path: Path, data: bytes) -> None:
    try:
        write_private(path, data)
    except OSError as error:
        _refuse(f"{path}: 写不进去 / cannot be written: {error.strerror}")


def _refuse(why: str) -> NoReturn:
    raise BadSettings(why)

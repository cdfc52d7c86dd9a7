"""C2SP notes, checkpoints, cosignatures, policies and proofs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence.core.canonical import b64, unb64
from evidence.core.merkle import EMPTY_ROOT, Tree, leaf_hash
from evidence.core.note import (
    COSIGNATURE_V1,
    ED25519,
    MAX_NOTE,
    Checkpoint,
    Note,
    NoteSigner,
    SignatureLine,
    VerifierKey,
    check_names,
    read_checkpoint,
    sign,
    with_lines,
)
from evidence.core.policy import Policy
from evidence.core.proof import Proof
from evidence.errors import Malformed, NoQuorum, Untrusted

# The example of Go's golang.org/x/mod/sumdb/note, whose format C2SP signed-note specifies.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
# The example of C2SP signed-note: two blank lines, of which the last one ends the text.
C2SP_NOTE = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"  # noqa: E501
).encode()
ORIGIN = "centre.example/centre"
LOG = NoteSigner(ORIGIN, ED25519, Ed25519PrivateKey.from_private_bytes(bytes(32)))
CITIES = [
    NoteSigner(f"city{i}.example", COSIGNATURE_V1, Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32))
    for i in range(1, 5)
]
TREE = Tree([leaf_hash(bytes([i])) for i in range(9)])
CHECKPOINT = Checkpoint(ORIGIN, 9, TREE.root())
NOTE = sign(CHECKPOINT, LOG)
POLICY = Policy(LOG.vkey, tuple(c.vkey for c in CITIES), 3)


def cosigned(*cities: int, note: bytes = NOTE) -> bytes:
    text = Note.parse(note).text
    return with_lines(note, [CITIES[i].line(text, time=1000 + i) for i in cities])


def test_the_go_example_verifies() -> None:
    key = VerifierKey.parse(GO_VKEY)
    assert str(key) == GO_VKEY
    assert Note.parse(GO_NOTE).verify(key) == 0
    with pytest.raises(Untrusted):
        Note.parse(GO_NOTE.replace(b"answer", b"Answer")).verify(key)


def test_the_c2sp_example_is_split_at_its_last_blank_line() -> None:
    note = Note.parse(C2SP_NOTE)
    assert note.text.decode().endswith("sole:\n\ned è subito sera.\n")
    assert note.signatures[0].name == "quasimodo.example/salvatore"


def test_openssl_agrees_on_log_signatures_and_cosignatures(tmp_path: Path) -> None:
    """An independent program verifies what we signed: the note text, and `cosignature/v1`, `time <t>`, the text."""
    note = Note.parse(cosigned(0))
    log_line, witness_line = note.signatures
    assert witness_line.blob[:8] == (1000).to_bytes(8, "big")
    for signer, signed, signature in (
        (LOG, note.text, log_line.blob),
        (CITIES[0], b"cosignature/v1\ntime 1000\n" + note.text, witness_line.blob[8:]),
    ):
        key = Ed25519PublicKey.from_public_bytes(signer.vkey.public)
        (tmp_path / "key").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        (tmp_path / "signature").write_bytes(signature)
        for data, verdict in ((signed, 0), (signed + b"x", 1)):
            (tmp_path / "data").write_bytes(data)
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-inkey", "key", "-sigfile", "signature"]
            assert subprocess.run([*command, "-in", "data"], cwd=tmp_path, capture_output=True).returncode == verdict


def test_key_ids_cover_name_type_and_key() -> None:
    as_witness = VerifierKey(LOG.name, COSIGNATURE_V1, LOG.vkey.public)
    assert len({LOG.vkey.id, as_witness.id, CITIES[0].vkey.id}) == 3
    assert VerifierKey.parse(str(as_witness)) == as_witness


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", ""),
        GO_VKEY[:-4],
        GO_VKEY + "=",
        GO_VKEY + "\n",
        f"x+00000000+{b64(bytes([2]) + bytes(32))}",
    ],
)
def test_what_is_no_vkey(text: str) -> None:
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


def test_known_bad_rejects_and_unknown_is_ignored() -> None:
    """C2SP signed-note: a known key whose signature fails rejects the note; unknown keys are ignored."""
    forged = NOTE.decode().rstrip("\n")[:-8] + "AAAAAAA=\n"
    with pytest.raises(Untrusted):
        read_checkpoint(forged.encode(), LOG.vkey)
    assert read_checkpoint(cosigned(0, 1), LOG.vkey)[0] == CHECKPOINT
    with pytest.raises(Untrusted):
        read_checkpoint(NOTE, CITIES[0].vkey)
    impostor = NoteSigner(ORIGIN, ED25519, CITIES[0].key)
    with pytest.raises(Untrusted):
        read_checkpoint(sign(CHECKPOINT, impostor), LOG.vkey)
    both = with_lines(NOTE, [impostor.line(CHECKPOINT.text)])
    assert read_checkpoint(both, LOG.vkey)[0] == CHECKPOINT


def test_a_log_signature_is_no_cosignature_and_the_reverse() -> None:
    city = CITIES[0]
    as_log = NoteSigner(city.name, ED25519, city.key)
    relabelled = SignatureLine(city.name, city.vkey.id, Note.parse(sign(CHECKPOINT, as_log)).signatures[0].blob)
    with pytest.raises(Untrusted):
        Note(CHECKPOINT.text, (relabelled,)).verify(city.vkey)
    cosignature = SignatureLine.parse(city.line(CHECKPOINT.text, time=5)).blob
    for blob in (cosignature[8:], cosignature, cosignature[:8] + cosignature):
        with pytest.raises(Untrusted):
            Note(CHECKPOINT.text, (SignatureLine(city.name, as_log.vkey.id, blob),)).verify(as_log.vkey)


def test_the_time_is_signed() -> None:
    line = SignatureLine.parse(CITIES[0].line(CHECKPOINT.text, time=5))
    assert Note(CHECKPOINT.text, (line,)).verify(CITIES[0].vkey) == 5
    later = SignatureLine(line.name, line.key_id, (6).to_bytes(8, "big") + line.blob[8:])
    with pytest.raises(Untrusted):
        Note(CHECKPOINT.text, (later,)).verify(CITIES[0].vkey)


@pytest.mark.parametrize(
    "change",
    [
        lambda n: b"",
        lambda n: n[:-1],
        lambda n: n + b"\n",
        lambda n: n.replace(b"\n\n", b"\n"),
        lambda n: n.replace("—".encode(), b"-"),
        lambda n: n.replace(b"centre.example/centre ", b"centre.example/centre  "),
        lambda n: n + b"text\n",
        lambda n: n.replace(b"centre", b"cen\x00tre"),
        lambda n: n.replace(b"\n9\n", b"\r\n9\n"),
        lambda n: n.replace(b"centre", b"\xff"),
        lambda n: n + "— a AAAA\n".encode(),
        lambda n: n + "— a+b AAAAAAAA\n".encode(),
        lambda n: n + "— a AAAAAAB=\n".encode(),
        lambda n: n + "— a\u2003b AAAAAAAA\n".encode(),
        lambda n: n + "— a AAAAAAAA\n".encode() * 64,
        lambda n: b"x" * MAX_NOTE + n,
        lambda n: b"\n\n" + n.split(b"\n\n")[1],
    ],
)
def test_what_is_no_note(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(Note.parse(change(NOTE)).text)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n9\n{b64(bytes(32))}\nextension\n",
        f"{ORIGIN}\n09\n{b64(bytes(32))}\n",
        f"{ORIGIN}\n-1\n{b64(bytes(32))}\n",
        f"{ORIGIN}\n٩\n{b64(bytes(32))}\n",
        f"{ORIGIN}\n \n{b64(bytes(32))}\n",
        f"{ORIGIN}\n9\n{b64(bytes(31))}\n",
        f"{ORIGIN}\n9\n{b64(bytes(32))[:-2]}B=\n",
        f"\n9\n{b64(bytes(32))}\n",
        f"{ORIGIN}\n9\n",
        f"{ORIGIN}\n9\n{b64(bytes(32))}",
        f"{ORIGIN}\n{2**63}\n{b64(bytes(32))}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{b64(bytes(32))}\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text.encode())


def test_checkpoints_are_read_back() -> None:
    for checkpoint in (CHECKPOINT, Checkpoint(ORIGIN, 0, EMPTY_ROOT), Checkpoint(ORIGIN, 2**63 - 1, bytes(32))):
        assert Checkpoint.parse(checkpoint.text) == checkpoint
    check_names(NOTE, ORIGIN, 9)
    for origin, size in ((ORIGIN, 8), ("other", 9)):
        with pytest.raises(Malformed):
            check_names(NOTE, origin, size)


def test_a_line_is_added_once() -> None:
    once = cosigned(0)
    assert with_lines(once, [CITIES[0].line(CHECKPOINT.text, time=1000)]) == once


def test_the_policy_is_read_back() -> None:
    assert Policy.parse(str(POLICY)) == POLICY
    text = "# the cities\n" + str(POLICY).replace("\n", "  # comment\n", 1)
    assert Policy.parse(text) == POLICY


@pytest.mark.parametrize(
    "change",
    [
        lambda t: "",
        lambda t: t.replace("log ", "lug "),
        lambda t: t + f"log {LOG.vkey}\n",
        lambda t: t.replace("quorum cities", "quorum towns"),
        lambda t: t + "quorum cities\n",
        lambda t: t.replace("group cities 3", "group cities 5"),
        lambda t: t.replace("group cities 3", "group cities 0"),
        lambda t: t.replace("group cities 3", "group cities -1"),
        lambda t: t.replace("group cities 3", "group cities ٣"),
        lambda t: t.replace("group cities 3 w1 w2", "group cities 3 w1 w1"),
        lambda t: t.replace("group cities 3 w1", "group cities 3 w9"),
        lambda t: t.replace("witness w2", "witness w1"),
        lambda t: t.replace(str(CITIES[0].vkey), str(LOG.vkey)),
        lambda t: t.replace(f"log {LOG.vkey}", f"log {CITIES[0].vkey}"),
        lambda t: t + "something else\n",
        lambda t: t.replace(str(CITIES[1].vkey), str(CITIES[0].vkey)),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(Malformed):
        Policy.parse(change(str(POLICY)))


def test_a_quorum_counts_known_witnesses_once() -> None:
    assert POLICY.check(cosigned(0, 1, 3), LOG.vkey) == CHECKPOINT
    for note in (NOTE, cosigned(0, 1)):
        with pytest.raises(NoQuorum):
            POLICY.check(note, LOG.vkey)
    text = CHECKPOINT.text
    twice = with_lines(cosigned(0, 1), [CITIES[0].line(text, time=7)])
    with pytest.raises(NoQuorum):
        POLICY.check(twice, LOG.vkey)
    stranger = NoteSigner("city9.example", COSIGNATURE_V1, Ed25519PrivateKey.generate())
    with pytest.raises(NoQuorum):
        POLICY.check(with_lines(cosigned(0, 1), [stranger.line(text, time=7)]), LOG.vkey)
    wrong_key = NoteSigner(CITIES[2].name, COSIGNATURE_V1, stranger.key)
    with pytest.raises(NoQuorum):
        POLICY.check(with_lines(cosigned(0, 1), [wrong_key.line(text, time=7)]), LOG.vkey)


def test_a_stored_note_has_no_octet_without_a_meaning() -> None:
    assert POLICY.check_exactly(cosigned(0, 1, 2), LOG.vkey)
    stranger = NoteSigner("city9.example", COSIGNATURE_V1, Ed25519PrivateKey.generate())
    for line in (stranger.line(CHECKPOINT.text, time=7), CITIES[0].line(CHECKPOINT.text, time=7)):
        note = with_lines(cosigned(0, 1, 2), [line])
        assert POLICY.check(note, LOG.vkey)
        with pytest.raises(Untrusted):
            POLICY.check_exactly(note, LOG.vkey)


def proof(index: int = 4) -> Proof:
    return Proof(index, tuple(TREE.inclusion(index, 9)), cosigned(0, 1, 2))


def test_a_receipt_is_read_back_and_proves_its_entry() -> None:
    for index in range(9):
        read = Proof.parse(bytes(proof(index)))
        assert read == proof(index)
        assert read.check(TREE.leaf(index), POLICY, LOG.vkey) == CHECKPOINT
        with pytest.raises(Untrusted):
            read.check(TREE.leaf((index + 1) % 9), POLICY, LOG.vkey)
    with pytest.raises(NoQuorum):
        Proof(4, proof().hashes, cosigned(0, 1)).check(TREE.leaf(4), POLICY, LOG.vkey)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: b"",
        lambda p: p.replace(b"@v1", b"@v2"),
        lambda p: p.replace(b"index 4", b"index 04"),
        lambda p: p.replace(b"index 4", b"index -4"),
        lambda p: p.replace(b"index 4", "index ٤".encode()),
        lambda p: p.replace(b"index 4", "index ²".encode()),
        lambda p: p.replace(b"index 4", b"index " + b"4" * 5000),
        lambda p: p.replace(b"index 4", b"index"),
        lambda p: p.replace(b"index 4\n", b"extra AAAA\nindex 4\n"),
        lambda p: p.replace(b"\n\n", b"\n", 1),
        lambda p: p.replace(b"=\n", b"\n", 1),
        lambda p: b"\xff" + p,
    ],
)
def test_what_is_no_proof(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Malformed):
        Proof.parse(change(bytes(proof()))).check(TREE.leaf(4), POLICY, LOG.vkey)


def test_a_known_public_key_is_standard_base64() -> None:
    assert unb64(str(LOG.vkey).split("+", 2)[2])[0] == ED25519

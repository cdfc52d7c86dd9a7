"""A log that goes on under another origin, judged by the offline verifier (docs/protocol.md 11.2, `sessions.
verify_continued`): whatever is altered is refused, each for its own reason.

The forger has the keys of all logs, of the main centre and of every witness. Nodes' statements, receipts of what is
gone, another centre's confirmation and persons' acts are not his to make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from evidence.core import act as acts
from evidence.core import entry as entry_form
from evidence.core.act import Act
from evidence.core.canonical import Object, b64u, decode_object, encode, sha256, unb64u
from evidence.core.entry import Draft, Entry
from evidence.core.merkle import Tree, leaf_hash
from evidence.core.note import Checkpoint, sign, with_lines
from evidence.core.proof import Proof
from sessions import verify_continued
from sessions.core import contents
from sessions.core.continued import Leaf, packed
from tests.sessions import drive
from tests.verify.finished import judged, pack
from tests.verify.lost import Lost, lose
from tests.verify.test_forged import rebuilt

OPENED, OPENED_PROOF = contents.opened_names(2)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    return lose(tmp_path_factory.mktemp("lost"))


@dataclass
class Forger:
    """The file with other entries and other objects, every log's signature and every witness's made anew."""

    lost: Lost

    @property
    def said(self) -> Object:
        """The body of `log.continue`."""
        act = self.lost.entries[self.lost.left].act
        assert act is not None
        return act.body

    def note(self, size: int, root: bytes, *, witnesses: int = 3, log: str = "") -> bytes:
        """A checkpoint of one of the logs, by so many witnesses."""
        checkpoint = Checkpoint(log or self.lost.former, size, root)
        signed = sign(checkpoint, self.lost.keyring.stolen[log or self.lost.former])
        return with_lines(signed, [w.line(checkpoint.text, time=1) for w in self.lost.witnesses[:witnesses]])

    def signed(self, old: Act, body: Object, **changed: Any) -> Act:
        """The act by the main centre, saying this."""
        given = {"aud": old.aud, "ctr": old.ctr, "iat": old.iat, "prev": old.prev, "seen": old.seen}
        return acts.make(self.lost.keyring.identity, act=old.act, sub=drive.MAIN, body=body, **{**given, **changed})

    def resigned(self, n: int, body: Object, **changed: Any) -> bytes:
        """Entry n with such an act."""
        old = self.lost.entries[n].act
        assert old is not None
        return rebuilt(self.lost.entries[n], act=self.signed(old, body, **changed).jws)

    def saying(self, *objects: bytes, **changes: Any) -> dict[str, bytes]:
        """`log.continue` with other members, and these objects in the file."""
        body = {**self.said, **changes}
        return self.with_entries({self.lost.left: self.resigned(self.lost.left, body)}, objects)

    def with_entries(self, changed: dict[int, bytes], objects: Iterable[bytes] = ()) -> dict[str, bytes]:
        """The log with these entries. What it states of its own checkpoints after them is made to fit."""
        tree, made, notes = Tree(), [], list(objects)
        for entry in self.lost.entries:
            data = changed.get(entry.n, entry.data)
            if entry.type == "Witnessed" and entry.n > min(changed):
                size = entry.body["size"]
                notes.append(self.note(size, tree.root(size), log=entry.origin))
                stated = {"root": b64u(tree.root(size)), "note": b64u(sha256(notes[-1]))}
                data = rebuilt(entry, body={**entry.body, **stated})
            tree.append(leaf_hash(data))
            made.append(data)
        files = self.lost.forged(made)
        before = contents.objects(self.lost.entries)
        cited = contents.objects(map(entry_form.parse, made))
        files = {name: data for name, data in files.items() if name not in before or name in cited}
        return files | {contents.object_name(sha256(data)): data for data in notes}

    def opening(self, continues: Object | None) -> bytes:
        """`ProceedingOpened` that continues this; None: nothing."""
        opened = entry_form.parse(self.lost.files[OPENED])
        old = opened.act
        assert old is not None
        body = {name: value for name, value in {**old.body, "continues": continues}.items() if value is not None}
        return rebuilt(opened, act=self.signed(old, body).jws)

    def opened_anew(self, opened: Object | None, *objects: bytes, **said: Any) -> dict[str, bytes]:
        """Another opening of the log that goes on, which `log.continue` cites."""
        made = self.opening(opened)
        opening = {**self.said["opening"], "leaf": b64u(entry_form.parse(made).leaf)}
        return self.saying(*objects, opening=opening, **said) | {OPENED: made, OPENED_PROOF: self.lost.proof(made)}

    def invented(self, n: int, kind: str) -> Entry:
        """An entry of the missing range that never was."""
        draft = Draft(kind, {})
        return entry_form.write(draft, n=n, origin=self.lost.former, at="2026-11-21T09:00:00.000Z", salt=bytes(16))

    def gone(self, n: int, kind: str) -> tuple[Leaf, bytes]:
        """Such an entry with a receipt under the quorum."""
        entry, tree = self.invented(n, kind), Tree([each.leaf for each in self.lost.entries[: self.lost.left]])
        for each, _ in self.lost.gone[: n - self.lost.left]:
            tree.append(each.leaf)
        tree.append(entry.leaf)
        proof = Proof(n, tuple(tree.inclusion(n, n + 1)), self.note(n + 1, tree.root()))
        data = packed(entry.data, bytes(proof))
        return Leaf(n, entry.leaf, None, None, sha256(data)), data


def statement_removed(forger: Forger) -> dict[str, bytes]:
    return forger.saying(held=forger.said["held"][1:])


def statement_of_nobody(forger: Forger) -> dict[str, bytes]:
    head, payload, signature = forger.said["held"][0].split(".")
    other = ("A" if signature[5] != "A" else "B").join((signature[:5], signature[6:]))
    return forger.saying(held=[f"{head}.{payload}.{other}", *forger.said["held"][1:]])


def node_called_absent(forger: Forger) -> dict[str, bytes]:
    return forger.saying(held=forger.said["held"][1:], absent=["nobody.example"])


def note_without_witness(forger: Forger) -> dict[str, bytes]:
    said = forger.said["witnessed"]
    note = forger.note(said["size"], unb64u(said["root"], 32), witnesses=0)
    return forger.saying(note, witnessed={**said, "note": b64u(sha256(note))})


def note_of_what_is_left(forger: Forger) -> dict[str, bytes]:
    left = forger.said["continues"]
    note = forger.note(left["size"], unb64u(left["root"], 32))
    return forger.saying(note, witnessed={**forger.said["witnessed"], "note": b64u(sha256(note))})


def range_smaller(forger: Forger) -> dict[str, bytes]:
    a, w = forger.said["missing"]
    return forger.saying(missing=[a, w - 1])


def range_smaller_everywhere(forger: Forger) -> dict[str, bytes]:
    a, w = forger.said["missing"]
    return forger.saying(
        missing=[a, w - 1],
        continues={**forger.said["continues"], "witnessed": w - 1},
        witnessed={**forger.said["witnessed"], "size": w - 1},
    )


def range_smaller_and_opened_so(forger: Forger) -> dict[str, bytes]:
    """Witnesses and centre say so, too: the nodes' statements do not."""
    a, w = forger.said["missing"]
    root = sha256(b"root of fewer")
    note = forger.note(w - 1, root)
    continues = {**forger.said["continues"], "witnessed": w - 1}
    witnessed = {"size": w - 1, "root": b64u(root), "note": b64u(sha256(note))}
    return forger.opened_anew(continues, note, missing=[a, w - 1], continues=continues, witnessed=witnessed)


def opening_of_another_prefix(forger: Forger) -> dict[str, bytes]:
    return forger.opened_anew({**forger.said["continues"], "root": b64u(sha256(b"another history"))})


def opening_that_continues_nothing(forger: Forger) -> dict[str, bytes]:
    return forger.opened_anew(None)


def opening_left_out(forger: Forger) -> dict[str, bytes]:
    return {name: data for name, data in forger.lost.files.items() if name not in (OPENED, OPENED_PROOF)}


def another_opening_cited(forger: Forger) -> dict[str, bytes]:
    return forger.saying(opening={**forger.said["opening"], "leaf": b64u(bytes(32))})


def checkpoint_of_another_log(forger: Forger) -> dict[str, bytes]:
    """The same tree, which the log that goes on signed."""
    left = forger.said["continues"]
    note = forger.note(left["size"], unb64u(left["root"], 32), log=forger.lost.origin)
    return forger.saying(note, checkpoint=b64u(sha256(note)))


def checkpoint_of_another_size(forger: Forger) -> dict[str, bytes]:
    size = forger.lost.left - 1
    tree = Tree([entry.leaf for entry in forger.lost.entries[:size]])
    note = forger.note(size, tree.root())
    return forger.saying(note, checkpoint=b64u(sha256(note)))


def known_is_another(forger: Forger) -> dict[str, bytes]:
    """The object is that of the row, and the row names another leaf."""
    (row,) = forger.said["known"]
    return forger.saying(known=[[row[0], b64u(bytes(32)), *row[2:]]])


def known_but_never_witnessed(forger: Forger) -> dict[str, bytes]:
    """An entry with the receipt of another one."""
    (row,) = forger.said["known"]
    proof = forger.lost.gone[-1][1]
    entry = forger.invented(forger.lost.gone[-1][0].n, "LookNoted")
    data = packed(entry.data, proof)
    made = Leaf(entry.n, entry.leaf, None, None, sha256(data))
    return forger.saying(data, known=sorted([row, made.json], key=lambda each: each[0]))


def known_makes_it_too_late(forger: Forger) -> dict[str, bytes]:
    leaf, data = forger.gone(forger.lost.left + 5, "SheetsOpened")
    return forger.saying(data, known=sorted([*forger.said["known"], leaf.json], key=lambda each: each[0]))


def confirmed_by_the_main_centre(forger: Forger) -> dict[str, bytes]:
    n = forger.lost.left + 1
    continued, confirmed = (forger.lost.entries[each].act for each in (n - 1, n))
    assert continued is not None
    assert confirmed is not None
    return forger.with_entries({n: forger.resigned(n, confirmed.body, ctr=continued.ctr + 1, prev=continued.id)})


def goes_on_without_saying_so(forger: Forger) -> dict[str, bytes]:
    entry = forger.lost.entries[forger.lost.left]
    changed = encode({**decode_object(entry.data), "type": "LookNoted"})
    return forger.with_entries({entry.n: changed})


def again(lost: Lost) -> list[Entry]:
    """Entries with acts that came again."""
    own = lost.entries[lost.left :]
    return [entry for entry in own if entry.act is not None and entry.act.aud == lost.former]


def resubmitted_act_altered(forger: Forger) -> dict[str, bytes]:
    entry = again(forger.lost)[0]
    assert entry.act is not None
    head, payload, signature = entry.act.jws.split(".")
    raw = unb64u(signature)
    jws = f"{head}.{payload}.{b64u(bytes([raw[0] ^ 1]) + raw[1:])}"
    return forger.with_entries({entry.n: rebuilt(entry, act=jws)})


def verdict_of_an_act_altered(forger: Forger) -> dict[str, bytes]:
    entry = next(entry for entry in forger.lost.entries if entry.type == "OfflineAct")
    return forger.with_entries({entry.n: rebuilt(entry, body={**entry.body, "result": "refused", "code": "x"})})


Alter = Callable[[Forger], dict[str, bytes]]
SHOWN: list[tuple[Alter, str, str]] = [
    (note_without_witness, "untrusted", "no witness of the policy cosigned"),
    (note_of_what_is_left, "untrusted", "the note shows another tree"),
    (range_smaller, "malformed", "what is missing lies between"),
    (range_smaller_everywhere, "untrusted", "the log goes on otherwise than its opening says"),
    (opening_of_another_prefix, "untrusted", "is not what its successor's opening says"),
    (another_opening_cited, "untrusted", "the log goes on otherwise than its opening says"),
    (checkpoint_of_another_log, "untrusted", "the log did not sign this checkpoint"),
    (checkpoint_of_another_size, "untrusted", "signed something else than what is left"),
    (known_is_another, "untrusted", "is known as another one"),
    (known_but_never_witnessed, "untrusted", "the leaf is not in the tree"),
    (known_makes_it_too_late, "continuation-too-late", "was witnessed, and is gone"),
    (goes_on_without_saying_so, "untrusted", "the log goes on without saying so"),
]
"""What `sessions.verify_continued.check` alone looks at: nothing of it is a rule of the fold."""
DECIDED: list[tuple[Alter, str, str, str]] = [
    (opening_that_continues_nothing, "centre-log", "untrusted", "does not continue the log before it"),
    (opening_left_out, "entries", "untrusted", ""),
    (statement_removed, "rules", "continuation-refused", "or is absent"),
    (node_called_absent, "rules", "continuation-refused", "or is absent"),
    (statement_of_nobody, "rules", "untrusted", "signature"),
    (range_smaller_and_opened_so, "rules", "continuation-refused", "no node's record goes as far"),
    (confirmed_by_the_main_centre, "rules", "continuation-refused", "another centre than the main one"),
    (resubmitted_act_altered, "rules", "untrusted", "signature"),
    (verdict_of_an_act_altered, "rules", "untrusted", "the rules yield another OfflineAct"),
]


def test_the_file_is_valid_and_says_what_is_gone(lost: Lost) -> None:
    """Counted by the test from the log and from what the seats had signed."""
    verdict = judged(pack(lost.files), lost.policy)
    assert verdict.outcome == "valid", verdict.steps[-1]
    assert "continued" in verdict.flags
    assert verify_continued.BELOW not in verdict.flags
    (gone,) = verdict.continued
    assert (gone.log, gone.missing, gone.known, gone.again) == (lost.origin, len(lost.gone), 1, len(again(lost)))
    assert len(again(lost)) == 3
    # The forger's tools work: else what follows would prove nothing.
    assert judged(pack(Forger(lost).saying()), lost.policy).steps[-1].name == "rules"


def segments(entries: Iterable[Entry]) -> list[Any]:
    return [segment for entry in entries if entry.type == "SegmentsClosed" for segment in entry.body["segments"]]


def test_what_was_recorded_of_it_is_a_declared_gap(lost: Lost) -> None:
    """The log alone had named it: nothing names it again, and what the worker had not been told to forget comes."""
    stated = segments(entry for entry, _ in lost.gone)
    assert stated
    assert segments(lost.entries[lost.left :])
    named = {segment["sha256"] for segment in segments(lost.entries)}
    verdict = judged(pack(lost.files), lost.policy)
    for track in verdict.tracks:
        gone = [each for each in stated if (each["room"], each["kind"]) == (track.room, track.kind)]
        assert not {each["sha256"] for each in gone} & named
        assert sum(end - start for start, end in track.gaps) >= sum(each["t1"] - each["t0"] for each in gone)


@pytest.mark.parametrize(("alter", "code", "said"), SHOWN)
def test_what_is_shown_of_the_former_log_is_checked(
    lost: Lost, alter: Alter, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the check the file passes this step: then nothing but the acts that saw the true log hold it up."""
    data = pack(alter(Forger(lost)))
    step = judged(data, lost.policy).steps[-1]
    assert (step.name, step.code) == ("checkpoints", code), step
    assert said in step.detail
    monkeypatch.setattr(verify_continued, "check", lambda *given: ([], []))
    assert "checkpoints" in [step.name for step in judged(data, lost.policy).steps if not step.code]


@pytest.mark.parametrize(("alter", "name", "code", "said"), DECIDED)
def test_what_nodes_centres_and_people_said_is_decided_again(
    lost: Lost, alter: Alter, name: str, code: str, said: str
) -> None:
    step = judged(pack(alter(Forger(lost))), lost.policy).steps[-1]
    assert (step.name, step.code) == (name, code), step
    assert said in step.detail


def test_fewer_witnesses_than_the_quorum_are_named(lost: Lost) -> None:
    """One is enough that the entries were there, and the verdict says that it was no quorum."""
    said = Forger(lost).said["witnessed"]
    note = Forger(lost).note(said["size"], unb64u(said["root"], 32), witnesses=1)
    files = Forger(lost).saying(note, witnessed={**said, "note": b64u(sha256(note))})
    assert verify_continued.BELOW in judged(pack(files), lost.policy).flags

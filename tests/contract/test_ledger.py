"""The promises of `evidence.ports.Ledger`, on memory, SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from evidence.core.act import Act, parse
from evidence.core.canonical import b64u, unb64u
from evidence.core.envelope import ORDER
from evidence.core.note import Note
from evidence.errors import LostLease, Malformed, RepeatedAct, StaleSize, UnknownLog
from evidence.ports import Ledger, StoredDisclosure
from tests.contract.ledgers import LOG, ORIGIN, OTHER, WITNESSES, Ledgers, act, checkpoint, entry, row

pytestmark = pytest.mark.asyncio


async def founded(ledger: Ledger, origin: str = ORIGIN) -> int:
    return await ledger.lease(origin, "web-1", 60)


async def test_appended_entries_are_read_back_octet_for_octet(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        entries = row(0, 5)
        assert await ledger.append(ORIGIN, entries[:2], expected_size=0, epoch=epoch) == 2
        assert await ledger.append(ORIGIN, entries[2:], expected_size=2, epoch=epoch) == 5
    async with ledgers.reopen() as again:
        assert await again.size(ORIGIN) == 5
        assert await again.entries(ORIGIN, 0, 99) == [e.data for e in entries]
        assert await again.entries(ORIGIN, 1, 3) == [e.data for e in entries[1:3]]
        assert await again.leaves(ORIGIN, 4, 5) == [entries[4].leaf]
        assert await again.entries(ORIGIN, 5, 9) == []
        assert await again.origins() == [ORIGIN]


async def test_a_log_that_was_never_leased_is_unknown(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        for read in (
            ledger.size(ORIGIN),
            ledger.entries(ORIGIN, 0, 1),
            ledger.leaves(ORIGIN, 0, 1),
            ledger.act_index(ORIGIN, bytes(32)),
            ledger.checkpoint(ORIGIN),
            ledger.checkpoints(ORIGIN),
            ledger.disclosures(ORIGIN, ["x"]),
            ledger.erase(ORIGIN, ["x"]),
            ledger.add_cosignatures(ORIGIN, 1, []),
        ):
            with pytest.raises(UnknownLog):
                await read
        assert await ledger.origins() == []
        with pytest.raises(LostLease):
            await ledger.append(ORIGIN, row(0, 1), expected_size=0, epoch=1)


async def test_an_append_at_another_size_is_stale(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        await ledger.append(ORIGIN, row(0, 2), expected_size=0, epoch=epoch)
        for size in (0, 1, 3):
            with pytest.raises(StaleSize) as caught:
                await ledger.append(ORIGIN, row(size, size + 1), expected_size=size, epoch=epoch)
            assert (caught.value.expected, caught.value.actual) == (size, 2)
        assert await ledger.size(ORIGIN) == 2


async def test_entries_written_for_another_place_are_refused(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        twice = act(1)
        for entries in (
            [],
            row(1, 2),
            [entry(0), entry(2)],
            [entry(0), entry(0)],
            row(0, 1, OTHER),
            [entry(0, act=twice), entry(1, act=twice)],
        ):
            with pytest.raises(Malformed):
                await ledger.append(ORIGIN, entries, expected_size=0, epoch=epoch)
        assert await ledger.size(ORIGIN) == 0


async def test_of_two_appends_at_one_size_one_wins(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as one, ledgers.reopen() as two:
        epoch = await founded(one)
        appends = [
            ledger.append(ORIGIN, [entry(0, body=i)], expected_size=0, epoch=epoch)
            for i, ledger in enumerate([one, two] * 5)
        ]
        results = await asyncio.gather(*appends, return_exceptions=True)
        assert [r for r in results if isinstance(r, int)] == [1]
        assert all(isinstance(r, StaleSize) for r in results if not isinstance(r, int))
        assert await two.size(ORIGIN) == 1


async def test_an_act_stands_in_a_log_once(ledgers: Ledgers) -> None:
    """protocols.md 1.3: the act id is unique in a log; a malleated signature does not make a second act."""
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        await ledger.append(ORIGIN, [entry(0), entry(1, act=act(1))], expected_size=0, epoch=epoch)
        assert await ledger.act_index(ORIGIN, act(1).id) == 1
        assert await ledger.act_index(ORIGIN, act(2).id) is None
        for repeated in (act(1), malleated(act(1).jws)):
            with pytest.raises(RepeatedAct) as caught:
                await ledger.append(ORIGIN, [entry(2), entry(3, act=repeated)], expected_size=2, epoch=epoch)
            assert caught.value.index == 1
        assert await ledger.size(ORIGIN) == 2
        other = await founded(ledger, OTHER)
        assert await ledger.append(OTHER, [entry(0, OTHER, act=act(1))], expected_size=0, epoch=other) == 1


def malleated(jws: str) -> Act:
    head, _, tail = jws.rpartition(".")
    signature = unb64u(tail)
    s = ORDER - int.from_bytes(signature[32:], "big")
    return parse(head + "." + b64u(signature[:32] + s.to_bytes(32, "big")))


async def test_a_process_that_lost_its_epoch_appends_nothing_and_signs_nothing(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as old, ledgers.reopen() as new:
        first = await old.lease(ORIGIN, "web-1", 0)
        await old.append(ORIGIN, row(0, 1), expected_size=0, epoch=first)
        second = await new.lease(ORIGIN, "web-2", 60)
        assert second > first
        for write in (
            old.append(ORIGIN, row(1, 2), expected_size=1, epoch=first),
            old.put_checkpoint(ORIGIN, 1, checkpoint(row(0, 1)), epoch=first),
            old.renew(ORIGIN, first, 60),
            old.append(ORIGIN, row(1, 2), expected_size=1, epoch=second + 1),
        ):
            with pytest.raises(LostLease):
                await write
        await old.release(ORIGIN, first)
        with pytest.raises(LostLease):
            await old.lease(ORIGIN, "web-1", 60)
        assert await new.size(ORIGIN) == 1
        assert await new.checkpoint(ORIGIN) is None
        assert await new.append(ORIGIN, row(1, 2), expected_size=1, epoch=second) == 2


async def test_a_running_lease_is_refused_to_others_and_given_again_to_its_owner(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        first = await ledger.lease(ORIGIN, "web-1", 60)
        with pytest.raises(LostLease):
            await ledger.lease(ORIGIN, "web-2", 60)
        again = await ledger.lease(ORIGIN, "web-1", 60)
        assert again == first + 1
        await ledger.release(ORIGIN, again)
        assert await ledger.lease(ORIGIN, "web-2", 60) == again + 1
        with pytest.raises(LostLease):
            await ledger.renew(ORIGIN, again, 60)


async def test_a_renewed_lease_runs_on(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await ledger.lease(ORIGIN, "web-1", 0)
        await ledger.renew(ORIGIN, epoch, 60)
        with pytest.raises(LostLease):
            await ledger.lease(ORIGIN, "web-2", 60)
        assert await ledger.append(ORIGIN, row(0, 1), expected_size=0, epoch=epoch) == 1


async def test_a_failing_append_does_not_fail_the_others_of_its_bundle(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        names = [f"centre.example/proceedings/{i:02d}" for i in range(20)]
        epochs = [await founded(ledger, name) for name in names]
        appends = [
            ledger.append(name, row(i % 2, i % 2 + 3, name), expected_size=i % 2, epoch=epoch, outbox=[b"x"])
            for i, (name, epoch) in enumerate(zip(names, epochs, strict=True))
        ]
        results = await asyncio.gather(*appends, return_exceptions=True)
        for i, (name, result) in enumerate(zip(names, results, strict=True)):
            if i % 2:
                assert isinstance(result, StaleSize)
            assert await ledger.size(name) == (0 if i % 2 else 3)
        assert sorted(m.origin for m in await ledger.outbox(99)) == names[::2]


async def test_disclosures_and_outbox_are_stored_with_their_entries_or_not_at_all(ledgers: Ledgers) -> None:
    kept = StoredDisclosure("digest-1", "text-1", "case")
    lost = StoredDisclosure("digest-2", "text-2", "person")
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        await ledger.append(ORIGIN, row(0, 1), [kept], expected_size=0, epoch=epoch, outbox=[b"one", b"two"])
        with pytest.raises(StaleSize):
            await ledger.append(ORIGIN, row(0, 1), [lost], expected_size=0, epoch=epoch, outbox=[b"never"])
        await ledger.append(ORIGIN, row(1, 2), [kept], expected_size=1, epoch=epoch)
        assert await ledger.disclosures(ORIGIN, ["digest-1", "digest-2", "digest-3"]) == {"digest-1": kept}
        await founded(ledger, OTHER)
        assert await ledger.disclosures(OTHER, ["digest-1"]) == {}
        messages = await ledger.outbox(99)
        assert [(m.origin, m.body) for m in messages] == [(ORIGIN, b"one"), (ORIGIN, b"two")]
        assert await ledger.outbox(1) == messages[:1]
        await ledger.settle([messages[0].id])
        await ledger.settle([messages[0].id])
    async with ledgers.reopen() as again:
        assert await again.outbox(99) == messages[1:]


async def test_the_first_checkpoint_of_a_size_is_the_only_one(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        entries = row(0, 3)
        await ledger.append(ORIGIN, entries, expected_size=0, epoch=epoch)
        assert await ledger.checkpoint(ORIGIN) is None
        first = checkpoint(entries)
        assert await ledger.put_checkpoint(ORIGIN, 3, first, epoch=epoch) == first
        fork = checkpoint([*entries[:2], entry(2, body="another")])
        assert fork != first
        assert await ledger.put_checkpoint(ORIGIN, 3, fork, epoch=epoch) == first
        two = await ledger.put_checkpoint(ORIGIN, 2, checkpoint(entries[:2]), epoch=epoch)
    async with ledgers.reopen() as again:
        assert await again.checkpoint(ORIGIN) == first
        assert await again.checkpoint(ORIGIN, 2) == two
        assert await again.checkpoint(ORIGIN, 1) is None
        assert await again.checkpoints(ORIGIN) == [two, first]


async def test_a_checkpoint_covers_committed_entries_of_its_own_log(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        await ledger.append(ORIGIN, row(0, 1), expected_size=0, epoch=epoch)
        with pytest.raises(StaleSize):
            await ledger.put_checkpoint(ORIGIN, 2, checkpoint(row(0, 2)), epoch=epoch)
        for size, note in ((1, checkpoint(row(0, 2))), (1, b"no note"), (0, checkpoint(row(0, 1)))):
            with pytest.raises(Malformed):
                await ledger.put_checkpoint(ORIGIN, size, note, epoch=epoch)
        other = await founded(ledger, OTHER)
        await ledger.append(OTHER, row(0, 1, OTHER), expected_size=0, epoch=other)
        with pytest.raises(Malformed):
            await ledger.put_checkpoint(OTHER, 1, checkpoint(row(0, 1)), epoch=other)
        assert await ledger.checkpoints(ORIGIN) == []


async def test_a_checkpoint_only_grows_by_cosignatures(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        await ledger.append(ORIGIN, row(0, 1), expected_size=0, epoch=epoch)
        note = await ledger.put_checkpoint(ORIGIN, 1, checkpoint(row(0, 1)), epoch=epoch)
        text = Note.parse(note).text
        lines = [w.line(text, time=100) for w in WITNESSES]
        assert await ledger.add_cosignatures(ORIGIN, 1, lines[:1]) == note + lines[0].encode()
        later = WITNESSES[0].line(text, time=200)
        grown = await ledger.add_cosignatures(ORIGIN, 1, [later, lines[1], LOG.line(text), lines[1]])
        assert grown == note + lines[0].encode() + lines[1].encode()
        assert await ledger.add_cosignatures(ORIGIN, 1, []) == grown
        for line in ("", "x", "— a b", lines[2] + lines[2], lines[2].rstrip("\n"), "\n" + lines[2]):
            with pytest.raises(Malformed):
                await ledger.add_cosignatures(ORIGIN, 1, [line])
        with pytest.raises(UnknownLog):
            await ledger.add_cosignatures(ORIGIN, 7, lines)
        assert await ledger.checkpoint(ORIGIN) == grown
        assert await ledger.checkpoints(ORIGIN) == [grown]
        assert await ledger.put_checkpoint(ORIGIN, 1, note, epoch=epoch) == grown


async def test_two_processes_bring_cosignatures_at_once(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as one, ledgers.reopen() as two:
        epoch = await founded(one)
        await one.append(ORIGIN, row(0, 1), expected_size=0, epoch=epoch)
        note = await one.put_checkpoint(ORIGIN, 1, checkpoint(row(0, 1)), epoch=epoch)
        text = Note.parse(note).text
        await asyncio.gather(
            *(
                ledger.add_cosignatures(ORIGIN, 1, [w.line(text, time=time)])
                for w in WITNESSES
                for time, ledger in enumerate((one, two, one, two))
            )
        )
        signatures = Note.parse(await two.checkpoint(ORIGIN) or b"").signatures
        assert sorted(s.name for s in signatures) == sorted([LOG.name, *(w.name for w in WITNESSES)])


async def test_a_thousand_entries_in_one_append(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        entries = row(0, 1000)
        entries[10] = dataclasses.replace(entry(10, act=act(10)))
        assert await ledger.append(ORIGIN, entries, expected_size=0, epoch=epoch) == 1000
        assert await ledger.leaves(ORIGIN, 0, 1000) == [e.leaf for e in entries]


async def test_a_disclosure_is_handed_in_later_and_the_first_text_wins(ledgers: Ledgers) -> None:
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        one, two = (StoredDisclosure(name, f"text of {name}", "person") for name in ("one", "two"))
        await ledger.append(ORIGIN, row(0, 1), [one], expected_size=0, epoch=epoch)
        await ledger.disclose(ORIGIN, [StoredDisclosure("one", "another", "case"), two], epoch=epoch)
        with pytest.raises(LostLease):
            await ledger.disclose(ORIGIN, [StoredDisclosure("three", "3", "case")], epoch=epoch + 1)
    async with ledgers.reopen() as again:
        assert await again.disclosures(ORIGIN, ["one", "two", "three"]) == {"one": one, "two": two}


async def test_an_erased_disclosure_is_gone_and_its_entry_stands(ledgers: Ledgers) -> None:
    """protocols.md 5: the digest stays and the log still verifies."""
    async with ledgers.reopen() as ledger:
        epoch = await founded(ledger)
        told = [StoredDisclosure(name, f"text of {name}", "person") for name in ("one", "two")]
        await ledger.append(ORIGIN, row(0, 2), told, expected_size=0, epoch=epoch)
        other = await founded(ledger, OTHER)
        await ledger.append(OTHER, row(0, 1, OTHER), told[:1], expected_size=0, epoch=other)
        await ledger.erase(ORIGIN, ["one", "three"])
        await ledger.erase(ORIGIN, [])
    async with ledgers.reopen() as again:
        assert set(await again.disclosures(ORIGIN, ["one", "two"])) == {"two"}
        assert set(await again.disclosures(OTHER, ["one"])) == {"one"}
        assert await again.size(ORIGIN) == 2

"""A custodian's table and pool (protocols.md 4(1), 4(2); 实施条例 9): what is refused, and what names nobody."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from io import StringIO

import pytest

from evaluation.adapters import table_csv
from evaluation.core import conflicts, draw, experts
from evaluation.core import pool as pools
from evaluation.draw_errors import DrawRefused
from evaluation.errors import ImportRefused
from evidence.core.canonical import b64u, decode_object, encode, unb64u
from evidence.errors import Malformed
from tests.evaluation.plain_draw import h, merkle, t
from tests.recompute_draw import conflicted
from tests.sessions.drive import CODES
from web.server.pool_commands import COLUMNS, NONE

DAY = "2026-11-23"
HEAD = list(COLUMNS)
PERIOD = f"{CODES[0]} 2020-01-01/"


def row(n: int, **changed: str) -> dict[str, str]:
    plain = {
        "编号": f"E-{n:03}",
        "姓名": f"专家{n}",
        "专业": ("法律", "信息技术")[n % 2],
        "地区": ("珠海", "中山")[n % 3 % 2],
    }
    rest = {"工作单位": f"某大学{n}", **dict.fromkeys(HEAD[5:9], NONE), "联系电话": f"1380000{n:04}"}
    return plain | rest | changed


ROWS = [row(n) for n in range(10)]
ROWS += [row(10, 任职单位及期间=f"{PERIOD}; {CODES[1]} 2010-01-01/2012-01-01"), row(11, 负责人亲属单位=CODES[2])]


def table(rows: list[dict[str, str]], head: list[str] | None = None) -> tuple[experts.Expert, ...]:
    names, out = HEAD if head is None else head, StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return experts.table(table_csv.rows(out.getvalue().encode(), sheet="e.csv"), COLUMNS, sheet="e.csv", none=NONE)


def entropy(seed: bytes = b"") -> pools.Entropy:
    counter = iter(range(1 << 20))
    return lambda n: hashlib.shake_256(seed + next(counter).to_bytes(4, "big")).digest(n)


POOL = pools.make(table(ROWS), entropy())
FILTER = conflicts.write(CODES, DAY, b64u(bytes(16)))
LAW = pools.Wanted("expert/law", 2, ("法律",), ())
IT = pools.Wanted("expert/it", 1, ("信息技术", "软件"), ("珠海",))


def plan(*wanted: pools.Wanted, excluded: dict[str, tuple[str, str]] | None = None) -> pools.Plan:
    return pools.plan(
        POOL,
        name="experts",
        filter_=FILTER,
        wanted=wanted or (LAW, IT),
        excluded=excluded or {},
        entropy=entropy(b"plan"),
    )


def test_a_table_is_read_and_its_optional_column_may_be_missing() -> None:
    found = table(ROWS)
    assert (found[10].held["employers"], found[11].kin) == (
        ((CODES[0], "2020-01-01", None), (CODES[1], "2010-01-01", "2012-01-01")),
        (CODES[2],),
    )
    assert [each.phone for each in table(ROWS, HEAD[:-1])] == [""] * 12


@pytest.mark.parametrize(
    ("place", "reason", "changed"),
    [
        ("A3", "stands twice: row 2", {"编号": "E-000"}),
        ("A3", "full-width", {"编号": "Ｅ-001"}),
        ("A3", "formula", {"编号": "=A2"}),
        ("A3", "letters", {"编号": "张三"}),
        ("A3", "identity card", {"编号": "11010519491231002X"}),
        ("A3", "text", {"编号": ""}),
        ("B3", "formula", {"姓名": "@SUM(A1)"}),
        ("B3", "text", {"姓名": ""}),
        ("B3", "not print", {"姓名": "张\u202e三"}),
        ("B3", "space", {"姓名": "张三 "}),
        ("F3", "says nothing", {"任职单位及期间": ""}),
        ("F3", "18 characters", {"任职单位及期间": "某公司 2020-01-01/"}),
        ("F3", "check character", {"任职单位及期间": "914403001922038217 2020-01-01/"}),
        ("F3", "full-width", {"任职单位及期间": f"{CODES[0]} ２０20-01-01/"}),
        ("F3", "a code, a space", {"任职单位及期间": CODES[0]}),
        ("F3", "a code, a space", {"任职单位及期间": f"{CODES[0]} 2020-01-01"}),
        ("F3", "no such day", {"任职单位及期间": f"{CODES[0]} 2023-02-29/"}),
        ("F3", "before it begins", {"任职单位及期间": f"{CODES[0]} 2023-02-02/2023-02-01"}),
        ("H3", "twice", {"持股单位及期间": f"{PERIOD};{PERIOD}"}),
        ("I3", "18 characters", {"负责人亲属单位": f"{CODES[0]};"}),
        ("J3", "telephone", {"联系电话": "secret"}),
        ("J3", "full-width", {"联系电话": "１３８00000000"}),
    ],
)
def test_a_malformed_cell_is_refused_with_its_place(place: str, reason: str, changed: dict[str, str]) -> None:
    with pytest.raises(ImportRefused, match=reason) as refused:
        table([ROWS[0], row(1, **changed)])
    assert refused.value.place == f"e.csv!{place}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        ("编号,身份证号\n".encode(), "unknown column"),
        ("编号,编号\n".encode(), "twice"),
        ("编号,姓名\n".encode(), "missing"),
        (",".join(HEAD).encode(), "no expert"),
        (f"{','.join(HEAD)}\n{','.join('x' * 11)}".encode(), "beyond the last"),
        ("编号".encode("gbk"), "UTF-8"),
        (b'"a', "not CSV"),
        (b"," * 60 + b"x", "beyond"),
    ],
)
def test_another_form_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImportRefused, match=reason):
        experts.table(table_csv.rows(data, sheet="e.csv"), COLUMNS, sheet="e.csv", none=NONE)


def test_the_root_is_that_of_a_second_implementation() -> None:
    """Leaf hashes and root by `tests.evaluation.plain_draw`, which shares no code; order and salts tell nothing."""
    leaves = [h(b"\x00" + encode([each.salt, each.ref, each.attributes])) for each in POOL.leaves]
    assert leaves == sorted(leaves) == list(POOL.hashes)

    def over(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        k = 1
        while k * 2 < len(hashes):
            k *= 2
        return h(b"\x01" + over(hashes[:k]) + over(hashes[k:]))

    assert POOL.root == over(leaves)
    assert POOL.public == {"count": 12, "root": b64u(over(leaves))}
    for leaf in POOL.leaves:
        bound = leaf.nonce.encode() + b"\x00" + encode([leaf.number, leaf.name, leaf.employer])
        assert leaf.ref == b64u(t("pool-person", bound))
    again = pools.make(table(ROWS), entropy(b"other"))
    assert not {each.ref for each in again.leaves} & {each.ref for each in POOL.leaves}


def test_a_draw_is_prepared_as_anybody_recomputes_it() -> None:
    """The partition by a second reading of the facts, its root and the strata's by a second tree."""
    made = plan()
    told = decode_object(made.facts, limit=conflicts.MAX_BYTES)
    by_ref = {leaf.ref: leaf for leaf in POOL.leaves}
    expected: dict[str, list[str]] = {"expert/law": [], "expert/it": []}
    for (salt, ref, attributes), (_, _, side, ground, evidence) in zip(
        told["candidates"], told["partition"], strict=True
    ):
        leaf = by_ref[ref]
        hidden = conflicted(salt, attributes, list(CODES), DAY)
        assert hidden == (leaf.number in ("E-010", "E-011"))
        law, it = leaf.attributes["speciality"] == "法律", leaf.attributes["region"] == "珠海"
        label = "expert/law" if law else "expert/it" if it else ""
        assert (side == "in") == (bool(label) and not hidden)
        if side == "in":
            expected[label].append(b64u(leaf.hash))
        elif not hidden:
            assert (ground, unb64u(evidence)) == (pools.OUTSIDE, h(made.conditions))
    assert {each["label"]: each["leaves"] for each in made.body["strata"]} == expected
    assert unb64u(made.body["partition"]) == merkle([encode(line) for line in told["partition"]])
    assert (unb64u(made.body["facts"]), unb64u(made.body["filter"])) == (h(made.facts), h(encode(told["filter"])))
    assert made.counts["expert/law"] == {"in": 5, conflicts.EMPLOYED: 1}


def test_what_leaves_the_machine_names_nobody() -> None:
    made = plan()
    names = [text.encode() for leaf in POOL.leaves for text in (leaf.name, leaf.number, leaf.employer, leaf.phone)]
    for sent in (encode(made.body), made.facts, encode(POOL.public)):
        assert not [name for name in names if name in sent]
        assert not [code for code in CODES if code.encode() in made.body["draw"].encode() + encode(made.body)]
    assert all(name in pools.write(POOL) for name in names)


def test_what_a_custodian_states_beside_the_facts() -> None:
    paper = b64u(h(b"paper"))
    made = plan(excluded={"E-000": ("declared", paper), "E-010": ("declared", paper)})
    assert made.counts["expert/law"] == {"in": 4, "declared": 1, conflicts.EMPLOYED: 1}
    for number, ground, evidence in (
        ("E-999", "declared", paper),
        ("E-000", conflicts.KIN, paper),
        ("E-000", "Declared", paper),
        ("E-000", "declared", "x"),
    ):
        with pytest.raises((DrawRefused, Malformed)):
            plan(excluded={number: (ground, evidence)})


@pytest.mark.parametrize(
    "wanted",
    [
        (replace(LAW, quota=6),),
        (replace(LAW, quota=0),),
        (LAW, LAW),
        (replace(LAW, label="venue"),),
        (replace(LAW, label="expert/法律"),),
        (replace(LAW, specialities=("律法",)),),
    ],
    ids=["too-many", "none", "twice", "no-expert", "label", "nobody"],
)
def test_a_draw_that_could_not_be_opened_is_not_prepared(wanted: tuple[pools.Wanted, ...]) -> None:
    with pytest.raises(DrawRefused):
        plan(*wanted)


def test_the_custodians_file_is_read_strictly() -> None:
    data = pools.write(POOL)
    assert pools.read(data) == POOL
    value = decode_object(data, limit=pools.MAX_BYTES)
    first = value["experts"][0]
    for wrong in (
        {"v": 2, "experts": []},
        value | {"more": 1},
        {"v": 1, "experts": [first | {"salt": "x"}]},
        {"v": 1, "experts": [first | {"phone": None}]},
        {"v": 1, "experts": [first | {"attributes": {"speciality": "法律"}}]},
    ):
        with pytest.raises(Malformed):
            pools.read(encode(wrong))
    other = value["experts"][0] | {"name": "朋友"}
    assert pools.read(encode({"v": 1, "experts": [other, *value["experts"][1:]]})).root != POOL.root


def test_who_was_drawn_is_of_this_pool() -> None:
    order = [POOL.hashes[3], POOL.hashes[0]]
    assert pools.who(POOL, order) == (POOL.leaves[3], POOL.leaves[0])
    with pytest.raises(DrawRefused):
        pools.who(POOL, [draw.pool_leaf("", "stranger", {})])

"""Which tender is evaluated in the demo, by whom, and what will each member think of it?

Without a seed it is a real award notice (the education bureau of Zhuhai, 7 November 2016: services, weights 80/20, four
prices and four averages of the technical points); the criteria, the names and the five sheets behind the averages are
made up here. A seed makes another tender. What comes out, the server alone says: nothing here computes a ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

Object = dict[str, Any]
Points = dict[str, dict[str, Decimal]]
"""bidder -> leaf criterion -> points."""

CENTRES = ("hohhot.example", "zhongshan.example", "zhuhai.example")
SUPERVISION = "finance.example"
CITIES = {
    "hohhot.example": ("呼和浩特", "Hohhot"),
    "zhongshan.example": ("中山", "Zhongshan"),
    "zhuhai.example": ("珠海", "Zhuhai"),
    "finance.example": ("财政监督", "Finance Supervision"),
}
"""What people call the centres, and the authority that watches over them."""
MEMBERS = ("seat-1", "seat-2", "seat-3", "seat-4", "seat-5")
BUYER_SEAT = "seat-3"
AUDITORS = ("auditor-1", "auditor-2")
"""They look on in a browser; the demo prints their links."""
VENUE_OF = {"seat-1": 1, "seat-2": 1, "seat-3": 1, "seat-4": 2, "seat-5": 3}
"""3 + 1 + 1, the usual dispatch of a committee of five over three cities."""

TV1_PRICES = ("2311110.40", "2296472.00", "2299360.00", "2288231.72")
TV1_TECHNICAL = ("49.50", "56.00", "49.00", "75.00")
HALF, CENT = Decimal("0.50"), Decimal("0.01")
"""The published averages need sheets in half points; a seed's use all that a sheet allows, so means are rounded."""
SPREAD = Decimal(3)
"""A member's total lies within so many points of the committee's average."""
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015, 4.5: no I, O, S, V, Z."""
COMPANIES = ("云帆教育科技", "启航信息技术", "明德软件", "知行网络服务", "博雅数据系统", "致远智能科技", "经纬咨询服务")
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "文博雅静思远志明晓岚海宁佳慧建平"
ORGANISATIONS = ("内蒙古电子政务学会", "呼和浩特工程咨询中心", "采购单位", "中山信息技术协会", "珠海系统集成协会")
CRITERIA: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("技术方案", (("需求理解", 10), ("总体设计", 15), ("质量与安全保证", 15))),
    ("服务能力", (("项目团队", 10), ("运维与培训承诺", 15))),
    ("履约基础", (("同类业绩", 10), ("管理体系", 5))),
)
COMPLIANCE = ("营业执照与资格证明", "投标函签字盖章", "投标有效期", "实质性条款响应")
REJECT_ONE_IN = 3
"""A third of the random tenders have a bidder who fails the compliance review."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one member will do, known to nobody else."""

    chair: str
    sheet: Points
    failed: tuple[tuple[str, str], ...]
    """(bidder, compliance item) that the member finds wanting."""


@dataclass(frozen=True, slots=True)
class Case:
    """A tender, as the administrator enters it, and the plans of its members."""

    definition: Object
    venues: tuple[Object, ...]
    rooms: tuple[Object, ...]
    seats: tuple[Object, ...]
    plans: dict[str, Plan]


def case(seed: int | None) -> Case:
    """The award notice, or the tender of a seed."""
    random = Random(2016 if seed is None else seed)  # noqa: S311 (an example to be repeated, not a secret)
    if seed is None:
        step, weight, prices = HALF, 80, list(TV1_PRICES)
        averages = [Decimal(points) for points in TV1_TECHNICAL]
        title = "教育信息化运行维护服务项目"
    else:
        step, weight = CENT, random.choice((70, 75, 80, 85, 90))
        estimate = random.randrange(80_000_000, 900_000_000)
        prices = [str(CENT * (estimate * random.randrange(820, 1000) // 1000)) for _ in range(random.randrange(3, 7))]
        averages = [CENT * random.randint(weight * 55, weight * 97) for _ in prices]
        title = f"信息系统集成与运行维护服务项目（第{seed}号）"
    bidders = [
        {
            "id": f"bidder-{i}",
            "name": f"{company}有限公司（虚构）",
            "code": _credit_code(random),
            "price": f"{Decimal(price):.2f}",
        }
        for i, (price, company) in enumerate(zip(prices, random.sample(COMPANIES, len(prices)), strict=True), start=1)
    ]
    criteria, leaves = _criteria(weight)
    compliance = [{"id": f"compliance-{i}", "name": name} for i, name in enumerate(COMPLIANCE, start=1)]
    members = [
        {"seat": seat, "name": _name(random), "organisation": organisation}
        for seat, organisation in zip(MEMBERS, ORGANISATIONS, strict=True)
    ]
    definition: Object = {
        "title": title,
        "regime": "government-procurement",
        "method": "comprehensive-scoring",
        "category": "services",
        "weights": {"technical": f"{weight}.00", "price": f"{100 - weight}.00"},
        "bidders": bidders,
        "criteria": criteria,
        "compliance": compliance,
        "members": members,
    }
    sheets: dict[str, Points] = {seat: {} for seat in MEMBERS}
    for bidder, average in zip(bidders, averages, strict=True):
        for seat, total in zip(MEMBERS, _totals(random, average, weight, step), strict=True):
            sheets[seat][str(bidder["id"])] = _spread(random, total, leaves, step)
    failed: tuple[tuple[str, str], ...] = ()
    if seed is not None and len(bidders) > 3 and random.randrange(REJECT_ONE_IN) == 0:
        failed = ((str(random.choice(bidders)["id"]), random.choice(compliance)["id"]),)
    against = set(random.sample(MEMBERS, 4)) if failed else set()
    return Case(
        definition=definition,
        venues=tuple(
            {"id": f"venue-{i}", "centre": centre, "kind": "main" if i == 1 else "secondary"}
            for i, centre in enumerate(CENTRES, start=1)
        ),
        rooms=tuple({"id": f"room-{i}", "venue": f"venue-{i}"} for i in (1, 2, 3)),
        seats=_seats(),
        plans={
            seat: Plan(
                chair=random.choice([other for other in MEMBERS if other != BUYER_SEAT]),
                sheet=sheets[seat],
                failed=failed if seat in against else (),
            )
            for seat in MEMBERS
        },
    )


def _seats() -> tuple[Object, ...]:
    seats = [
        {
            "id": seat,
            "role": "buyer-representative" if seat == BUYER_SEAT else "expert",
            "venue": f"venue-{VENUE_OF[seat]}",
            "centre": CENTRES[VENUE_OF[seat] - 1],
        }
        for seat in MEMBERS
    ]
    for i, centre in enumerate(CENTRES, start=1):
        seats.append({"id": f"operator-{i}", "role": "operator", "venue": f"venue-{i}", "centre": centre})
        seats.append({"id": f"room-{i}", "role": "room", "venue": f"venue-{i}", "centre": centre})
    for name in ("supervisor-1", *AUDITORS):
        role = name.partition("-")[0]
        seats.append({"id": name, "role": role, "venue": "venue-1", "centre": SUPERVISION})
    return tuple(seats)


def _criteria(weight: int) -> tuple[list[Object], list[tuple[str, Decimal]]]:
    """The tree, its leaves scaled from 80 to the weight in whole steps; the last leaf takes what is left over."""
    names = [leaf for _, group in CRITERIA for leaf in group]
    maxima = [(Decimal(points) * weight / 80 / HALF).quantize(Decimal(1)) * HALF for _, points in names]
    maxima[-1] += weight - sum(maxima)
    tree: list[Object] = []
    leaves: list[tuple[str, Decimal]] = []
    for i, (group, members) in enumerate(CRITERIA, start=1):
        children = []
        for j, (name, _) in enumerate(members, start=1):
            leaves.append((f"criterion-{i}-{j}", maxima[len(leaves)]))
            children.append({"id": leaves[-1][0], "name": name, "max": f"{leaves[-1][1]:.2f}", "children": []})
        total = sum((Decimal(str(child["max"])) for child in children), Decimal(0))
        tree.append({"id": f"criterion-{i}", "name": group, "max": f"{total:.2f}", "children": children})
    return tree, leaves


def _totals(random: Random, average: Decimal, weight: int, step: Decimal) -> list[Decimal]:
    """Five totals whose mean is exactly the average, or with cents near it: two opposite pairs and one between."""
    room = int(min(average, weight - average, SPREAD) / step)
    first, second = (random.randint(0, room) * step for _ in range(2))
    middle = average if step == HALF else average + random.randint(-room, room) * step
    totals = [average - first, average + first, average - second, average + second, middle]
    random.shuffle(totals)
    return totals


def _spread(random: Random, total: Decimal, leaves: list[tuple[str, Decimal]], step: Decimal) -> dict[str, Decimal]:
    """Points for each leaf in whole steps that add up to the total: proportional, then handed about at random."""
    weight, most_of = sum(most for _, most in leaves), dict(leaves)
    points = {leaf: (total * most / weight // step) * step for leaf, most in leaves}
    while total > sum(points.values()):
        points[random.choice([leaf for leaf, most in leaves if points[leaf] < most])] += step
    for _ in range(2 * len(leaves)):
        giver, taker = random.sample(sorted(points), 2)
        moved = min(random.randint(0, int(2 / step)) * step, points[giver], most_of[taker] - points[taker])
        points[giver] -= moved
        points[taker] += moved
    return points


def _name(random: Random) -> str:
    return random.choice(SURNAMES) + "".join(random.sample(GIVEN, 2))


def _credit_code(random: Random) -> str:
    """A unified social credit code with both check digits (GB 32100-2015 and GB 11714-1997) of no known company."""
    body = "".join(random.choice("0123456789") for _ in range(8))
    organisation = -sum(int(digit) * factor for digit, factor in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    code = "91150100" + body + "0123456789X"[organisation]
    total = sum(CODE_ALPHABET.index(sign) * pow(3, i, 31) for i, sign in enumerate(code))
    return code + CODE_ALPHABET[-total % 31]

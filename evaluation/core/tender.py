"""The definition of a tender, and the scoring that is derived from it (docs/protocol.md section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evaluation.core import bids, credit_code, points, terms
from evaluation.core.bids import Bidder, ident, money, words
from evaluation.core.rules import government_procurement as rules
from evaluation.core.rules import shelf
from evaluation.core.rules.shelf import Pack
from evaluation.core.terms import Asked, Bid, Terms
from evaluation.errors import BiddersRefused, CreditCodeRefused, CriteriaRefused, DefinitionRefused, WeightRefused
from evidence.core.canonical import JSON, Object, b64u, decode_object, encode, members, unb64u
from evidence.errors import Malformed

# A definition names every criterion once; a tender with thousands of them still stays below this.
MAX_DEFINITION = 1024 * 1024
MAX_PAGES = 10_000
FEWEST_BIDDERS = 3
"""政府采购法 36: with fewer than three suppliers the tender fails, so it cannot be defined."""
MAX_BIDDERS = 99
# A sealed sheet has at most 40 000 bytes (protocols.md section 3); see `_check_sheet_fits`.
_SHEET_BYTES, _SHEET_HEAD, _ITEM_HEAD = 40_000, 600, 64
# An entry has at most 60 000 bytes (protocols.md 1.1), of which the act and the rest of `DefinitionFixed` take little.
_SCORING_BYTES = 55_000
METHOD, CRITERIA, BIDDERS = "/definition/method", "/definition/criteria", "/definition/bidders"
ORDER_87 = "order 87, article 55"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A node of the criteria tree; only leaves are scored."""

    id: str
    name: str
    max: Decimal
    children: tuple[Criterion, ...]

    @property
    def leaves(self) -> Iterator[Criterion]:
        """The leaves in their shown order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the compliance review."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be shown; `bidder` is None for those of the tender itself."""

    sha256: bytes
    name: str
    bidder: str | None
    pages: int


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits at a member's seat: by name, or by the digest of the disclosure that names them, which is confidential
    until the result (招标投标法 37)."""

    seat: str
    name: str
    organisation: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Scoring:
    """All that the fold needs of a definition: ids and figures, no names."""

    regime: str
    method: str
    category: str
    technical: Decimal
    price: Decimal
    bidders: tuple[tuple[str, Decimal], ...]
    criteria: tuple[tuple[str, Decimal], ...]
    compliance: tuple[str, ...]
    documents: tuple[tuple[bytes, int], ...]
    terms: Terms | None = None

    @property
    def json(self) -> Object:
        """`scoring` of `DefinitionFixed`; only version 2 has terms, and says its version."""
        more: Object = {} if self.terms is None else {"v": 2, "terms": self.terms.json}
        return more | {
            "regime": self.regime,
            "method": self.method,
            "category": self.category,
            "technical": points.form(self.technical),
            "price": points.form(self.price),
            "bidders": [[bidder, points.form(price)] for bidder, price in self.bidders],
            "criteria": [[leaf, points.form(maximum)] for leaf, maximum in self.criteria],
            "compliance": list(self.compliance),
            "documents": [[b64u(sha256), pages] for sha256, pages in self.documents],
        }

    @staticmethod
    def parse(value: JSON) -> Scoring:
        """Read `json` back."""
        texts = dict.fromkeys(("regime", "method", "category", "technical", "price"), str)
        lists = dict.fromkeys(("bidders", "criteria", "compliance", "documents"), list)
        found = members(value, {**texts, **lists}, {"v": int, "terms": dict})
        if ("terms" in found) != (found.get("v") == 2) or found.get("v", 2) != 2:
            raise Malformed("scoring has terms if, and only if, it is of version 2")
        try:
            return Scoring(
                regime=found["regime"],
                method=found["method"],
                category=found["category"],
                technical=points.parse(found["technical"]),
                price=points.parse(found["price"]),
                bidders=tuple((str(bidder), points.parse(price)) for bidder, price in found["bidders"]),
                criteria=tuple((str(leaf), points.parse(maximum)) for leaf, maximum in found["criteria"]),
                compliance=tuple(str(item) for item in found["compliance"]),
                documents=tuple((unb64u(sha256, 32), int(pages)) for sha256, pages in found["documents"]),
                terms=terms.parse(found["terms"]) if "terms" in found else None,
            )
        except (ValueError, TypeError) as error:
            raise Malformed("scoring is out of form") from error


@dataclass(frozen=True, slots=True)
class Definition:
    """The whole document, names included. `notes` is the hash of what the buyer's side noted of bidders, which is not
    for everybody who reads the definition (`evaluation.core.collusion`)."""

    origin: str
    title: str
    regime: str
    method: str
    category: str
    technical: Decimal
    price: Decimal
    bidders: tuple[Bidder, ...]
    criteria: tuple[Criterion, ...]
    compliance: tuple[Item, ...]
    documents: tuple[Document, ...]
    members: tuple[Person, ...]
    pack: Pack = shelf.FIRST
    asked: Asked | None = None
    notes: bytes | None = None

    @property
    def terms(self) -> Terms | None:
        """The terms of version 2 with what they mean for each bid."""
        return None if self.asked is None else _terms(self, self.asked)

    @property
    def scoring(self) -> Scoring:
        """What `DefinitionFixed` repeats; every verifier derives it again."""
        return Scoring(
            regime=self.regime,
            method=self.method,
            category=self.category,
            technical=self.technical,
            price=self.price,
            bidders=tuple((bidder.id, bidder.price) for bidder in self.bidders),
            criteria=tuple((leaf.id, leaf.max) for root in self.criteria for leaf in root.leaves),
            compliance=tuple(item.id for item in self.compliance),
            documents=tuple((document.sha256, document.pages) for document in self.documents),
            terms=self.terms,
        )


def parse(document: bytes) -> Definition:
    """Read a definition strictly and hold it against the law; DefinitionRefused says what is wrong.

    Version 1 knows only the first rule pack; version 2 names its pack and has `terms`, and bidders say more.
    """
    try:
        raw = decode_object(document, limit=MAX_DEFINITION)
        second = raw.get("v") == 2
        value = members(
            raw,
            {
                **dict.fromkeys(("salt", "origin", "title", "regime", "method", "category"), str),
                **dict.fromkeys(("bidders", "criteria", "compliance", "documents", "members"), list),
                "v": int,
                "weights": dict,
                **(dict.fromkeys(("rule_pack", "terms"), dict) if second else {}),
            },
            {"notes": str},
        )
        unb64u(value["salt"])
        weights = members(value["weights"], {"technical": str, "price": str})
        pack = shelf.find(value["rule_pack"]) if second else shelf.FIRST
        definition = Definition(
            origin=value["origin"],
            title=words(value["title"]),
            regime=value["regime"],
            method=value["method"],
            category=value["category"],
            technical=money(weights["technical"]),
            price=money(weights["price"]),
            bidders=tuple(
                bids.second(item, pack, f"{BIDDERS}/{i}") if second else bids.first(item)
                for i, item in enumerate(value["bidders"])
            ),
            criteria=tuple(_criterion(item) for item in value["criteria"]),
            compliance=tuple(_item(item) for item in value["compliance"]),
            documents=tuple(_document(item) for item in value["documents"]),
            members=tuple(_person(item) for item in value["members"]),
            pack=pack,
            asked=terms.asked(value["terms"]) if second else None,
            notes=unb64u(value["notes"], 32) if "notes" in value else None,
        )
    except Malformed as error:
        raise DefinitionRefused(str(error)) from error
    # 80 bits of entropy: below that a hash does not hide what it covers (protocols.md section 5).
    if value["v"] not in (1, 2) or len(unb64u(value["salt"])) < 10:
        raise DefinitionRefused("unknown version, or too little salt")
    _check_method(definition)
    _check_bidders(definition)
    _check_criteria(definition)
    _check_rest(definition)
    _check_sheet_fits(definition)
    return definition


def _check_method(definition: Definition) -> None:
    if definition.asked is not None:
        _check_terms(definition, definition.asked)
        return
    if (definition.regime, definition.method) != (rules.REGIME, rules.METHOD):
        raise DefinitionRefused(f"only comprehensive scoring in government procurement is known ({ORDER_87})", METHOD)
    least = rules.LEAST_PRICE_WEIGHT.get(definition.category)
    if least is None:
        raise DefinitionRefused(f"the category is goods or services ({ORDER_87})", "/definition/category")
    if definition.technical + definition.price != 100:
        raise WeightRefused(f"weights must sum to 100.00 ({ORDER_87})", terms.WEIGHTS)
    if definition.price < least:
        raise WeightRefused(f"the price weighs at least {least} for {definition.category} ({ORDER_87})", terms.WEIGHTS)


def _check_terms(definition: Definition, asked: Asked) -> None:
    pack = definition.pack
    if pack.form != 2 or definition.regime != pack.regime:
        raise DefinitionRefused("a definition of version 2 names a rule pack of its regime, of the second form")
    method = pack.method(definition.method)
    if method is None:
        known = "; ".join(f"{name} ({found['source']})" for name, found in pack.value["methods"].items())
        raise DefinitionRefused(f"{pack.regime} knows {known}", METHOD)
    terms.check(
        asked,
        pack,
        method,
        category=definition.category,
        technical=definition.technical,
        price=definition.price,
    )
    if unknown := set(asked.objective) - {leaf.id for root in definition.criteria for leaf in root.leaves}:
        raise CriteriaRefused(f"{sorted(unknown)[0][:40]} is objective, but no criterion that is scored")
    for i, bidder in enumerate(definition.bidders):
        if bidder.policy is not None and bidder.policy not in asked.rates:
            raise BiddersRefused(f"{bidder.id} claims a deduction that the tender does not offer")
        if (bidder.plus or bidder.minus) and not method.adjustments:
            raise BiddersRefused(f"{definition.method} does not quantify deviations ({method.source})")
        if bidder.brand is not None and not method.same_brand:
            raise BiddersRefused(f"{definition.method} does not know brands ({method.source})", f"{BIDDERS}/{i}/brand")
        if bidder.proposed is not None and not definition.documents:
            source = pack.source("corrections")
            where = f"{BIDDERS}/{i}/quote"
            raise BiddersRefused(
                f"a corrected price is put to {bidder.id} with the page that shows it ({source})", where
            )


def _terms(definition: Definition, asked: Asked) -> Terms:
    """What the terms mean for each bid: its deduction, and whether it can be valid at all."""
    method = definition.pack.method(definition.method)
    if method is None:
        raise DefinitionRefused("the pack does not know the method")
    # Order 87, article 63: a bid above the budget is invalid, too; the bidding law speaks of the ceiling alone.
    budget = asked.budget if definition.pack.regime == rules.REGIME else None
    limit = asked.ceiling if asked.ceiling is not None else budget
    policy, brand = definition.pack.policy, method.brand
    listed = []
    for bidder in definition.bidders:
        void = None
        if bidder.corrected and not (bidder.quote is not None and bidder.quote.confirmed):
            void = terms.UNCONFIRMED
        elif limit is not None and bidder.due > limit:
            void = terms.ABOVE_CEILING
        granted, none = Decimal("0.00") if bidder.policy is None else asked.rates[bidder.policy], Decimal("0.00")
        off, more = (none, granted) if asked.price.kind in policy.points else (granted, none)
        made = Bid(bidder.id, bidder.brand, off, bidder.plus, bidder.minus, void, more, bidder.proposed)
        listed.append(made)
    # Where the tender document says nothing, equal ones draw lots: no second key.
    stated = () if asked.brand in (None, "lot") else (str(asked.brand),)
    return Terms(
        pack=(*definition.pack.key, definition.pack.sha256),
        price=asked.price,
        trim_sheets=asked.trim_sheets,
        order=method.order,
        tie=asked.tie,
        same_brand=method.same_brand,
        ranked=asked.ranked,
        candidates=asked.candidates,
        members=terms.larger(asked, definition.pack),
        bidders=definition.pack.least_bidders,
        bids=tuple(listed),
        objective=asked.objective,
        incidents=asked.incidents,
        plan=asked.plan,
        opened=asked.publication.opened if asked.publication is not None else None,
        brand=() if brand is None else (brand.merit, *stated),
    )


def _check_bidders(definition: Definition) -> None:
    bidders = definition.bidders
    fewest = FEWEST_BIDDERS if definition.asked is None else definition.pack.least_bidders
    if not fewest <= len(bidders) <= MAX_BIDDERS:
        source = "procurement law, article 36" if definition.asked is None else definition.pack.source("compliance")
        raise BiddersRefused(f"{len(bidders)} bidders: at least {fewest} ({source})")
    for name, listed in (("id", [b.id for b in bidders]), ("code", [b.code for b in bidders])):
        if len(set(listed)) != len(listed):
            raise BiddersRefused(f"a bidder's {name} stands twice")
    for bidder in bidders:
        if bidder.price <= 0:
            raise BiddersRefused(f"the price of {bidder.id} is not above zero")
        if bidder.minus >= min(bidder.price, bidder.due):
            raise BiddersRefused(f"the deviations of {bidder.id} leave no price")
        if not credit_code.valid(bidder.code):
            raise CreditCodeRefused(f"the code of {bidder.id} fails its check character")


def _check_criteria(definition: Definition) -> None:
    nodes = list(_nodes(definition.criteria))
    target, source = definition.technical, ORDER_87
    if definition.asked is not None:
        source = str(definition.pack.value["methods"][definition.method]["source"])
        # The World Bank scores technical proposals out of 100 and weighs the mark afterwards (annex XII).
        target = Decimal(100) if definition.asked.price.kind == terms.QUALITY_COST else target
        if not target:
            if nodes:
                raise CriteriaRefused(f"nothing is scored where only prices count ({source})", CRITERIA)
            return
    if not nodes:
        raise CriteriaRefused(f"where marks count there is a criterion ({source})", CRITERIA)
    if len({node.id for node in nodes}) != len(nodes):
        raise CriteriaRefused("a criterion's id stands twice", CRITERIA)
    for node in nodes:
        if node.max <= 0:
            raise CriteriaRefused(f"the maximum of {node.id} is not above zero", CRITERIA)
        if node.children and points.total([child.max for child in node.children]) != node.max:
            raise CriteriaRefused(f"the parts of {node.id} do not sum to its maximum ({source})", CRITERIA)
    if (sum_ := points.total([root.max for root in definition.criteria])) != target:
        raise CriteriaRefused(f"the criteria sum to {sum_}, not to {target} ({source})", CRITERIA)


def _check_rest(definition: Definition) -> None:
    bidders = {bidder.id for bidder in definition.bidders}
    items = [item.id for item in definition.compliance]
    if not items or len(set(items)) != len(items):
        raise DefinitionRefused("compliance needs at least one item, and none twice")
    if len({document.sha256 for document in definition.documents}) != len(definition.documents):
        raise DefinitionRefused("a document stands twice")
    if any(document.bidder is not None and document.bidder not in bidders for document in definition.documents):
        raise DefinitionRefused("a document belongs to an unknown bidder")
    seats = [person.seat for person in definition.members]
    if len(set(seats)) != len(seats):
        raise DefinitionRefused("a member's seat stands twice")


def _check_sheet_fits(definition: Definition) -> None:
    """Every bidder and criterion with a comment digest must fit into one sealed part."""
    size = _SHEET_HEAD + sum(
        _ITEM_HEAD + len(bidder) + len(criterion) + len(points.form(maximum))
        for bidder, _ in definition.scoring.bidders
        for criterion, maximum in definition.scoring.criteria
    )
    if size > _SHEET_BYTES:
        raise DefinitionRefused(f"a sheet may take {size} bytes, {_SHEET_BYTES} fit into one part")
    if len(encode(definition.scoring.json)) > _SCORING_BYTES:
        raise DefinitionRefused(f"the scoring takes more than the {_SCORING_BYTES} bytes that fit into one entry")


def _nodes(roots: Sequence[Criterion]) -> Iterator[Criterion]:
    for root in roots:
        yield root
        yield from _nodes(root.children)


def _criterion(value: JSON) -> Criterion:
    found = members(value, {"id": str, "name": str, "max": str, "children": list})
    children = tuple(_criterion(child) for child in found["children"])
    return Criterion(ident(found["id"]), words(found["name"]), money(found["max"]), children)


def _item(value: JSON) -> Item:
    found = members(value, {"id": str, "name": str})
    return Item(ident(found["id"]), words(found["name"]))


def _document(value: JSON) -> Document:
    found = members(value, {"sha256": str, "name": str, "bidder": object, "pages": int})
    bidder = found["bidder"]
    if not 1 <= found["pages"] <= MAX_PAGES:
        raise Malformed(f"a document has 1 to {MAX_PAGES} pages")
    return Document(
        unb64u(found["sha256"], 32),
        words(found["name"]),
        None if bidder is None else ident(bidder),
        found["pages"],
    )


def _person(value: JSON) -> Person:
    if isinstance(value, dict) and "person" in value:
        sealed = members(value, {"seat": str, "person": str})
        unb64u(sealed["person"], 32)
        return Person(ident(sealed["seat"]), "", "", sealed["person"])
    found = members(value, {"seat": str, "name": str, "organisation": str})
    return Person(ident(found["seat"]), words(found["name"]), words(found["organisation"]))

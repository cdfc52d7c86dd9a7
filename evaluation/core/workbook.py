"""The report's figures as tables: each expert's detail, the review, the result, and where every part comes from.

Words for people are the renderer's. Every cell is text, figures too: a spreadsheet would keep them as binary floats.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.core.canonical import Object


class Word(str):
    """A word of the renderer's; no text of a tender is ever taken for one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet; its name and cells are words that the renderer knows, or texts that stand as they are."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(content: Object) -> tuple[Table, ...]:
    """All sheets of a report of form 3, in their order."""
    names = {bidder["id"]: bidder["name"] for bidder in content["parties"]["bidders"]}
    people = {member["seat"]: member for member in content["parties"]["members"]}
    leaves = [criterion for criterion in content["method"]["criteria"] if criterion["leaf"]]
    found = [_about(content), _result(content, names)]
    for sheet in content["course"]["sheets"]:
        member = people[sheet["seat"]]
        head = (Word("bidder"), Word("name"), *(f"{leaf['name']} ({leaf['max']})" for leaf in leaves), Word("sum"))
        rows = [(row["bidder"], names[row["bidder"]], *row["scores"], row["sum"]) for row in sheet["rows"]]
        told = [(Word("member"), str(member["name"]), str(member["organisation"])), (Word("entry"), str(sheet["n"]))]
        found.append(Table(sheet["seat"], head, (*rows, *told)))
    found += [_review(content, names, people), _trace(content)]
    return tuple(found)


def _about(content: Object) -> Table:
    rows = [
        (Word("title"), content["title"]),
        (Word("origin"), content["origin"]),
        (Word("size"), str(content["size"])),
        (Word("article"), content["article"]),
        (Word("pack"), f"{content['rule_pack']['id']} {content['rule_pack']['version']}"),
        (Word("pack-hash"), content["rule_pack"]["sha256"]),
        (Word("definition"), content["definition"]["sha256"]),
    ]
    return Table(Word("about"), (Word("what"), Word("value")), tuple((what, str(value)) for what, value in rows))


def _result(content: Object, names: dict[str, str]) -> Table:
    places = {bidder: str(place) for bidder, place in content["result"]["ranking"]["ranking"]}
    prices = {bidder["id"]: bidder["price"] for bidder in content["parties"]["bidders"]}
    candidates = set(content["result"]["ranking"]["candidates"])
    rows = [
        (
            row["bidder"],
            names[row["bidder"]],
            prices[row["bidder"]],
            row.get("evaluated") or "",
            row["technical"],
            row["price"],
            row["total"],
            places.get(row["bidder"], ""),
            Word("yes") if row["bidder"] in candidates else "",
        )
        for row in content["result"]["tally"]["rows"]
    ]
    head = (
        Word("bidder"),
        Word("name"),
        Word("quote"),
        Word("evaluated"),
        Word("technical"),
        Word("price"),
        Word("total"),
        Word("place"),
        Word("candidate"),
    )
    return Table(Word("result"), head, tuple(rows))


def _review(content: Object, names: dict[str, str], people: dict[str, Object]) -> Table:
    items = {item["id"]: item["name"] for item in content["method"]["compliance"]}
    if content["v"] >= 4:
        return _rejections(content, names, people, items)
    rows = [
        (
            found["bidder"],
            names[found["bidder"]],
            items.get(found["item"], found["item"]),
            people[vote["seat"]]["name"],
            vote["reason"] or "",
        )
        for found in content["course"]["review"]["rejected"]
        for vote in (found["against"] or [])
    ]
    return Table(
        Word("review"), (Word("bidder"), Word("name"), Word("item"), Word("member"), Word("reason")), tuple(rows)
    )


def _rejections(content: Object, names: dict[str, str], people: dict[str, Object], items: dict[str, str]) -> Table:
    """Every rejection: who found what, on which ground, and the page that shows it."""
    head = _words("bidder name item by member ground reason document page document-hash entry decided article")
    rows = [
        (
            found["bidder"],
            names[found["bidder"]],
            items.get(found["item"], found["item"] or ""),
            Word("by-" + found["by"]),
            "" if said["seat"] is None else people.get(said["seat"], {"name": said["seat"]})["name"],
            said["ground"] or "",
            said["text"] or "",
            said["name"] or "",
            "" if said["page"] is None else str(said["page"]),
            said["document"] or "",
            str(said["n"]),
            str(found["n"]),
            found["source"],
        )
        for found in content["course"]["review"]["rejected"]
        for said in found["against"]
    ]
    return Table(Word("review"), head, tuple(rows))


def _trace(content: Object) -> Table:
    rows = [(Word("part-" + row["part"]), row["article"], " ".join(map(str, row["from"]))) for row in content["trace"]]
    return Table(Word("trace"), (Word("part"), Word("article"), Word("entries")), tuple(rows))


def _words(text: str) -> tuple[Word, ...]:
    return tuple(map(Word, text.split()))

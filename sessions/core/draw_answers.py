"""Who was drawn and comes: the custodian states it, the supervisor signs it too (protocols.md 4(8)).

Positions are answered in order and none is skipped, so a replacement is always the next reserve: drawn beforehand.
"""

from __future__ import annotations

from evaluation.core import draw
from evaluation.core.draw import Answers
from evaluation.draw_errors import AnswerRefused, DrawNotFrozen
from evaluation.errors import TooLate
from evidence.core.act import Act
from evidence.core.canonical import JSON, b64u, members, unb64u
from evidence.core.entry import Draft
from evidence.errors import Malformed
from sessions.core.draws import Draw, Given
from sessions.core.state import Proceeding
from sessions.errors import WrongRole


def state_answers(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.answer`: a batch of the custodian's; a newer one takes the place of one that was not countersigned."""
    body = members(act.body, {"opened": str, "answers": list})
    found = state.drawing.opened(unb64u(body["opened"], 32))
    if found.pool is None or act.sub != found.pool.custodian:
        raise WrongRole("only the pool's custodian knows whom to ask")
    apply(found, read(body["answers"]))
    return (Draft("DrawAnswerStated", {}, act),)


def countersign(state: Proceeding, act: Act, at: str) -> tuple[Draft, ...]:
    """`draw.countersign`: the supervisor saw the records of the calls; now the answers count."""
    statement = unb64u(members(act.body, {"statement": str})["statement"], 32)
    for found in state.drawing.draws:
        if found.stated is not None and found.stated[0] == statement:
            apply(found, found.stated[1])
            answers: list[JSON] = [[which, position, said] for which, position, said, _ in found.stated[1]]
            return (Draft("DrawAnswered", {"opened": b64u(found.leaf), "answers": answers}, act),)
    raise AnswerRefused("no such statement waits for its second signature")


def apply(found: Draw, given: Given) -> tuple[Answers, ...]:
    """All answers of the draw after this batch."""
    if found.annulled is not None:
        raise TooLate("the draw is annulled")
    if found.resolved is None:
        raise DrawNotFrozen("the draw has no result yet")
    answers: tuple[Answers, ...] = found.answers or tuple(() for _ in found.strata)
    ranked = found.ranked
    for which, position, said, _ in given:
        answers = draw.answer(found.strata, ranked, answers, (which, position, said))
    return answers


def read(value: list[JSON]) -> Given:
    """`[[stratum, position, answer, evidence digest or null]…]`."""
    given: list[tuple[int, int, str, str | None]] = []
    for item in value:
        match item:
            case [int(which), int(position), str(said), None] if which >= 0 and position >= 0:
                given.append((which, position, said, None))
            case [int(which), int(position), str(said), str(evidence)] if which >= 0 and position >= 0:
                unb64u(evidence, 32)
                given.append((which, position, said, evidence))
            case _:
                raise Malformed("an answer is [stratum, position, answer, evidence digest or null]")
    if not given:
        raise Malformed("a batch has answers")
    return tuple(given)


ACTS = {"draw.answer": state_answers, "draw.countersign": countersign}

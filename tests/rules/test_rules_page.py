"""docs/rules.md says what is so: nothing of the checklist is missing, nothing that it claims is invented."""

from __future__ import annotations

import pytest

from tests.rules import page


def test_all_forty_rules_stand_in_their_order() -> None:
    """Domain study, section 4."""
    assert [rule["n"] for rule in page.rules()] == list(range(1, 41))


@pytest.mark.parametrize("rule", page.rules(), ids=lambda rule: str(rule["n"]))
def test_what_is_claimed_exists(rule: dict[str, object]) -> None:
    """A rule that is held names its article, its code and at least one test; one that is not says what is open."""
    assert page.missing(rule) == []
    assert page.articles(rule)
    if page.state(rule) in ("held", "in part"):
        assert rule["tests"]
    else:
        assert "tests" not in rule
        assert "open" in rule or "person" in rule
    known = {"n", "text", "law", "articles", "code", "tests", "open", "person"}
    assert set(rule) <= known
    for name in ("code", "tests"):
        listed = rule.get(name, [])
        assert isinstance(listed, list)
        assert len(set(listed)) == len(listed)


def test_an_invented_test_would_be_noticed() -> None:
    """The control switched off."""
    assert page.missing({"tests": ["evaluation/test_scoring.py::test_of_nothing"], "code": ["evaluation/x.py"]})
    assert page.missing({"code": ["evaluation/core/points.py:half_down"]})


def test_the_page_is_up_to_date() -> None:
    """`python -m tests.rules.page` writes it anew."""
    assert page.PAGE.read_text() == page.page()

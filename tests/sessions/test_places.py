"""The map of acts grows by one entry at a time, and two histories that part do not see each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessions.core.places import Places


@given(st.lists(st.tuples(st.integers(0, 7), st.binary(min_size=1, max_size=2)), max_size=60))
def test_every_state_is_the_dictionary_that_it_would_be(steps: list[tuple[int, bytes]]) -> None:
    """Each step grows any earlier state, as decisions that were not taken do."""
    made: list[tuple[Places, dict[bytes, int]]] = [(Places(), {})]
    for which, act in steps:
        places, plain = made[which % len(made)]
        if act not in plain:
            index = max(plain.values(), default=-1) + 1 + which
            made.append((places.put(act, index), {**plain, act: index}))
    for places, plain in made:
        assert dict(places) == plain
        assert len(places) == len(plain)
        assert all((act in places) == (act in plain) for _, act in steps)


def test_equal_histories_are_equal_states() -> None:
    one, other = Places().put(b"a", 1).put(b"b", 3), Places().put(b"a", 1)
    assert one != other
    assert one == other.put(b"b", 3)
    assert one != other.put(b"b", 4)

"""How the screen was left, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zbtui.core.screen_state import SORTS, USUAL, VIEWS, ScreenState, read_state
from zbtui.core.text import clean

STATES = st.builds(
    ScreenState,
    view=st.sampled_from(VIEWS),
    sort=st.sampled_from(SORTS),
    reverse=st.booleans(),
    find=st.text(max_size=100).map(clean),
    theme=st.none() | st.text(min_size=1, max_size=40).map(clean).filter(bool),
)
LEFT = ScreenState("table", "next", True, "dc:eu !muted", "zbtui-light")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(STATES)
def test_what_was_kept_comes_back(state: ScreenState) -> None:
    assert read_state(json.loads(json.dumps(state.as_dict()))) == state


@given(JSON)
def test_anything_else_is_a_screen_that_there_is(body: object) -> None:
    assert read_state(body).view in VIEWS


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(LEFT.as_dict(), JSON)))
def test_whatever_was_kept_it_is_a_screen_that_there_is(body: dict[str, Any]) -> None:
    state = read_state(body)
    assert state.view in VIEWS
    assert state.sort in SORTS
    assert isinstance(state.reverse, bool)
    assert state.find == clean(state.find)
    assert state.theme is None or (state.theme and state.theme == clean(state.theme))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("view", "map"),
        ("view", ["table"]),
        ("sort", "luck"),
        ("sort", None),
        ("reverse", "yes"),
        ("reverse", 1),
        ("find", 7),
        ("find", "x" * 100_000),
        ("theme", ""),
        ("theme", {"name": "nord"}),
    ],
)
def test_a_value_that_makes_no_sense_falls_back_by_itself(key: str, value: object) -> None:
    expected = replace(LEFT, **{key: getattr(USUAL, key)})
    assert read_state(LEFT.as_dict() | {key: value}) == expected


def test_what_a_newer_zbtui_keeps_beside_it_does_no_harm() -> None:
    assert read_state(LEFT.as_dict() | {"columns": [1, 2]}) == LEFT


@pytest.mark.parametrize("body", [None, [], "table", 7, [["view", "table"]]])
def test_what_is_no_table_is_the_usual_screen(body: object) -> None:
    assert read_state(body) == USUAL


def test_a_filter_never_brings_a_control_character_back() -> None:
    assert read_state({"find": "a\x1b]0;x\x07\u202eb"}).find == "a]0;xb"

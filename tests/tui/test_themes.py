"""The themes, Textual's too: states are distinct for every colour vision, and every text is readable."""

from __future__ import annotations

from itertools import combinations
from pathlib import PurePath
from typing import ClassVar, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorType
from rich.style import Style
from textual.app import ComposeResult
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tests.support.snapshots import make_snapshot as seen_org
from tests.tui.color_vision import COLOR_VISIONS, ciede2000, lab_as_seen
from tests.tui.view_app import TUI, org_list_of
from zbtui.model.org import ACCENTS
from zbtui.tui.themes import (
    DARK,
    LIGHT,
    MIN_GRAPHIC_CONTRAST,
    MIN_TEXT_CONTRAST,
    ZBTUI_THEMES,
    ThemedApp,
    contrast_ratio,
    derived_variables,
    ensure_contrast,
)
from zbtui.tui.views.table_view import TableView
from zbtui.tui.widgets.styled_line import ACCENT_ROLES, StyleRole

STATES = ("ok", "running", "warning", "unknown", "critical")
APART = 14.0
"""The smallest CIEDE2000 difference of two states. Above 10, nobody confuses two large patches; a state is
a few thin strokes, whose colour is harder to see, and not side by side with another: so half more."""
APART_MARKS = 12.0
"""The smallest difference of two accents: solid blocks, as CIEDE2000 expects, beside the org's name."""
ELSEWHERE = (
    ("text-warning", "warning-muted"),
    ("text-error", "error-muted"),
    ("text-success", "panel"),
    ("text-warning", "panel"),
    ("text-error", "panel"),
    ("text-muted", "panel"),
    ("foreground", "panel"),
    ("foreground", "primary-muted"),
    ("text-warning", "primary-muted"),
    ("text-error", "primary-muted"),
    ("text-muted", "surface"),
    ("footer-key-foreground", "footer-background"),
    ("block-cursor-foreground", "block-cursor-background"),
)
"""Further pairs of Textual's variables that the screens use as text and background."""
MARKS = {"frame", *ACCENT_ROLES.values()}
"""Roles for marks, not for text."""

own = pytest.mark.parametrize("theme", ZBTUI_THEMES, ids=lambda theme: theme.name)
TEXTUALS = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]


class Shown(ThemedApp[None]):
    """An app with a table, for any theme."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [TUI / "views/org_list_view.tcss"]

    def compose(self) -> ComposeResult:
        self.table = TableView(org_list_of(seen_org("acme")))
        yield self.table

    def styles_of(self, component: str) -> Style:
        return self.table.get_component_rich_style(f"org-list--{component}")


def values(theme: Theme) -> dict[str, Color]:
    """The colours of all variables of one of zbtui's themes, as the app has them."""
    given = theme.to_color_system().generate() | theme.variables
    return {name: Color.parse(value) for name, value in given.items() if value.startswith("#")}


# The measure


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ],
)
def test_ciede2000_agrees_with_the_published_pairs(
    one: tuple[float, float, float], other: tuple[float, float, float], expected: float
) -> None:
    assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


def test_red_and_green_of_equal_lightness_are_one_colour_without_green_cones() -> None:
    def apart(eye: str) -> float:
        return ciede2000(lab_as_seen("#c03b2b", eye), lab_as_seen("#5f6a1f", eye))

    assert apart("all cones") > 40 > 12 > apart("deuteranopia")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#123456", "#123456", 1.0)],
)
def test_contrast_agrees_with_wcag(one: str, other: str, expected: float) -> None:
    assert contrast_ratio(Color.parse(one), Color.parse(other)) == pytest.approx(expected, abs=0.005)


# zbtui's themes


@own
@pytest.mark.parametrize("eye", COLOR_VISIONS)
def test_any_two_states_are_apart_for_all_eyes(theme: Theme, eye: str) -> None:
    for one, other in combinations(STATES, 2):
        colors = (lab_as_seen(theme.variables[f"state-{state}"], eye) for state in (one, other))
        assert ciede2000(*colors) >= APART, (one, other)


@own
@pytest.mark.parametrize("eye", COLOR_VISIONS)
def test_stale_is_distinct_from_ok(theme: Theme, eye: str) -> None:
    stale = lab_as_seen(theme.variables["state-stale"], eye)
    assert ciede2000(stale, lab_as_seen(theme.variables["state-ok"], eye)) >= APART
    assert ciede2000(stale, lab_as_seen(theme.variables["state-running"], eye)) >= APART


@own
def test_any_two_accents_are_apart(theme: Theme) -> None:
    for one, other in combinations(ACCENTS, 2):
        colors = (
            lab_as_seen(theme.variables[f"accent-mark-{accent}"], "all cones") for accent in (one, other)
        )
        assert ciede2000(*colors) >= APART_MARKS, (one, other)


@own
@pytest.mark.parametrize(("text", "ground"), ELSEWHERE)
def test_each_pair_of_text_and_background_is_readable(theme: Theme, text: str, ground: str) -> None:
    colors = values(theme)
    assert contrast_ratio(colors[text], colors[ground]) >= MIN_TEXT_CONTRAST


@own
def test_the_selected_row_stands_out_without_glaring(theme: Theme) -> None:
    colors = values(theme)
    assert 1.1 <= contrast_ratio(colors["selected-row"], colors["background"]) <= 1.6


@own
def test_nothing_glares(theme: Theme) -> None:
    """White on black is too bright for a screen that is watched all day."""
    colors = values(theme)
    assert contrast_ratio(colors["list-text"], colors["background"]) <= 13
    assert contrast_ratio(colors["list-frame"], colors["background"]) <= MIN_TEXT_CONTRAST


def test_one_is_dark_and_one_is_light() -> None:
    assert {theme.name: theme.dark for theme in ZBTUI_THEMES} == {DARK: True, LIGHT: False}


# Textual's themes, too


def test_textuals_themes_are_all_there() -> None:
    assert set(Shown().available_themes) == {DARK, LIGHT, *BUILTIN_THEMES}


def test_variables_that_a_theme_lacks_are_derived() -> None:
    names = set(derived_variables(BUILTIN_THEMES["nord"]))
    assert {f"accent-mark-{accent}" for accent in ACCENTS} < names
    assert {f"state-{state}" for state in STATES} < names
    complete = [theme for theme in Shown().available_themes.values() if "state-ok" in theme.variables]
    assert {theme.name for theme in complete} == {DARK, LIGHT, "ansi-dark", "ansi-light"}
    assert all(names < set(theme.variables) for theme in complete)


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
@pytest.mark.parametrize(("text", "ground"), ELSEWHERE)
def test_with_sixteen_colours_no_text_has_the_colour_of_its_background(
    name: str, text: str, ground: str
) -> None:
    theme = Shown().available_themes[name]
    colors = theme.to_color_system().generate() | theme.variables
    on = "ansi_default" if colors[ground] == "transparent" else colors[ground]
    assert colors[text].partition(" ")[0] != on or on == "ansi_default"


@pytest.fixture
async def measured() -> dict[tuple[str, str], Style]:
    """The style of each component in each theme, by the names of both."""
    app, styles = Shown(), dict[tuple[str, str], Style]()
    async with app.run_test() as pilot:
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            for component in (*get_args(StyleRole), "selected"):
                styles[name, component] = app.styles_of(component)
    return styles


async def test_every_text_is_readable_selected_or_not(measured: dict[tuple[str, str], Style]) -> None:
    for theme in (*ZBTUI_THEMES, *TEXTUALS):
        selected = measured[theme.name, "selected"].bgcolor
        for role in get_args(StyleRole):
            style = measured[theme.name, role]
            assert style.color and style.bgcolor and selected
            for ground in (style.bgcolor, selected):
                ratio = contrast_ratio(Color.from_rich_color(style.color), Color.from_rich_color(ground))
                least = MIN_GRAPHIC_CONTRAST if role in MARKS else MIN_TEXT_CONTRAST
                assert ratio >= least - 0.01, (theme.name, role, ratio)


async def test_the_selected_row_has_a_background_of_its_own(measured: dict[tuple[str, str], Style]) -> None:
    for theme in (*ZBTUI_THEMES, *TEXTUALS):
        selected, usual = measured[theme.name, "selected"], measured[theme.name, "text"]
        assert selected.bgcolor != usual.bgcolor, theme.name
        assert selected.bold


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
async def test_with_sixteen_colours_the_terminals_own_are_used(
    name: str, measured: dict[tuple[str, str], Style]
) -> None:
    for role in get_args(StyleRole):
        color = measured[name, role].color
        assert color is None or color.type in (ColorType.STANDARD, ColorType.DEFAULT), role
    assert measured[name, "selected"].reverse
    colors = [measured[name, state].color for state in STATES]
    assert len(set(colors)) == len(STATES)
    assert measured[name, "stale"].color != measured[name, "ok"].color


async def test_without_colours_the_selected_row_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Shown()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.styles_of("selected").reverse
        assert app.styles_of("critical-badge").reverse
        assert app.styles_of("critical").color == app.styles_of("text").color
        assert app.theme_variables["state-critical"] == app.theme_variables["list-text"]


@pytest.mark.parametrize(
    ("colors", "wanted", "worn"),
    [
        ("truecolor", None, DARK),
        ("truecolor", "no such theme", DARK),
        ("truecolor", "nord", "nord"),
        ("standard", None, "ansi-dark"),
        ("standard", LIGHT, LIGHT),
    ],
)
async def test_the_theme_that_somebody_chose_or_the_one_that_suits_the_terminal(
    colors: str, wanted: str | None, worn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Shown()
    async with app.run_test():
        monkeypatch.setattr(type(app.console), "color_system", colors)
        app.apply_theme(wanted)
        assert app.theme == worn
        assert app.chosen_theme == (wanted if wanted == worn else None)


COLORS = st.tuples(*[st.integers(0, 255)] * 3).map(lambda parts: Color(*parts))


@given(COLORS, COLORS, st.floats(0.0, 0.2), COLORS)
def test_any_colour_is_made_visible(color: Color, ground: Color, share: float, primary: Color) -> None:
    made = ensure_contrast(color, [ground, ground.blend(primary, share)], MIN_GRAPHIC_CONTRAST)
    assert contrast_ratio(made, ground) >= MIN_GRAPHIC_CONTRAST


@given(COLORS, COLORS)
def test_a_colour_that_is_visible_stays_as_it_is(color: Color, ground: Color) -> None:
    if contrast_ratio(color, ground) >= MIN_TEXT_CONTRAST:
        assert ensure_contrast(color, [ground], MIN_TEXT_CONTRAST) == color

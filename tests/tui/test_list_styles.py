"""The style sheet of the views has a rule for each role, and no other rules."""

from __future__ import annotations

import re
from typing import get_args

from tests.tui.view_app import TUI
from zbtui.tui.themes import ZBTUI_THEMES
from zbtui.tui.views.org_list_view import OrgListView
from zbtui.tui.widgets.styled_line import StyleRole

SHEET = re.sub(r"/\*.*?\*/", "", (TUI / "views/org_list_view.tcss").read_text(), flags=re.DOTALL)
PLAIN = re.findall(r"^ +& > \.org-list--([\w-]+) \{", SHEET, flags=re.MULTILINE)


def test_the_style_sheet_describes_each_role_once() -> None:
    assert sorted(PLAIN) == sorted([*get_args(StyleRole), "selected"])


def test_it_names_nothing_that_the_views_do_not_know() -> None:
    assert {
        f"org-list--{name}" for name in re.findall(r"org-list--([\w-]+)", SHEET)
    } == OrgListView.COMPONENT_CLASSES


def test_its_colours_are_variables_that_every_theme_has() -> None:
    colors = re.findall(r"(?:color|background): ([^;]+);", SHEET)
    assert {color.removeprefix("$") for color in colors} <= set(ZBTUI_THEMES[0].variables)


def test_no_two_roles_share_a_colour() -> None:
    """Exceptions are names, texts and badges, which differ by their weight."""
    colors = dict(
        re.findall(r"^ +& > \.org-list--([\w-]+) \{\s+color: \$([\w-]+);", SHEET, flags=re.MULTILINE)
    )
    alike = {"name": "text", "unknown-badge": "unknown", "critical-badge": "critical"}
    kept = [color for role, color in colors.items() if role not in alike]
    assert len(set(kept)) == len(kept)
    assert all(colors[role] == colors[like] for role, like in alike.items())

"""Verdicts and levels: distinct without color, and sorted by how bad they are."""

from __future__ import annotations

from typing import get_args

from rich.cells import cell_len

from zbtui.model.verdict import Level, Verdict, VerdictName


def test_every_verdict_has_a_glyph_of_its_own_one_cell_wide() -> None:
    names: tuple[VerdictName, ...] = get_args(VerdictName)
    glyphs = {Verdict(name, Level.OK, "", "").glyph for name in names}
    assert len(glyphs) == len(names)
    assert {cell_len(glyph) for glyph in glyphs} == {1}


def test_levels_sort_by_how_bad_they_are() -> None:
    assert [level.label for level in sorted(Level)] == ["ok", "warning", "unknown", "critical"]
    assert len({level.glyph for level in Level}) == len(Level)

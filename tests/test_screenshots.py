"""The README's pictures show what the program draws today."""

from __future__ import annotations

import pytest

from tests.screenshots import FOLDER, PICTURES, Picture, draw


@pytest.mark.parametrize("scene", PICTURES, ids=lambda scene: scene.name)
async def test_a_picture_is_as_drawn_today(scene: Picture) -> None:
    kept = (FOLDER / f"{scene.name}.svg").read_text(encoding="utf-8")
    same = await draw(scene) == kept
    assert same, "python -m tests.screenshots draws them again"

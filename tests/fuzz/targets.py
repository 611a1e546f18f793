"""All targets, by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz import accounts, answers, kept, screen
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    **answers.TARGETS,
    **accounts.TARGETS,
    **kept.TARGETS,
    **screen.TARGETS,
}

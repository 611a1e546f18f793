"""What a screen on top of the fleet does with each second."""

from __future__ import annotations


class Ticking:
    """A screen that shows what changes with time; the app ticks it while it is on top."""

    def tick(self) -> None:
        """A second went by."""
        raise NotImplementedError

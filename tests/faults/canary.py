"""Secrets that are planted in every flow, and the search for them in all that was written or shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.shell import SECRETS

PASSWORD = "canary-of-the-proxy"
"""A part of the address that `HTTPS_PROXY` names."""
PLANTED = re.compile(SECRETS.pattern + rb"|access-demo|canary-of-")
"""Every sign-in and token of the simulator's, and what a test plants besides."""


@dataclass
class Canaries:
    """What is to be searched."""

    folders: list[Path]
    """Config, state and whatever else lies in them."""
    shown: list[str] = field(default_factory=list)
    """Screens and panels."""

    def found(self, *printed: str) -> list[str]:
        """Each place in which a secret stands, with the secret."""
        texts = {f"shown {number}": text.encode() for number, text in enumerate(self.shown)}
        texts |= {f"printed {number}": text.encode() for number, text in enumerate(printed)}
        for folder in self.folders:
            texts |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return [
            f"{place}: {one.group()!r}" for place, text in texts.items() for one in PLANTED.finditer(text)
        ]

"""A search for planted secrets in all that was written or shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.command_runner import SECRET_PATTERN

PROXY_PASSWORD = "canary-of-the-proxy"
"""The password in the address of `HTTPS_PROXY`."""
ANY_SECRET_PATTERN = re.compile(SECRET_PATTERN.pattern + rb"|access-demo|canary-of-")
"""The simulator's sign-ins and tokens, and secrets that tests plant."""


@dataclass
class SecretSearch:
    """The places to search."""

    folders: list[Path]
    """The folders of config, state and all other files."""
    displayed_texts: list[str] = field(default_factory=list)
    """Texts of screens and panels."""

    def find_secrets(self, *printed: str) -> list[str]:
        """Each place with a secret, and the secret."""
        texts = {f"shown {number}": text.encode() for number, text in enumerate(self.displayed_texts)}
        texts |= {f"printed {number}": text.encode() for number, text in enumerate(printed)}
        for folder in self.folders:
            texts |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return [
            f"{place}: {one.group()!r}"
            for place, text in texts.items()
            for one in ANY_SECRET_PATTERN.finditer(text)
        ]

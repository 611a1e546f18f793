"""Config files to read and edit, and the problems they cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.store_samples import sample_org
from zbtui.config.config_file import ConfigFile
from zbtui.config.settings import Config
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError

ACME = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
CUSTOM = '[[org]]\nname = "x"\ndata_center = "custom"\nclient_id = "1000.X"\n'
LOCAL = CUSTOM + 'accounts_url = "http://127.0.0.1:8000/eu"\napi_url = "http://127.0.0.1:8000/eu"\n'
NEW = sample_org("new", data_center="jp", client_id="1000.NEW")


class File:
    """A config file in a folder of its own, and zbtui's edits of it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lock = folder / "config.toml", folder / "locks" / "config.lock"

    def store(self) -> ConfigFile:
        """Open the file as another process does."""
        return ConfigFile(self.path, self.lock)

    def put(self, text: str | bytes) -> None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def text(self) -> str:
        return self.path.read_bytes().decode()

    def load(self) -> Config:
        return self.store().load()

    def add(self, new: Org = NEW) -> None:
        self.store().add(new)

    def remove(self, name: str) -> None:
        self.store().remove(name)

    def replace(self, name: str, org: Org) -> None:
        self.store().replace(name, org)

    def names(self) -> list[str]:
        return [found.name for found in self.load().orgs]


def refused(act: Callable[[], object]) -> Problem:
    """The problem that `act` raises."""
    with pytest.raises(ProblemError) as caught:
        act()
    problem = caught.value.problem
    assert (problem.kind, problem.final) == ("config", True)
    assert problem.hint
    return problem

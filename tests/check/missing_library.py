"""A library that is not installed."""

from __future__ import annotations

import sys

import pytest


def without_library(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have imports of it fail."""
    monkeypatch.delitem(sys.modules, "zbtui.check.openmetrics_format", raising=False)
    for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [MissingLibraryFinder(name), *sys.meta_path])


class MissingLibraryFinder:
    """Refuses to find this module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

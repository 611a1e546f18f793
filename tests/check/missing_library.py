"""Tests without an optional library."""

from __future__ import annotations

import sys

import pytest


def without_library(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make imports of the library fail."""
    monkeypatch.delitem(sys.modules, "zbtui.check.openmetrics_format", raising=False)
    for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [MissingLibraryFinder(name), *sys.meta_path])


class MissingLibraryFinder:
    """An import finder that refuses one module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

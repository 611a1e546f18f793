"""No reader of something from outside is without a target: each is reached by the targets' good inputs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import zbtui.config
import zbtui.core
import zbtui.store
import zbtui.zoho
from tests.fuzz.targets import TARGETS

ROOMS = (zbtui.core, zbtui.config, zbtui.zoho, zbtui.store)
LARGE = 10_000
"""Bytes of an input that is about its size alone."""
READS = re.compile(
    r"(parse|read|from|decode|load|trusted|check|explain|is)_\w+|\w+_of|open_answer|clean|later_runs"
)
"""What a function is called that may be given something from outside."""
WITHOUT = {
    "zbtui.core.alert.Observation.is_looked_at_since": "moments of this machine's clock",
    "zbtui.core.guide.steps_of": "words of the program",
    "zbtui.core.org.grant_of": "words of the program",
    "zbtui.core.org.Org.is_watched_like": "two orgs of the config, which was read",
    "zbtui.store.credentials.KeyringCredentials.read_access": "hands the entry to parse_access",
    "zbtui.store.credentials.KeyringCredentials.read_sign_in": "hands the entry to parse_sign_in",
    "zbtui.store.memory.Credentials.read_access": "a contract",
    "zbtui.store.memory.Credentials.read_sign_in": "a contract",
    "zbtui.store.memory.MemoryCredentials.read_access": "nothing but what was put into it",
    "zbtui.store.memory.MemoryCredentials.read_sign_in": "nothing but what was put into it",
    "zbtui.core.data_centers.data_center_of": "an org of the config, which was read",
}
"""Those that need no target, each with what they are given or do."""


def readers() -> Iterator[tuple[str, CodeType]]:
    """Each public function and method of that name, and its code."""
    for room in ROOMS:
        for found in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            module = importlib.import_module(found.name)
            for name, what in vars(module).items():
                if getattr(what, "__module__", None) != module.__name__:
                    continue
                if inspect.isclass(what):
                    yield from _methods(f"{module.__name__}.{name}", what)
                elif callable(what) and READS.fullmatch(name):
                    yield f"{module.__name__}.{name}", inspect.unwrap(what).__code__


def _methods(place: str, of: type) -> Iterator[tuple[str, CodeType]]:
    for name, what in vars(of).items():
        if inspect.isfunction(what) and READS.fullmatch(name):
            yield f"{place}.{name}", what.__code__


def reached() -> set[CodeType]:
    """All code that runs while the targets read their good inputs."""
    for module in [one for name, one in sys.modules.items() if name.startswith("zbtui.")]:
        for what in vars(module).values():
            if hasattr(what, "cache_clear"):
                what.cache_clear()
    codes: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for target in TARGETS.values():
            for seed in target.seeds:
                if len(seed) < LARGE:
                    target.run(seed)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return codes


def test_each_reader_is_reached_by_a_target() -> None:
    codes = reached()
    assert {name for name, code in readers() if code not in codes} == set(WITHOUT)

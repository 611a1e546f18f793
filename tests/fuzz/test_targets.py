"""Each place where something from outside is read: good inputs, hostile ones, and good ones spoilt."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.hostile import BODIES, RAW, TEXTS, mutate
from tests.fuzz.targets import TARGETS

MOST_SECONDS = 5.0
"""Of the processor, for one input: far more than any takes."""
some = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def run(name: str, data: bytes) -> None:
    began = time.process_time()
    TARGETS[name].run(data)
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("name", TARGETS)
def test_good_inputs_and_old_findings(name: str) -> None:
    for seed in TARGETS[name].seeds:
        run(name, seed)


@pytest.mark.parametrize("name", TARGETS)
def test_whole_inputs_that_are_hostile(name: str) -> None:
    texts = [text.encode("utf-8", "surrogatepass") for text in TEXTS]
    for data in (*BODIES, *texts, *(piece.encode() for piece in RAW)):
        run(name, data)


@pytest.mark.parametrize("name", TARGETS)
@some
@given(place=st.integers(0, 99), luck=st.randoms(use_true_random=False))
def test_good_inputs_with_something_hostile_in_them(name: str, place: int, luck: random.Random) -> None:
    seeds = TARGETS[name].seeds
    run(name, mutate(seeds[place % len(seeds)], luck))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_fuzzer_finds_nothing_in_a_few_inputs(tmp_path: Path) -> None:
    """The same ones each time; to find something new is what `python -m tests.fuzz` is for."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--runs",
        "40",
        "--seed",
        "1",
        "--findings",
        str(tmp_path),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(" ok ") == len(TARGETS)

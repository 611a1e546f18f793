"""Editing one org in the config file changes its lines alone, in place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from tests.config.config_files import ACME, File, refused
from tests.config.test_config_file import LAYOUTS, lines
from tests.store.store_samples import sample_org
from zbtui.config.parsing import find_org
from zbtui.config.settings import Config


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
URLS = {"accounts_url": "https://accounts.example", "api_url": "https://api.example"}
CHANGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, []),
    "its name": ({"name": "new"}, ['name = "new"']),
    "its data center": ({"data_center": "sa"}, ['data_center = "sa"']),
    "its client": ({"client_id": "1000.NEW"}, ['client_id = "1000.NEW"']),
    "custom addresses": (
        {"data_center": "custom", **URLS},
        ['data_center = "custom"', *(f'{key} = "{url}"' for key, url in URLS.items())],
    ),
    "its pace": (
        {"policy_overrides": (("every", HOUR), ("long_run_after", 90 * MINUTE))},
        ['every = "1h"', 'long_run_after = "1h30m"'],
    ),
}
"""Changed keys of an org, and the new lines in the file."""

PLACED = [
    ("plain", "acme"),
    ("commented", "acme"),
    ("commented", "sakura"),
    ("watch last", "acme"),
    ("watch between", "acme"),
    ("watch between", "b"),
    ("footer", "acme"),
    ("tight", "acme"),
    ("tight", "b"),
    ("indented", "acme"),
    ("odd header", "acme"),
    ("single quotes", "acme"),
    ("multi-line", "acme"),
    ("no line end", "acme"),
    ("CRLF", "acme"),
    ("BOM", "acme"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("layout", "name"), PLACED)
def test_an_org_that_is_changed_is_changed_where_it_stands_and_no_other_line_is(
    layout: str, name: str, change: str, file: File
) -> None:
    file.put(LAYOUTS[layout])
    keys, said = CHANGES[change]
    before = file.load()
    wanted = replace(find_org(before, name), **keys)
    file.replace(name, wanted)
    assert file.load() == Config(
        before.policy, tuple(wanted if one.name == name else one for one in before.orgs)
    )
    gone, come = differences(lines(LAYOUTS[layout]), lines(file.text()))
    assert [line.split("#")[0].strip() for line in come] == said
    assert len(gone) == sum(line.split(" = ")[0] in BASE_KEYS for line in said)


def differences(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The removed and the added lines; all others keep their order."""
    gone: list[str] = []
    come: list[str] = []
    for _, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if before[i:j] != after[k:m]:
            gone += before[i:j]
            come += after[k:m]
    return gone, come


BASE_KEYS = ("name", "data_center", "client_id")
"""Keys that every org has: a change replaces their line. Any other key gets a new line."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("layout", ["plain", "commented", "watch between", "footer", "tight", "indented"])
def test_an_org_that_is_changed_and_changed_back_leaves_no_trace(
    layout: str, change: str, file: File
) -> None:
    file.put(LAYOUTS[layout])
    acme = file.load().orgs[0]
    changed = replace(acme, **CHANGES[change][0])
    file.replace("acme", changed)
    file.replace(changed.name, acme)
    assert file.text() == LAYOUTS[layout]


def test_a_comment_beside_a_changed_value_stays(file: File) -> None:
    file.put(LAYOUTS["commented"])
    file.replace("sakura", sample_org("sakura", data_center="sg", client_id="1000.DEF"))
    assert 'data_center = "sg"     # Tokyo\n' in file.text()


def test_a_new_line_comes_below_the_orgs_own_and_above_the_next_ones_comment(file: File) -> None:
    file.put(LAYOUTS["commented"])
    file.replace("acme", sample_org(policy_overrides=(("every", HOUR),)))
    assert 'client_id = "1000.ABC"\nevery = "1h"\n\n# ---- Asia ----\n' in file.text()


def test_an_own_pace_that_is_given_up_is_taken_out(file: File) -> None:
    file.put(ACME + 'every = "1h"  # a sandbox\nnear_every = "1m"\n')
    file.replace("acme", sample_org(policy_overrides=(("near_every", MINUTE),)))
    assert file.text() == ACME + 'near_every = "1m"\n'


def test_another_grant_brings_its_keys_and_takes_them_along(file: File) -> None:
    file.put(ACME)
    file.replace("acme", sample_org(grant="client-credentials", soid="ZohoCRM.1"))
    assert file.text() == ACME + 'grant = "client-credentials"\nsoid = "ZohoCRM.1"\n'
    file.replace("acme", sample_org())
    assert file.text() == ACME + 'grant = "refresh-token"\n'


def test_an_org_is_not_given_a_name_that_is_taken_and_only_what_is_there_is_changed(file: File) -> None:
    file.put(LAYOUTS["tight"])
    assert "already" in refused(lambda: file.replace("acme", sample_org("b"))).message
    assert "'other'" in refused(lambda: file.replace("other", sample_org("other"))).message
    assert file.text() == LAYOUTS["tight"]


@pytest.mark.parametrize(
    "change",
    [{"data_center": "fr"}, {"name": "-x"}, {"policy_overrides": (("every", timedelta(seconds=5)),)}],
)
def test_a_change_that_the_config_would_refuse_is_not_written(change: dict[str, Any], file: File) -> None:
    file.put(ACME)
    refused(lambda: file.replace("acme", replace(sample_org(), **change)))
    assert file.text() == ACME


SPREAD = '[[org]]\ndata_center = "eu"\nclient_id = "1000.ABC"\nname = """\\\n[acme]"""\n'
"""An org whose name looks like the header of a table."""


def test_where_a_text_looks_like_a_header_the_change_is_refused(file: File) -> None:
    file.put(SPREAD)
    (known,) = file.load().orgs
    problem = refused(lambda: file.replace("[acme]", replace(known, data_center="in")))
    assert "cannot be edited safely" in problem.message
    assert file.text() == SPREAD

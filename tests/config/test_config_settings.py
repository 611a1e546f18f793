"""The tables `[alerts]` and `[journal]` of the config, and muted orgs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.config_files import ACME, NEW, File, refused
from tests.config.test_config_file import lines
from tests.store.store_samples import sample_org
from tests.support.samples import reproducible
from zbtui.config.parsing import org_from_table, org_to_table, parse_config
from zbtui.config.settings import Config, JournalRetention, Settings
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.time_format import format_duration
from zbtui.model.verdict import Level


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


ALL = dedent("""\
    # whom to notify, and of what
    [alerts]
    least = "critical"          # the rest can wait
    remind_every = "12h"
    failed_looks = 5
    bell = false
    desktop = "osc777"
    on_change = [               # our own
        "/usr/local/bin/page",  # the program
        "--zbtui",
        "",
    ]
    webhook = "https://hooks.example/zbtui"

    [journal]
    keep = "90d"                # by law
    most_events = 5000
    """)


def settings(text: str) -> Settings:
    return parse_config(text, "config.toml").settings


def alerts(**keys: Any) -> Settings:
    return Settings(alerts=AlertSettings(**keys))


def test_every_key_there_is(file: File) -> None:
    file.put(ALL + ACME)
    assert file.load().settings == Settings(
        AlertSettings(
            Level.CRITICAL,
            timedelta(hours=12),
            5,
            False,
            "osc777",
            ("/usr/local/bin/page", "--zbtui", ""),
            "https://hooks.example/zbtui",
        ),
        JournalRetention(timedelta(days=90), 5000),
    )


@pytest.mark.parametrize("text", ["", ACME, "[alerts]\n[journal]\n", "alerts = {}\njournal = {}\n"])
def test_what_is_left_out_is_as_documented(text: str) -> None:
    assert settings(text) == Settings(
        AlertSettings(Level.WARNING, timedelta(days=1), 3, True, None, (), None),
        JournalRetention(timedelta(days=1095), 100_000),
    )


VALUES: dict[str, Settings] = {
    'least = "warning"': alerts(),
    'least = "unknown"': alerts(least=Level.UNKNOWN),
    'remind_every = "1s"': alerts(remind_every=timedelta(seconds=1)),
    'remind_every = "never"': alerts(remind_every=None),
    "failed_looks = 1": alerts(failed_looks=1),
    "failed_looks = 100": alerts(failed_looks=100),
    "bell = true": alerts(),
    'desktop = "osc9"': alerts(desktop="osc9"),
    "on_change = []": alerts(),
    'on_change = ["true"]': alerts(on_change=("true",)),
    'webhook = "http://127.0.0.1:8000/hook"': alerts(webhook="http://127.0.0.1:8000/hook"),
    'webhook = "http://localhost/hook"': alerts(webhook="http://localhost/hook"),
}


@pytest.mark.parametrize("line", VALUES)
def test_each_value_that_alerts_may_have(line: str) -> None:
    assert settings(f"[alerts]\n{line}\n") == VALUES[line]


@pytest.mark.parametrize("most", [1_000, 10_000_000])
def test_the_fewest_and_the_most_events(most: int) -> None:
    assert settings(f"[journal]\nmost_events = {most}\n").journal.most_events == most


MISTAKES = {
    "an unknown key": ('[alerts]\nevery = "1h"\n', 2, "every"),
    "an unknown key that another table has": (
        '[watch]\nevery = "5m"\n[alerts]\nevery = "1h"\n',
        4,
        "every",
    ),
    "an unknown key of the journal": ('[journal]\nkeep = "1d"\nmost = 5\n', 3, "most"),
    "an orgs key in alerts": (ACME + "[alerts]\nmute = true\n", 6, "mute"),
    "a table in alerts": ("[alerts]\n[alerts.sms]\nto = 1\n", 1, "sms"),
    "alerts is no table": ('# mine\nalerts = "all"\n', 2, "alerts"),
    "alerts is many tables": (ACME + "[[alerts]]\nbell = true\n", 5, "alerts"),
    "journal is no table": ("journal = 5\n", 1, "journal"),
    "a level that is none": ('[alerts]\nleast = "severe"\n', 2, "severe"),
    "ok is no level of alerts": ('[alerts]\nleast = "ok"\n', 2, "least"),
    "a level that is no text": ("[alerts]\nleast = 2\n", 2, "least"),
    "a span without a unit": ('[alerts]\nremind_every = "5"\n', 2, "remind_every"),
    "a span without quotes": ("[alerts]\nremind_every = 5\n", 2, "remind_every"),
    "a span of nothing": ('[alerts]\nremind_every = "0s"\n', 2, "remind_every"),
    "never, in capitals": ('[alerts]\nremind_every = "NEVER"\n', 2, "remind_every"),
    "no failed poll at all": ("[alerts]\nfailed_looks = 0\n", 2, "failed_looks"),
    "too many failed polls": ("[alerts]\nfailed_looks = 101\n", 2, "failed_looks"),
    "failed polls that are no whole number": ("[alerts]\nfailed_looks = 3.0\n", 2, "failed_looks"),
    "failed polls that are true": ("[alerts]\nfailed_looks = true\n", 2, "failed_looks"),
    "failed polls in quotes": ('[alerts]\nfailed_looks = "3"\n', 2, "failed_looks"),
    "a bell that is a number": ("[alerts]\nbell = 1\n", 2, "bell"),
    "a bell in quotes": ('[alerts]\nbell = "true"\n', 2, "bell"),
    "a desktop that is none": ('[alerts]\ndesktop = "kde"\n', 2, "kde"),
    "a desktop that is true": ("[alerts]\ndesktop = true\n", 2, "desktop"),
    "a command that is one text": ('[alerts]\non_change = "notify-send zbtui"\n', 2, "on_change"),
    "a command with a number": ('[alerts]\non_change = [\n  "a",\n  5,\n]\n', 2, "on_change"),
    "a command without a program": ('[alerts]\non_change = ["", "zbtui"]\n', 2, "on_change"),
    "a command with a null": ('[alerts]\non_change = ["a", "b\\u0000"]\n', 2, "on_change"),
    "a webhook that is no text": ("[alerts]\nwebhook = 5\n", 2, "webhook"),
    "a webhook that is none": ('[alerts]\nwebhook = ""\n', 2, "webhook"),
    "a webhook over http": ('[alerts]\nwebhook = "http://hooks.example/x"\n', 2, "https"),
    "a webhook with a user": ('[alerts]\nwebhook = "https://me@hooks.example/x"\n', 2, "user"),
    "a keep without a unit": ('[journal]\nkeep = "90"\n', 2, "keep"),
    "a keep for ever": ('[journal]\nkeep = "never"\n', 2, "keep"),
    "too few events": ("[journal]\nmost_events = 999\n", 2, "most_events"),
    "too many events": ("[journal]\nmost_events = 10_000_001\n", 2, "most_events"),
    "events in quotes": ('[journal]\nmost_events = "5000"\n', 2, "most_events"),
    "a mistake in a dotted key": ("alerts.bell = 1\n", 1, "bell"),
    "a mistake in an inline table": ("# mine\njournal = {most_events = 1}\n", 2, "most_events"),
    "a mistake in a quoted table": ('[ "journal" ]  # ours\nkeep = 5\n', 2, "keep"),
    "a mute in quotes": (ACME + 'mute = "true"\n', 5, "mute"),
    "a mute that is a number": (ACME + ACME.replace("acme", "b") + "mute = 1\n", 9, "mute"),
    "a mute for all": ("[watch]\nmute = true\n", 2, "mute"),
    "a max_age without quotes": (ACME + "max_age = 40\n", 5, "max_age"),
    "a max_age for all without a unit": ('[watch]\nmax_age = "40"\n', 2, "max_age"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_shown_with_file_and_line_and_nothing_is_rewritten(
    mistake: str, file: File
) -> None:
    text, line, word = MISTAKES[mistake]
    file.put(text)
    for act in (file.load, file.add, partial(file.remove, "acme")):
        message = refused(act).message
        assert message.startswith(f"{file.path}, line {line}: ")
        assert word in message.removeprefix(str(file.path))
    assert file.text() == text


def test_a_reminder_that_is_none_is_shown_how_it_is_written() -> None:
    hint = refused(partial(settings, '[alerts]\nremind_every = "x"\n')).hint
    assert '"never"' in hint
    assert '"never"' not in refused(partial(settings, '[journal]\nkeep = "x"\n')).hint


# Edits


def test_edits_of_orgs_leave_the_other_tables_as_they_are(file: File) -> None:
    file.put(ALL + "\n" + ACME)
    before = file.load().settings
    file.add()
    file.replace("acme", sample_org("other", mute=True))
    file.remove("new")
    assert lines(file.text()) == lines(ALL + ACME.replace("acme", "other") + "mute = true\n")
    assert file.load() == Config(orgs=(sample_org("other", mute=True),), settings=before)


def test_an_org_is_added_behind_them(file: File) -> None:
    file.put(ACME + "\n" + ALL)
    file.add()
    assert file.text().startswith(ACME + "\n" + ALL + "\n[[org]]\n")
    assert file.names() == ["acme", "new"]


def test_an_org_is_muted_and_heard_again_where_it_stands(file: File) -> None:
    text = ACME + "# quiet:\n" + ACME.replace("acme", "b")
    file.put(text)
    file.replace("acme", sample_org(mute=True))
    assert file.text() == ACME + "mute = true\n# quiet:\n" + ACME.replace("acme", "b")
    assert [one.mute for one in file.load().orgs] == [True, False]
    file.replace("acme", sample_org())
    assert file.text() == text


def test_a_comment_beside_mute_stays_when_it_changes(file: File) -> None:
    file.put(ACME + "mute = false  # until they pay\n")
    file.replace("acme", sample_org(mute=True))
    assert file.text() == ACME + "mute = true  # until they pay\n"


def test_an_org_stays_muted_when_something_else_of_it_changes(file: File) -> None:
    file.put(ACME + "mute = true\n")
    opened = sample_org()
    file.store().replace("acme", replace(opened, name="other"), opened)
    assert file.load().orgs == (sample_org("other", mute=True),)


def test_an_org_is_added_muted_with_its_own_age(file: File) -> None:
    new = replace(NEW, mute=True, policy_overrides=(("max_age", timedelta(days=40)),))
    file.add(new)
    assert file.load().orgs == (new,)
    assert file.text().endswith('mute = true\nmax_age = "40d"\n')


@pytest.mark.parametrize("mute", [True, False])
def test_a_table_says_that_an_org_is_muted_and_nothing_where_it_is_not(mute: bool) -> None:
    table = org_to_table(sample_org(mute=mute))
    assert table.get("mute") == (True if mute else None)
    assert org_from_table(table) == sample_org(mute=mute)
    assert org_from_table({**table, "mute": mute}).mute is mute


def test_an_age_for_all_is_that_of_each_org_but_for_its_own(file: File) -> None:
    file.put('[watch]\nmax_age = "40d"\n' + ACME + ACME.replace("acme", "b") + 'max_age = "9d"\n')
    config = file.load()
    assert [one.own_policy(config.policy).max_age for one in config.orgs] == [
        timedelta(days=40),
        timedelta(days=9),
    ]


spans = st.integers(1, 3650 * 86400).map(lambda seconds: timedelta(seconds=seconds))


@reproducible
@given(span=spans, failures=st.integers(1, 100), most=st.integers(1_000, 10_000_000), bell=st.booleans())
def test_whatever_may_be_written_is_read(span: timedelta, failures: int, most: int, bell: bool) -> None:
    written = format_duration(span)
    text = f"[alerts]\nremind_every = '{written}'\nfailed_looks = {failures}\nbell = {str(bell).lower()}\n"
    assert settings(f"{text}[journal]\nkeep = '{written}'\nmost_events = {most}\n") == Settings(
        AlertSettings(remind_every=span, failed_looks=failures, bell=bell), JournalRetention(span, most)
    )

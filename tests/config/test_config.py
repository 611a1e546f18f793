"""The text of the config: valid entries, and the problem shown for each mistake."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config.config_files import ACME, CUSTOM, LOCAL, File, refused
from tests.store.store_samples import sample_org
from zbtui.config.parsing import (
    MAX_NAME_LENGTH,
    check_name_is_free,
    find_org,
    name_error,
    org_from_table,
    org_to_table,
    parse_config,
)
from zbtui.config.settings import Config
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy
from zbtui.zoho_api.data_centers import DATA_CENTERS


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


# Valid entries


def test_a_file_that_is_not_there_is_an_empty_config(file: File) -> None:
    assert file.load() == Config(WatchPolicy(), ())


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "[watch]\n", "org = []\n"])
def test_a_file_that_says_nothing_is_an_empty_config(text: str, file: File) -> None:
    file.put(text)
    assert file.load() == Config()


def test_every_key_there_is(file: File) -> None:
    file.put(
        dedent("""
        [watch]
        every = "1m"
        near_every = "20s"
        overdue_after = "1h30m"
        long_run_after = "1d"
        max_age = "40d"

        [[org]]
        name = "acme"
        data_center = "eu"
        client_id = "1000.ABC"
        grant = "refresh-token"
        mute = true

        [[org]]
        name = "self client"
        data_center = "us"
        client_id = "1000.DEF"
        grant = "client-credentials"
        soid = "ZohoCRM.20098765432"

        [[org]]
        name = "portal"
        data_center = "custom"
        client_id = "1000.GHI"
        accounts_url = "https://accounts.portal.example"
        api_url = "https://api.portal.example/crm"
        """)
    )
    assert file.load() == Config(
        WatchPolicy(
            timedelta(minutes=1),
            timedelta(seconds=20),
            timedelta(hours=1.5),
            timedelta(days=1),
            timedelta(days=40),
        ),
        (
            Org("acme", "eu", "1000.ABC", "refresh-token", mute=True),
            Org("self client", "us", "1000.DEF", "client-credentials", "ZohoCRM.20098765432"),
            Org(
                "portal",
                "custom",
                "1000.GHI",
                accounts_url="https://accounts.portal.example",
                api_url="https://api.portal.example/crm",
            ),
        ),
    )


def test_what_is_left_out_is_as_documented(file: File) -> None:
    file.put(ACME)
    config = file.load()
    assert config.policy == WatchPolicy(
        timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=6), timedelta(hours=12), None
    )
    assert (config.orgs[0].grant, config.orgs[0].mute) == ("refresh-token", False)


@pytest.mark.parametrize("dc", sorted(DATA_CENTERS))
def test_each_data_center_can_be_chosen(dc: str, file: File) -> None:
    file.put(ACME.replace('"eu"', f'"{dc}"'))
    assert file.load().orgs[0].data_center == dc


@pytest.mark.parametrize(
    "text", [ACME.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + ACME.encode(), ACME.rstrip().encode()]
)
def test_it_may_come_from_windows_and_may_end_without_a_line_end(text: bytes, file: File) -> None:
    file.put(text)
    assert file.names() == ["acme"]


# Mistakes

MISTAKES = {
    "unknown key": ('colour = "red"\n' + ACME, 1, "colour"),
    "unknown table": (ACME + "\n[wacth]\n", 6, "wacth"),
    "unknown key in watch": ('[watch]\nevery = "5m"\nevry = "5m"\n', 3, "evry"),
    "unknown key in the second org": (ACME + ACME.replace("acme", "b") + 'token = "x"\n', 9, "token"),
    "a secret": (ACME + 'client_secret = "x"\n', 5, "client_secret"),
    "quoted unknown key": (ACME + '"max age" = "x"\n', 5, "max age"),
    "watch is no table": ('watch = "5m"\n', 1, "watch"),
    "watch is many tables": ('[[watch]]\nevery = "5m"\n', 1, "watch"),
    "org is one table": (ACME.replace("[[org]]", "[org]"), 1, "org"),
    "org is text": ('\norg = "acme"\n', 2, "org"),
    "org is a list of texts": ('\norg = ["acme"]\n', 2, "org"),
    "a span without quotes": ("[watch]\nevery = 300\n", 2, "every"),
    "a span without a unit": ('[watch]\nnear_every = "30"\n', 2, "near_every"),
    "a span of nothing": ('[watch]\noverdue_after = "0s"\n', 2, "overdue_after"),
    "a span beyond reason": ('[watch]\nlong_run_after = "9999999d"\n', 2, "long_run_after"),
    "a span in a dotted key": ("watch.every = 300\n", 1, "every"),
    "a span in an inline table": ("# mine\nwatch = {every = 300}\n", 2, "every"),
    "every under 15s": ('[watch]\nevery = "14s"\n' + ACME, 2, "15s"),
    "near_every under 15s": ('[watch]\nnear_every = "14s"\n' + ACME, 2, "15s"),
    "every under 15s where one org is not on loopback": (
        '[watch]\nevery = "14s"\n' + LOCAL + ACME,
        2,
        "15s",
    ),
    "every under 1s on loopback": ('[watch]\nnear_every = "0s"\n' + LOCAL, 2, "near_every"),
    "a name that is no text": (ACME.replace('"acme"', "7"), 2, "name"),
    "a name given twice": (ACME + "\n" + ACME, 7, "twice"),
    "no name": (ACME.replace('name = "acme"\n', ""), 1, "name"),
    "no data center": ("\n\n" + ACME.replace('data_center = "eu"\n', ""), 3, "data_center"),
    "no client id": (LOCAL + ACME.replace('client_id = "1000.ABC"\n', ""), 7, "client_id"),
    "an empty name": (ACME.replace("acme", ""), 2, "name"),
    "a name of an option": (ACME.replace("acme", "--yes"), 2, "dash"),
    "a name of two lines": (ACME.replace("acme", r"a\nb"), 2, "one line"),
    "a name that hides something": (ACME.replace("acme", r"a\u202eb"), 2, "printable"),
    "a name that is too long": (ACME.replace("acme", "a" * (MAX_NAME_LENGTH + 1)), 2, str(MAX_NAME_LENGTH)),
    "no such data center": (ACME.replace('"eu"', '"fr"'), 3, "fr"),
    "a data center in capitals": (ACME.replace('"eu"', '"EU"'), 3, "EU"),
    "a client id with a space": (ACME.replace("1000.ABC", "1000. ABC"), 4, "has characters that none has"),
    "an empty client id": (ACME.replace("1000.ABC", ""), 4, "the client id is missing"),
    "an endless client id": (ACME.replace("1000.ABC", "1" * 201), 4, "the client id is longer than any"),
    "a url without custom": (ACME + 'api_url = "https://a.example"\n', 5, "api_url"),
    "custom without urls": (CUSTOM, 3, "accounts_url"),
    "custom without api_url": (CUSTOM + 'accounts_url = "https://a.example"\n', 3, "api_url"),
    "a custom url over http": (LOCAL.replace("127.0.0.1", "zoho.example"), 5, "https"),
    "a custom url with a user": (LOCAL.replace("127.0.0.1", "me@127.0.0.1"), 5, "user"),
    "a custom url with a query": (LOCAL.replace('eu"\napi', 'eu?x=1"\napi'), 5, "query"),
    "a custom url that is none": (LOCAL.replace("http://127", "127"), 5, "URL"),
    "no such grant": (ACME + 'grant = "password"\n', 5, "password"),
    "a grant of the command line only": (ACME + 'grant = "device"\n', 5, "device"),
    "client credentials without soid": (ACME + 'grant = "client-credentials"\n', 5, "soid"),
    "soid without client credentials": (ACME + 'soid = "ZohoCRM.1"\n', 5, "soid"),
    "soid with a refresh token": (ACME + 'grant = "refresh-token"\nsoid = "ZohoCRM.1"\n', 5, "soid"),
    "soid without its number": (ACME + 'grant = "client-credentials"\nsoid = "20098765432"\n', 6, "soid"),
    "soid in other digits": (ACME + 'grant = "client-credentials"\nsoid = "ZohoCRM.٣"\n', 6, "soid"),
    "an own span without a unit": (ACME + ACME.replace("acme", "b") + 'every = "5"\n', 9, "every"),
    "an own span without quotes": (ACME + "near_every = 30\n", 5, "near_every"),
    "an own span of nothing": (ACME + 'overdue_after = "0s"\n', 5, "overdue_after"),
    "an own every under 15s": (ACME + '\nevery = "14s"\n', 6, "15s"),
    "an own near_every under 15s": (LOCAL + ACME + 'near_every = "14s"\n', 11, "15s"),
    "an own every under 1s on loopback": (LOCAL + 'every = "0s"\n', 7, "every"),
    "a table in an org": (ACME + "[org.more]\nx = 1\n", 1, "more"),
    "not TOML": (ACME + "name =\n", 5, "TOML"),
    "a key given twice": (ACME + 'name = "b"\n', 5, "TOML"),
    "a string without an end": ('\n\nevery = "5m\n', 3, "TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_shown_with_file_and_line_and_nothing_is_rewritten(
    mistake: str, file: File
) -> None:
    text, line, word = MISTAKES[mistake]
    file.put(text)
    for act in (file.load, file.add, partial(file.remove, "acme")):
        message = refused(act).message
        assert message.startswith(str(file.path))
        assert f"line {line}" in message.replace(str(file.path), "")
        assert word in message
    assert file.text() == text


def test_the_line_of_a_mistake_is_found_behind_however_long_a_blank_one(file: File) -> None:
    file.put("[watch]\n" + " " * 100_000 + "\nevry = 1\n")
    began = time.process_time()
    assert "line 3: unknown key 'evry'" in refused(file.load).message
    assert time.process_time() - began < 3, "with the square of its length it would take many times that"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (ACME.encode("utf-16"), "UTF-8"),
        (ACME.replace("acme", "caf\xe9").encode("latin-1"), "UTF-8"),
        (b"\0" * 64, "TOML"),
        (b"# " + b"x" * (10 << 20), "10 MiB"),
        (b"x = " + b"[" * 5000, "TOML"),
        (b"x = " + b"1" * 5000, "TOML"),
    ],
    ids=["UTF-16", "Latin-1", "binary", "huge", "deep", "a huge number"],
)
def test_what_is_no_text_of_a_config_is_shown_with_the_file(text: bytes, word: str, file: File) -> None:
    file.put(text)
    for act in (file.load, file.add):
        message = refused(act).message
        assert message.startswith(str(file.path))
        assert word in message
    assert file.path.read_bytes() == text


@pytest.mark.parametrize("place", ["a folder", "a loop of links"])
def test_what_cannot_be_read_is_shown_with_the_file(place: str, file: File) -> None:
    if place == "a folder":
        file.path.mkdir()
    else:
        file.path.symlink_to(file.path)
    for act in (file.load, file.add):
        assert refused(act).message.startswith(f"{file.path}: cannot be read")


@pytest.mark.parametrize(
    ("text", "every"),
    [('[watch]\nevery = "15s"\n' + ACME, 15), ('[watch]\nevery = "1s"\nnear_every = "1s"\n' + LOCAL, 1)],
)
def test_15s_is_often_enough_and_on_loopback_1s(text: str, every: int, file: File) -> None:
    file.put(text)
    assert file.load().policy.every == timedelta(seconds=every)


# An org's own policy


def test_an_org_may_set_every_key_of_the_policy_itself(file: File) -> None:
    own = 'every = "1h"\nnear_every = "1m"\noverdue_after = "2d"\nlong_run_after = "1h30m"\n'
    own += 'max_age = "9d"\n'
    file.put('[watch]\nevery = "1m"\n' + ACME + own + ACME.replace("acme", "b"))
    config = file.load()
    acme, b = config.orgs
    assert acme.own_policy(config.policy) == WatchPolicy(
        timedelta(hours=1),
        timedelta(minutes=1),
        timedelta(days=2),
        timedelta(minutes=90),
        timedelta(days=9),
    )
    assert b.own_policy(config.policy) == config.policy == WatchPolicy(every=timedelta(minutes=1))
    assert acme.identity == replace(acme, policy_overrides=()).identity


def test_the_order_of_the_lines_makes_no_other_org(file: File) -> None:
    keys = ['every = "1h"\n', 'near_every = "1m"\n', 'overdue_after = "2d"\n']
    file.put(ACME + "".join(keys))
    before = file.load()
    file.put(ACME + "".join(reversed(keys)))
    assert file.load() == before


@pytest.mark.parametrize(
    ("text", "every"),
    [(ACME + 'every = "15s"\n', 15), (LOCAL + 'every = "1s"\nnear_every = "1s"\n' + ACME, 1)],
    ids=["anywhere", "on loopback, whatever the others"],
)
def test_an_orgs_own_pace_is_as_often_as_its_own_place_allows(text: str, every: int, file: File) -> None:
    file.put(text)
    config = file.load()
    assert config.orgs[0].own_policy(config.policy).every == timedelta(seconds=every)


spans = st.integers(15, 3650 * 86400).map(lambda seconds: timedelta(seconds=seconds))


@settings(max_examples=60, deadline=None)
@given(own=st.fixed_dictionaries({}, optional=dict.fromkeys(POLICY_KEYS, spans)))
def test_an_org_is_read_as_its_table_says(own: dict[str, timedelta]) -> None:
    made = sample_org(grant="client-credentials", soid="ZohoCRM.1", policy_overrides=tuple(own.items()))
    canonical = replace(made, policy_overrides=tuple((key, own[key]) for key in POLICY_KEYS if key in own))
    assert org_from_table(org_to_table(made)) == canonical


def test_a_table_holds_what_is_set_and_nothing_else() -> None:
    assert org_to_table(sample_org(policy_overrides=(("every", timedelta(minutes=90)),))) == {
        "name": "acme",
        "data_center": "eu",
        "client_id": "1000.ABC",
        "grant": "refresh-token",
        "every": "1h30m",
    }


# Arbitrary text

FRAGMENTS = st.sampled_from([ACME, CUSTOM, LOCAL, "[[org]]\n", "[watch]\n", "org = ", "name = "]) | (
    st.sampled_from(["watch.", "every = ", '"5m"\n', "[", "]", "{", "}", "=", ",", "#", "\n", "\t"])
    | st.sampled_from(['"""', "'", "\\u0000", "1979-05-27", "nan", "true"])
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(FRAGMENTS | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_is_in_the_file_the_outcome_is_a_config_or_a_problem(text: str) -> None:
    try:
        config = parse_config(text, "config.toml")
    except ProblemError as error:
        assert error.problem.message.startswith("config.toml")
    else:
        assert isinstance(config.orgs, tuple)


# Names


@pytest.mark.parametrize(
    "name", ["a", "Acme GmbH & Co. [EU]", "佐藤", "a" * MAX_NAME_LENGTH, "\U0001f680", "e\u0301"]
)
def test_a_name_is_any_one_line(name: str) -> None:
    assert name_error(name) is None


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\x1b[2J", "-a", "a" * (MAX_NAME_LENGTH + 1)])
def test_other_names_are_refused(name: str) -> None:
    assert name_error(name) is not None


@pytest.mark.parametrize(
    "hidden", "\u200b\u200c\u200d\u2060\ufe0f\u034f\u3164\u2800\u115f\U000e0041\U000e0101"
)
def test_a_name_with_a_character_that_cannot_be_seen_is_refused(hidden: str) -> None:
    assert name_error(f"ac{hidden}me") is not None


CONFUSABLE_NAMES = [
    ("acme", "Acme"),
    ("\u00c5sa", "A\u030asa"),
    ("acme", "\uff41cme"),
    ("straße", "STRASSE"),
    ("\ufb01n", "fin"),
]


@pytest.mark.parametrize(("name", "other"), CONFUSABLE_NAMES)
def test_two_names_that_look_alike_are_refused(name: str, other: str, file: File) -> None:
    table = '[[org]]\nname = "{}"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
    file.put(table.format(name) + table.format(other))
    assert repr(name) in refused(file.load).message
    config = Config(orgs=(sample_org(name),))
    assert repr(name) in refused(partial(check_name_is_free, config, other)).message


def test_an_org_may_be_renamed_to_a_name_that_looks_like_its_own(file: File) -> None:
    file.put(ACME)
    file.store().replace("acme", sample_org("Acme"))
    assert [org.name for org in file.load().orgs] == ["Acme"]


def test_an_org_can_be_made_from_its_keys_alone() -> None:
    keys = {"name": "acme", "data_center": "eu", "client_id": "1000.ABC"}
    assert org_from_table(keys) == sample_org()
    message = refused(partial(org_from_table, {**keys, "data_center": "fr"})).message
    assert message[0].isupper()
    assert "fr" in message


def test_an_org_is_found_by_its_name() -> None:
    config = Config(orgs=(sample_org("a"), sample_org("b")))
    assert find_org(config, "b") == sample_org("b")


def test_an_unknown_name_is_shown_with_those_that_are_known() -> None:
    config = Config(orgs=(sample_org("acme"), sample_org("other")))
    assert "acme, other" in refused(lambda: find_org(config, "x")).hint
    assert "zbtui add" in refused(lambda: find_org(Config(), "x")).hint


def test_a_name_that_is_taken_is_shown() -> None:
    assert "'acme'" in refused(partial(check_name_is_free, Config(orgs=(sample_org(),)), "acme")).message

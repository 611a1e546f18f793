"""The config file: what it may say, what each mistake is told as, and what edits leave alone."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from textwrap import dedent

import filelock
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.store.builders import RULES, org, run_together
from zbtui.core.org import Org, Policy
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.config import (
    LONGEST_NAME,
    Config,
    add_org,
    check_free,
    check_name,
    find_org,
    load_config,
    make_org,
    parse_config,
    remove_org,
    watch_config,
)

ACME = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
CUSTOM = '[[org]]\nname = "x"\ndata_center = "custom"\nclient_id = "1000.X"\n'
LOCAL = CUSTOM + 'accounts_url = "http://127.0.0.1:8000/eu"\napi_url = "http://127.0.0.1:8000/eu"\n'
NEW = org("new", data_center="jp", client_id="1000.NEW")


class File:
    """A config in a folder of its own, and the edits that zbtui makes."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lock = folder / "config.toml", folder / "locks" / "config.lock"

    def put(self, text: str | bytes) -> None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def text(self) -> str:
        return self.path.read_bytes().decode()

    def load(self) -> Config:
        return load_config(self.path, RULES)

    def add(self, new: Org = NEW) -> None:
        add_org(self.path, self.lock, new, RULES)

    def remove(self, name: str) -> None:
        remove_org(self.path, self.lock, name, RULES)

    def names(self) -> list[str]:
        return [found.name for found in self.load().orgs]


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


def refused(act: Callable[[], object]) -> Trouble:
    with pytest.raises(TroubleError) as caught:
        act()
    trouble = caught.value.trouble
    assert (trouble.kind, trouble.final) == ("config", True)
    assert trouble.hint
    return trouble


# What it says


def test_a_file_that_is_not_there_is_an_empty_config(file: File) -> None:
    assert file.load() == Config(Policy(), ())


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

        [[org]]
        name = "acme"
        data_center = "eu"
        client_id = "1000.ABC"
        grant = "refresh-token"

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
        Policy(timedelta(minutes=1), timedelta(seconds=20), timedelta(hours=1.5), timedelta(days=1)),
        (
            Org("acme", "eu", "1000.ABC", "refresh-token"),
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
    assert config.policy == Policy(
        timedelta(minutes=5), timedelta(seconds=30), timedelta(hours=6), timedelta(hours=12)
    )
    assert config.orgs[0].grant == "refresh-token"


@pytest.mark.parametrize("dc", sorted(RULES.data_centers))
def test_each_data_center_can_be_chosen(dc: str, file: File) -> None:
    file.put(ACME.replace('"eu"', f'"{dc}"'))
    assert file.load().orgs[0].data_center == dc


@pytest.mark.parametrize(
    "text", [ACME.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + ACME.encode(), ACME.rstrip().encode()]
)
def test_it_may_come_from_windows_and_may_end_without_a_line_end(text: bytes, file: File) -> None:
    file.put(text)
    assert file.names() == ["acme"]


# What it must not say

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
    "a name that is too long": (ACME.replace("acme", "a" * (LONGEST_NAME + 1)), 2, str(LONGEST_NAME)),
    "no such data center": (ACME.replace('"eu"', '"fr"'), 3, "fr"),
    "a data center in capitals": (ACME.replace('"eu"', '"EU"'), 3, "EU"),
    "a client id with a space": (ACME.replace("1000.ABC", "1000. ABC"), 4, "client_id"),
    "an empty client id": (ACME.replace("1000.ABC", ""), 4, "client_id"),
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
    "a table in an org": (ACME + "[org.more]\nx = 1\n", 1, "more"),
    "not TOML": (ACME + "name =\n", 5, "TOML"),
    "a key given twice": (ACME + 'name = "b"\n', 5, "TOML"),
    "a string without an end": ('\n\nevery = "5m\n', 3, "TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_told_with_file_and_line_and_nothing_is_rewritten(mistake: str, file: File) -> None:
    text, line, word = MISTAKES[mistake]
    file.put(text)
    for act in (file.load, file.add, partial(file.remove, "acme")):
        message = refused(act).message
        assert message.startswith(str(file.path))
        assert f"line {line}" in message.replace(str(file.path), "")
        assert word in message
    assert file.text() == text


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
def test_what_is_no_text_of_a_config_is_told_with_the_file(text: bytes, word: str, file: File) -> None:
    file.put(text)
    for act in (file.load, file.add):
        message = refused(act).message
        assert message.startswith(str(file.path))
        assert word in message
    assert file.path.read_bytes() == text


@pytest.mark.parametrize("place", ["a folder", "a loop of links"])
def test_what_cannot_be_read_is_told_with_the_file(place: str, file: File) -> None:
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


FRAGMENTS = st.sampled_from([ACME, CUSTOM, LOCAL, "[[org]]\n", "[watch]\n", "org = ", "name = "]) | (
    st.sampled_from(["watch.", "every = ", '"5m"\n', "[", "]", "{", "}", "=", ",", "#", "\n", "\t"])
    | st.sampled_from(['"""', "'", "\\u0000", "1979-05-27", "nan", "true"])
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(FRAGMENTS | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_is_in_the_file_the_outcome_is_a_config_or_a_trouble(text: str) -> None:
    try:
        config = parse_config(text, "config.toml", RULES)
    except TroubleError as error:
        assert error.trouble.message.startswith("config.toml")
    else:
        assert isinstance(config.orgs, tuple)


# Names


@pytest.mark.parametrize("name", ["a", "Acme GmbH & Co. [EU]", "佐藤", "a" * LONGEST_NAME, "\U0001f680"])
def test_a_name_is_any_one_line(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\x1b[2J", "-a", "a" * (LONGEST_NAME + 1)])
def test_other_names_are_refused(name: str) -> None:
    assert check_name(name) is not None


def test_an_org_can_be_made_from_its_keys_alone() -> None:
    keys = {"name": "acme", "data_center": "eu", "client_id": "1000.ABC"}
    assert make_org(keys, RULES) == org()
    message = refused(partial(make_org, {**keys, "data_center": "fr"}, RULES)).message
    assert message[0].isupper()
    assert "fr" in message


def test_an_org_is_found_by_its_name() -> None:
    config = Config(orgs=(org("a"), org("b")))
    assert find_org(config, "b") == org("b")


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    config = Config(orgs=(org("acme"), org("other")))
    assert "acme, other" in refused(lambda: find_org(config, "x")).hint
    assert "zbtui add" in refused(lambda: find_org(Config(), "x")).hint


def test_a_name_that_is_taken_is_told() -> None:
    assert "'acme'" in refused(partial(check_free, Config(orgs=(org(),)), "acme")).message


# Edits

LAYOUTS = {
    "plain": ACME,
    "commented": dedent("""\
        # Our orgs. Ask Mara before you change anything.

        [watch]
        every = "5m"   # not less: we share the credits
        # near_every = "1m"

        # The mother company
        [[org]]
        name = "acme"          # as in the contract
        data_center = "eu"
        client_id = "1000.ABC"

        # ---- Asia ----

        # The daughter
        [[org]]
        client_id = "1000.DEF"
        name = "sakura"
        data_center = "jp"     # Tokyo
        """),
    "watch last": ACME + '\n# how often\n[watch]\nevery = "5m"\n',
    "watch between": ACME + '\n[watch]\nevery = "5m"\n\n' + ACME.replace("acme", "b") + "# the end\n",
    "footer": ACME + "\n# To come:\n# [[org]]\n# name = 'later'\n",
    "tight": ACME + ACME.replace("acme", "b"),
    "indented": "\n".join("\t" + line for line in ACME.splitlines()) + "\n",
    "odd header": ACME.replace("[[org]]", "[[ org ]]  # the first"),
    "single quotes": ACME.replace('"', "'"),
    "multi-line": ACME.replace('"acme"', '"""acme"""'),
    "no line end": ACME.rstrip(),
    "only a comment": "# nothing yet",
    "CRLF": ACME.replace("\n", "\r\n"),
    "BOM": "\ufeff# mine\n" + ACME,
}


def lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]


ADDED = ['name = "new"', 'data_center = "jp"', 'client_id = "1000.NEW"', 'grant = "refresh-token"']
"""The lines of the new org, below its header."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_org_that_is_added_leaves_every_line_in_its_place(layout: str, file: File) -> None:
    file.put(LAYOUTS[layout])
    before = file.load()
    file.add()
    assert file.load() == Config(before.policy, (*before.orgs, NEW))
    written = lines(file.text())
    first = written.index(ADDED[0])
    assert written[first : first + len(ADDED)] == ADDED
    assert written[: first - 1] + written[first + len(ADDED) :] == lines(LAYOUTS[layout])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_org_that_is_added_and_removed_leaves_no_trace(layout: str, file: File) -> None:
    file.put(LAYOUTS[layout])
    before = file.load()
    file.add()
    file.remove("new")
    assert file.load() == before
    assert lines(file.text()) == lines(LAYOUTS[layout])


def test_an_org_is_added_with_a_blank_line_above_it(file: File) -> None:
    file.put(ACME)
    file.add()
    assert file.text() == ACME + "\n[[org]]\n" + "\n".join(ADDED) + "\n"


def test_a_new_file_says_what_it_is(file: File) -> None:
    file.add()
    assert file.text().startswith("#")
    assert file.names() == ["new"]


REMOVALS = {
    ("plain", "acme"): ACME,
    ("tight", "acme"): ACME,
    ("tight", "b"): ACME.replace("acme", "b"),
    ("watch last", "acme"): ACME,
    ("watch between", "acme"): ACME,
    ("footer", "acme"): ACME,
    ("CRLF", "acme"): ACME,
    ("commented", "acme"): dedent("""\
        # The mother company
        [[org]]
        name = "acme"          # as in the contract
        data_center = "eu"
        client_id = "1000.ABC"
        """),
    ("commented", "sakura"): dedent("""\
        # The daughter
        [[org]]
        client_id = "1000.DEF"
        name = "sakura"
        data_center = "jp"     # Tokyo
        """),
}


@pytest.mark.parametrize(("layout", "name"), REMOVALS)
def test_an_org_that_is_removed_takes_its_own_lines_and_the_comment_right_above_it_along(
    layout: str, name: str, file: File
) -> None:
    file.put(LAYOUTS[layout])
    before = file.names()
    file.remove(name)
    assert file.names() == [other for other in before if other != name]
    whole, gone = "\n".join(lines(LAYOUTS[layout])) + "\n", REMOVALS[layout, name]
    assert gone in whole
    assert lines(file.text()) == lines(whole.replace(gone, "", 1))


@pytest.mark.parametrize(
    "text",
    [
        'org = [{name = "acme", data_center = "eu", client_id = "1000.ABC"}]\n',
        'org = [\n  {name = "acme", data_center = "eu", client_id = "1000.ABC"},\n]\n',
    ],
)
def test_a_list_of_inline_tables_is_read_but_refused_for_edits_and_left_as_it_is(
    text: str, file: File
) -> None:
    file.put(text)
    assert file.names() == ["acme"]
    for act in (file.add, partial(file.remove, "acme")):
        assert "cannot be edited" in refused(act).message
    assert file.text() == text


def test_a_name_is_added_once_and_only_what_is_there_is_removed(file: File) -> None:
    file.put(ACME)
    assert "already" in refused(lambda: file.add(org("acme"))).message
    assert "'other'" in refused(lambda: file.remove("other")).message
    assert file.text() == ACME


def test_an_org_that_the_config_would_refuse_is_not_written(file: File) -> None:
    file.put(ACME)
    refused(lambda: file.add(org("new", data_center="fr")))
    assert file.text() == ACME


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=30
).filter(lambda name: check_name(name) is None)


@settings(max_examples=40, deadline=None)
@given(name=NAMES)
@example(name='"')
@example(name="\\u0041 '''")
@example(name="# no comment")
@example(name="[[org]]")
def test_an_org_of_any_name_is_written_read_and_removed(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = File(Path(folder))
        file.put(ACME)
        if name == "acme":
            return
        file.add(org(name))
        assert file.names() == ["acme", name]
        file.remove(name)
        assert lines(file.text()) == lines(ACME)


# How it is written


def test_folder_and_file_are_made_for_this_user_alone(tmp_path: Path) -> None:
    file = File(tmp_path / "deep" / "er")
    file.add()
    for path, mode in ((file.path, 0o600), (file.lock, 0o600), (file.path.parent, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_to_the_config_stays_a_link(file: File, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text(ACME)
    file.path.symlink_to(target)
    file.add()
    file.remove("acme")
    assert file.path.is_symlink()
    assert "acme" not in target.read_text()


@pytest.mark.parametrize("act", [lambda file: file.add(), lambda file: file.remove("acme")])
def test_a_write_that_fails_leaves_the_old_text(
    act: Callable[[File], None], file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.put(ACME)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in refused(lambda: act(file)).message
    assert file.text() == ACME
    assert {path.name for path in file.path.parent.iterdir()} <= {"config.toml", "locks"}


def test_an_edit_while_another_process_edits_is_given_up_in_the_end(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.put(ACME)
    file.lock.parent.mkdir()
    patient = filelock.FileLock

    def impatient(path: Path, timeout: float, mode: int) -> filelock.BaseFileLock:
        return patient(path, timeout=timeout / 500, mode=mode)

    monkeypatch.setattr(filelock, "FileLock", impatient)
    with patient(file.lock):
        assert "another zbtui process" in refused(file.add).message
    assert file.text() == ACME


ADD_FIVE = """
import sys
from pathlib import Path
from tests.store.builders import RULES, org
from zbtui.store.config import add_org
READY
number, path, lock = sys.argv[1:]
for index in range(5):
    add_org(Path(path), Path(lock), org(f"org-{number}-{index}"), RULES)
"""


def test_two_processes_that_add_at_once_lose_nothing(file: File) -> None:
    file.put("# ours\n")
    run_together(2, ADD_FIVE, file.path, file.lock)
    assert set(file.names()) == {f"org-{number}-{index}" for number in range(2) for index in range(5)}
    assert file.text().startswith("# ours\n")


# Watching it


class Watched:
    """A file whose times are set, not measured."""

    def __init__(self, file: File) -> None:
        self.file = file
        self._time = 1_700_000_000
        self.put(ACME)
        self.reload = watch_config(file.path, RULES)

    def put(self, text: str) -> None:
        self.file.put(text)
        self._time += 60
        os.utime(self.file.path, (self._time, self._time))


@pytest.fixture
def watched(file: File) -> Watched:
    return Watched(file)


def test_a_config_that_did_not_change_is_not_read_again(watched: Watched) -> None:
    assert watched.reload() is None
    assert watched.reload() is None


def test_a_config_that_changed_is_given_once(watched: Watched) -> None:
    watched.put(ACME + ACME.replace("acme", "b"))
    config = watched.reload()
    assert config is not None
    assert [found.name for found in config.orgs] == ["acme", "b"]
    assert watched.reload() is None


def test_a_change_of_time_alone_or_of_size_alone_is_a_change(watched: Watched) -> None:
    watched.put(ACME)
    assert watched.reload() is not None
    times = watched.file.path.stat()
    watched.file.put(ACME + "# more\n")
    os.utime(watched.file.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert watched.reload() is not None


def test_a_broken_change_is_told_once_and_its_repair_is_taken_up(watched: Watched) -> None:
    watched.put("name =\n")
    assert "TOML" in refused(watched.reload).message
    assert watched.reload() is None
    watched.put(ACME)
    assert watched.reload() is not None


def test_a_config_that_comes_into_being_is_taken_up(file: File) -> None:
    reload = watch_config(file.path, RULES)
    assert reload() is None
    file.put(ACME)
    config = reload()
    assert config is not None
    assert len(config.orgs) == 1


def test_a_pace_for_loopback_lets_the_first_org_in_and_the_last_one_out(tmp_path: Path) -> None:
    path, lock = tmp_path / "config.toml", tmp_path / "lock"
    path.write_text('[watch]\nevery = "1s"\n', encoding="utf-8")
    url = "http://127.0.0.1:8000"
    local = Org("local", "custom", "1000.ABC", accounts_url=url, api_url=url)
    add_org(path, lock, local, RULES)
    with pytest.raises(TroubleError) as refused:
        add_org(path, lock, Org("far", "eu", "1000.ABC"), RULES)
    assert "every is under 15s" in refused.value.trouble.message
    remove_org(path, lock, "local", RULES)
    assert load_config(path, RULES).orgs == ()

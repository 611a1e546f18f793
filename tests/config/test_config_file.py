"""The config file: what edits preserve, how the file is written, and how a change is noticed."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import dedent

import filelock
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.config.config_files import ACME, NEW, File, refused
from tests.store.store_samples import run_concurrently, sample_org
from tests.support.unprivileged import unprivileged
from zbtui.config import config_file
from zbtui.config.config_file import ConfigFile
from zbtui.config.parsing import name_error
from zbtui.config.settings import Config
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


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
    """The lines that are not empty."""
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


EDITS: dict[str, Callable[[File], None]] = {
    "add": lambda file: file.add(),
    "remove": lambda file: file.remove("acme"),
    "replace": lambda file: file.replace("acme", sample_org("other")),
}


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
    for act in EDITS.values():
        assert "cannot be edited" in refused(partial(act, file)).message
    assert file.text() == text


def test_a_name_is_added_once_and_only_what_is_there_is_removed(file: File) -> None:
    file.put(ACME)
    assert "already" in refused(lambda: file.add(sample_org("acme"))).message
    assert "'other'" in refused(lambda: file.remove("other")).message
    assert file.text() == ACME


def test_an_org_that_the_config_would_refuse_is_not_written(file: File) -> None:
    file.put(ACME)
    refused(lambda: file.add(sample_org("new", data_center="fr")))
    assert file.text() == ACME


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=30
).filter(lambda name: name_error(name) is None)


@settings(max_examples=40, deadline=None)
@given(name=NAMES)
@example(name='"')
@example(name="\\u0041 '''")
@example(name="# no comment")
@example(name="[[org]]")
def test_an_org_of_any_name_is_written_read_renamed_and_removed(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = File(Path(folder))
        file.put(ACME)
        if name == "acme":
            return
        file.add(sample_org(name))
        assert file.names() == ["acme", name]
        file.replace("acme", sample_org("acme and " + name))
        file.replace("acme and " + name, sample_org())
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


@pytest.mark.parametrize("act", EDITS.values(), ids=EDITS)
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
    monkeypatch.setattr(config_file, "_LOCK_TIMEOUT_SECONDS", 0.002)
    with filelock.FileLock(file.lock):
        assert "another zbtui process" in refused(file.add).message
    assert file.text() == ACME


ADD_FIVE = """
import sys
from pathlib import Path
from tests.store.store_samples import sample_org
from zbtui.config import config_file
from zbtui.config.config_file import ConfigFile
READY
number, path, lock = sys.argv[1:]
file = ConfigFile(Path(path), Path(lock))
for index in range(5):
    file.add(sample_org(f"org-{number}-{index}"))
"""


def test_two_processes_that_add_at_once_lose_nothing(file: File) -> None:
    file.put("# ours\n")
    run_concurrently(2, ADD_FIVE, file.path, file.lock)
    assert set(file.names()) == {f"org-{number}-{index}" for number in range(2) for index in range(5)}
    assert file.text().startswith("# ours\n")


def test_a_pace_for_loopback_lets_the_first_org_in_and_the_last_one_out(file: File) -> None:
    file.put('[watch]\nevery = "1s"\n')
    url = "http://127.0.0.1:8000"
    file.add(sample_org("local", data_center="custom", accounts_url=url, api_url=url))
    assert "every is under 15s" in refused(lambda: file.add(sample_org("far"))).message
    file.remove("local")
    assert file.names() == []


# Watching it


class Watched:
    """A config file whose modification time is set, not measured."""

    def __init__(self, file: File) -> None:
        self.file = file
        self._time = 1_700_000_000
        self.put(ACME)
        self._store = file.store()
        self.reload, self.touch = self._store.load_if_changed, self._store.announce_change

    def put(self, text: str) -> None:
        self.file.put(text)
        self._time += 60
        os.utime(self.file.path, (self._time, self._time))


@pytest.fixture
def watched(file: File) -> Watched:
    return Watched(file)


def orgs_in(config: Config | None) -> tuple[Org, ...]:
    assert config is not None
    return config.orgs


def test_a_config_that_did_not_change_is_not_read_again(watched: Watched) -> None:
    assert (watched.reload(), watched.reload()) == (None, None)


def test_a_config_that_changed_is_given_once(watched: Watched) -> None:
    watched.put(ACME + ACME.replace("acme", "b"))
    assert orgs_in(watched.reload()) == (sample_org(), sample_org("b"))
    assert watched.reload() is None


def test_a_change_of_time_alone_or_of_size_alone_is_a_change(watched: Watched) -> None:
    watched.put(ACME)
    assert watched.reload() is not None
    times = watched.file.path.stat()
    watched.file.put(ACME + "# more\n")
    os.utime(watched.file.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert watched.reload() is not None


def test_a_broken_change_is_shown_once_and_its_repair_is_taken_up(watched: Watched) -> None:
    watched.put("name =\n")
    assert "TOML" in refused(watched.reload).message
    assert watched.reload() is None
    watched.put(ACME)
    assert watched.reload() is not None


def test_a_config_that_comes_into_being_is_taken_up(file: File) -> None:
    reload = file.store().load_if_changed
    assert reload() is None
    file.put(ACME)
    assert orgs_in(reload()) == (sample_org(),)


def test_a_file_that_is_gone_for_a_moment_says_nothing(watched: Watched) -> None:
    """Many editors remove the file, and put a new one in its place."""
    watched.file.path.unlink()
    assert watched.reload() is None
    watched.put(ACME.replace("acme", "b"))
    assert watched.reload() is not None


def test_a_file_that_is_touched_is_read_again_by_everybody(watched: Watched) -> None:
    other = watched.file.store()
    watched.touch()
    for reload in (watched.reload, other.load_if_changed):
        assert orgs_in(reload()) == (sample_org(),)
        assert reload() is None
    assert watched.file.text() == ACME


def test_to_touch_a_file_that_is_not_there_does_nothing(file: File) -> None:
    file.store().announce_change()
    assert not file.path.exists()


def test_an_edit_of_ones_own_is_taken_up_like_any_other(watched: Watched) -> None:
    watched.file.add()
    assert orgs_in(watched.reload()) == (sample_org(), NEW)


@pytest.mark.parametrize(
    ("below", "left"),
    [
        ("# of acme\n", ""),
        ("# of acme\n# and more\n\n[journal]\n", "[journal]\n"),
        ("# of the journal\n[journal]\n", "# of the journal\n[journal]\n"),
    ],
    ids=["at the end", "above a gap", "above the next table"],
)
def test_a_comment_right_below_an_org_goes_with_it_unless_it_is_the_next_ones(
    below: str, left: str, tmp_path: Path
) -> None:
    file = File(tmp_path)
    file.put(ACME + below)
    file.remove("acme")
    assert file.text() == left


# What is not changed


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_edit_keeps_line_ends_and_byte_order_mark(tmp_path: Path, bom: str, line_end: str) -> None:
    """An editor on Windows writes both."""
    path = tmp_path / "config.toml"
    path.write_bytes((bom + "# mine\n" + ACME).replace("\n", line_end).encode())
    file = ConfigFile(path, tmp_path / "locks" / "config.lock")
    file.add(Org("brook", "eu", "1000.B"))
    file.replace("brook", Org("brook", "us", "1000.B"))
    edited = path.read_bytes().decode()
    assert edited.startswith(bom + "# mine" + line_end)
    assert edited.count("\ufeff") == len(bom)
    assert edited.count("\r") == (edited.count("\n") if line_end == "\r\n" else 0)
    file.remove("brook")
    assert path.read_bytes().rstrip() == (bom + "# mine\n" + ACME).replace("\n", line_end).encode().rstrip()
    assert [org.name for org in file.load().orgs] == ["acme"]


def test_where_nothing_changes_nothing_is_written(tmp_path: Path) -> None:
    """The config may be a link into a read-only folder, as on NixOS."""
    store = tmp_path / "store"
    store.mkdir()
    (store / "config.toml").write_text(ACME)
    path = tmp_path / "config.toml"
    path.symlink_to(store / "config.toml")
    store.chmod(0o500)
    file = ConfigFile(path, tmp_path / "locks" / "config.lock")
    (acme,) = file.load().orgs
    with unprivileged():
        for rehearse in (True, False):
            file.replace("acme", acme, rehearse=rehearse)
            for edit in (
                partial(file.add, Org("brook", "eu", "1000.B")),
                partial(file.remove, "acme"),
                partial(file.replace, "acme", replace(acme, mute=True)),
            ):
                with pytest.raises(ProblemError, match="cannot be written"):
                    edit(rehearse=rehearse)
    store.chmod(0o700)
    assert [one.name for one in store.iterdir()] == ["config.toml"]


def test_a_rehearsal_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(ACME)
    file = ConfigFile(path, tmp_path / "locks" / "config.lock")
    file.add(Org("brook", "eu", "1000.B"), rehearse=True)
    file.remove("acme", rehearse=True)
    assert path.read_text() == ACME
    assert {one.name for one in tmp_path.iterdir()} == {"config.toml", "locks"}

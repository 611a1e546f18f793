"""Files that other users may change, by the rules of ssh, and their tightening."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from zbtui.private_files import tighten, writable_by_others

NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "above" / "folder" / "config.toml"
    file.parent.mkdir(parents=True, mode=0o755)
    file.touch(mode=0o644)
    return file


def open_to(mode: int, above: int) -> Callable[[Path], Path]:
    """Set the mode of the folder `above` levels up; 0: of the file itself."""

    def act(file: Path) -> Path:
        changed = (file, *file.parents)[above]
        changed.chmod(mode)
        return changed

    return act


def give_away(above: int) -> Callable[[Path], Path]:
    def act(file: Path) -> Path:
        changed = (file, *file.parents)[above]
        os.chown(changed, NOBODY, -1)
        return changed

    return act


OPEN = {
    "file, group": open_to(0o664, 0),
    "file, all": open_to(0o646, 0),
    "folder, group": open_to(0o775, 1),
    "folder, all": open_to(0o757, 1),
    "folder above, all": open_to(0o757, 2),
    "another's file": pytest.param(give_away(0), marks=root_only),
    "another's folder": pytest.param(give_away(1), marks=root_only),
}
SAFE = {
    "nothing": lambda file: None,
    "readable by all": open_to(0o444, 0),
    "sticky folder": open_to(0o1777, 1),
    "sticky folder above": open_to(0o1777, 2),
    "folder above, group": open_to(0o775, 2),
    "gone": lambda file: file.unlink(),
    "folder gone": lambda file: (file.unlink(), file.parent.rmdir()),
}


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN)
def test_the_path_that_others_may_change_is_named(change: Callable[[Path], Path], file: Path) -> None:
    changed = change(file)
    assert writable_by_others(file) == changed


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN)
def test_the_path_behind_a_link_is_named(
    change: Callable[[Path], Path], file: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.toml").symlink_to(file)
    changed = change(file)
    assert writable_by_others(tmp_path / "link.toml") == changed


@pytest.mark.parametrize("change", SAFE.values(), ids=SAFE)
def test_a_path_that_others_cannot_change_is_fine(change: Callable[[Path], object], file: Path) -> None:
    change(file)
    assert writable_by_others(file) is None


def test_a_link_in_an_open_folder_leads_wherever_others_want(file: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link.toml").symlink_to(file)
    (tmp_path / "open").chmod(0o777)
    assert writable_by_others(tmp_path / "open" / "link.toml") == tmp_path / "open"


@pytest.mark.parametrize(
    ("before", "after"), [(0o644, 0o600), (0o666, 0o600), (0o600, 0o600), (0o400, 0o400)]
)
def test_tightening_a_file_removes_all_rights_of_others(before: int, after: int, file: Path) -> None:
    file.chmod(before)
    tighten(file)
    assert stat.S_IMODE(file.stat().st_mode) == after


@pytest.mark.parametrize(("before", "after"), [(0o777, 0o755), (0o750, 0o750)])
def test_a_folder_stays_readable(before: int, after: int, file: Path) -> None:
    file.parent.chmod(before)
    tighten(file.parent)
    assert stat.S_IMODE(file.parent.stat().st_mode) == after


def test_the_target_of_a_link_and_a_missing_file_are_left_alone(file: Path, tmp_path: Path) -> None:
    file.chmod(0o666)
    (tmp_path / "link").symlink_to(file)
    tighten(tmp_path / "link")
    tighten(tmp_path / "none")
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


@root_only
def test_a_file_of_another_user_is_left_alone(file: Path) -> None:
    file.chmod(0o666)
    give_away(0)(file)
    tighten(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666

"""Files are written whole, and readable by their owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from zbtui.private_files import make_private_folder, write_atomically


@pytest.fixture
def open_umask() -> Iterator[None]:
    """An umask of 0, so that only explicit permissions protect a file."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_for_this_user_alone_with_those_above_it(tmp_path: Path, open_umask: None) -> None:
    folder = tmp_path / "a" / "b" / "c"
    make_private_folder(folder)
    assert [mode(made) for made in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        make_private_folder(tmp_path / "file" / "folder")


@pytest.mark.parametrize("before", [None, 0o644])
def test_a_file_is_written_for_this_user_alone(
    before: int | None, tmp_path: Path, open_umask: None
) -> None:
    path = tmp_path / "new" / "config.toml"
    if before:
        path.parent.mkdir(mode=0o700)
        path.touch(before)
    write_atomically(path, "é\r\n\n")
    assert path.read_bytes() == "é\r\n\n".encode()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_nothing_is_left_beside_a_file_that_was_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "config.toml", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_symbolic_link_stays_one_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "zbtui.toml", tmp_path / "config.toml"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_links_in_a_circle_stay_and_are_an_error(tmp_path: Path) -> None:
    link = tmp_path / "config.toml"
    link.symlink_to(link)
    with pytest.raises(OSError):
        write_atomically(link, "new")
    assert link.is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_text_and_nothing_beside_it(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    place: object = os if step == "fsync" else Path
    monkeypatch.setattr(place, step, fail)
    with pytest.raises(OSError):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]

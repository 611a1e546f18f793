"""Where things are kept, and that they are written whole and for one user alone."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zbtui.store.paths import find_paths, make_private_folder, write_atomically


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whatever is closed now is closed on purpose."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_on_linux_config_and_state_are_in_the_xdg_folders(empty_home: Path) -> None:
    paths = find_paths(None, {})
    assert paths.config == empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    assert paths.state == empty_home / "xdg_state_home" / "zbtui"


def test_what_is_kept_is_in_the_state_folder() -> None:
    paths = find_paths(None, {})
    kept = (paths.journal, paths.log, paths.locks, paths.screen)
    assert [path.relative_to(paths.state) for path in kept] == [
        Path("journal.db"),
        Path("zbtui.log"),
        Path("locks"),
        Path("screen.json"),
    ]


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("/from/option.toml", {"ZBTUI_CONFIG": "/from/environ.toml"}, "/from/option.toml"),
        (None, {"ZBTUI_CONFIG": "/from/environ.toml"}, "/from/environ.toml"),
    ],
)
def test_an_option_goes_before_the_environment(
    option: str | None, environ: dict[str, str], expected: str
) -> None:
    assert find_paths(option, environ).config == Path(expected)


@pytest.mark.parametrize(
    ("environ", "folders"),
    [
        (
            {"XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/var/tmp"},
            ["/run/user/7/zbtui", "/var/tmp/zbtui-7"],
        ),
        ({}, ["/tmp/zbtui-7"]),
        ({"XDG_RUNTIME_DIR": "here", "TMPDIR": "here"}, []),
    ],
)
def test_fallbacks_are_in_the_runtime_folder_and_in_the_temporary_one(
    environ: dict[str, str], folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 7)
    assert find_paths(None, environ).fallbacks == tuple(map(Path, folders))


def test_an_empty_environment_variable_is_none(empty_home: Path) -> None:
    assert find_paths(None, {"ZBTUI_CONFIG": ""}).config.is_relative_to(empty_home)


def test_the_tilde_of_somebody_who_is_not_known_is_a_name_like_any_other() -> None:
    assert find_paths("~nobody-here/zbtui.toml", {}).config == Path("~nobody-here/zbtui.toml")


def test_a_tilde_is_the_users_home(empty_home: Path) -> None:
    assert find_paths("~/zbtui.toml", {}).config == empty_home / "zbtui.toml"


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

"""Paths of config, journal, log and fallbacks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zbtui.model.problem import ProblemError
from zbtui.store.paths import find_paths


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
def test_an_option_goes_before_all_else(option: str | None, environ: dict[str, str], expected: str) -> None:
    assert find_paths(option, environ).config == Path(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="the variables of Linux")
@pytest.mark.parametrize(
    ("environ", "is_enough"),
    [
        ({}, False),
        ({"HOME": "here"}, False),
        ({"XDG_CONFIG_HOME": "/c"}, False),
        ({"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, True),
        ({"HOME": "/home/ada"}, True),
        ({"XDG_CONFIG_HOME": "here", "XDG_STATE_HOME": "here", "HOME": "/home/ada"}, True),
        ({"XDG_STATE_HOME": "/s", "ZBTUI_CONFIG": "/c.toml"}, True),
    ],
)
def test_a_user_without_a_home_is_shown_what_to_set(
    environ: dict[str, str], is_enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if is_enough:
        paths = find_paths(None, environ)
        assert paths.config.is_absolute()
        assert paths.state.is_absolute()
        return
    for option in (None, "/etc/zbtui.toml"):
        with pytest.raises(ProblemError, match="no home folder") as caught:
            find_paths(option, environ)
        assert "HOME" in caught.value.problem.hint


@pytest.mark.parametrize(
    ("environ", "folders"),
    [
        (
            {"XDG_RUNTIME_DIR": "/run/user/7", "TMPDIR": "/var/tmp"},
            ["/run/user/7/zbtui", "/var/tmp/zbtui-7", "/dev/shm/zbtui-7"],
        ),
        # Under cron, which must find the same fallbacks as the screen.
        ({}, ["/run/user/7/zbtui", "/tmp/zbtui-7", "/dev/shm/zbtui-7"]),
        ({"XDG_RUNTIME_DIR": "here", "TMPDIR": "here"}, ["/dev/shm/zbtui-7"]),
    ],
)
def test_fallbacks_are_in_the_runtime_folder_in_the_temporary_one_and_in_memory(
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

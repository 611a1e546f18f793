"""Locks between processes, and file systems without locks."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import filelock
import pytest

from tests.store.store_samples import sample_org
from zbtui.config.config_file import ConfigFile
from zbtui.model.problem import ProblemError
from zbtui.process_lock import NoLocksError, process_lock
from zbtui.store.keyring_credentials import KeyringCredentialStore


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make locking fail, as on some network and FUSE file systems."""

    def refuse(*_: Any) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    lock = process_lock(tmp_path / "new" / "a.lock")
    with lock, pytest.raises(filelock.Timeout):
        process_lock(tmp_path / "new" / "a.lock").acquire(blocking=False)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "a.lock").stat().st_mode & 0o777 == 0o600


def test_one_that_is_held_is_no_missing_lock(tmp_path: Path) -> None:
    with filelock.FileLock(tmp_path / "a.lock"), pytest.raises(filelock.Timeout):
        process_lock(tmp_path / "a.lock").acquire(blocking=False)


@pytest.mark.usefixtures("without_locks")
def test_a_file_system_without_locks_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoLocksError, match=f"the file system of {tmp_path} has no locks"):
        process_lock(tmp_path / "a.lock")


@pytest.mark.usefixtures("without_locks")
async def test_the_keyring_says_so_and_blames_no_other_process(tmp_path: Path) -> None:
    credentials = KeyringCredentialStore(tmp_path)
    with pytest.raises(ProblemError) as caught:
        async with credentials.refresh_lock(sample_org()):
            pass
    assert "has no locks" in caught.value.problem.message
    assert "XDG_STATE_HOME" in caught.value.problem.hint


@pytest.mark.usefixtures("without_locks")
def test_the_config_says_so_too(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml", tmp_path / "config.lock")
    with pytest.raises(ProblemError) as caught:
        file.add(sample_org())
    assert "has no locks" in caught.value.problem.message
    assert not file.path.exists()

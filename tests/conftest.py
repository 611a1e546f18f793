"""Fixtures for all tests: no test sees or changes files, keyring or settings of the machine's user."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.fake_clock import FakeClock
from tests.support.faketime import fake_the_date_alone
from tests.support.pilot_idle import pilot_waits_until_idle
from tests.support.secret_service import SecretService, delete_zbtui_entries, secret_service

fake_the_date_alone()
# No deadline: a busy machine takes longer for an example. The same examples in each run: a run that fails
# can be repeated; `--hypothesis-profile explore` tries others.
hypothesis.settings.register_profile("zbtui", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("zbtui")


def pytest_configure() -> None:
    """Heed ctrl+c, which a script's background jobs ignore; and let child processes keep byte code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else hundreds of processes compile zbtui again


def pytest_collection_finish() -> None:
    """Exempt shared objects from garbage collection, which takes a sixth of the time of the app's tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put temporary files into pytest's folder, which is searched for secrets and deleted."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def _homes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all homes: pytest lists all siblings of each folder that it makes."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def empty_home(_homes_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without config, state, keyring or proxy, in place of the developer's."""
    home = Path(tempfile.mkdtemp(dir=_homes_folder))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in (
        "ZBTUI_CONFIG",
        "ZBTUI_ALLOW_INSECURE_KEYRING",
        "PYTHON_KEYRING_BACKEND",
        "DBUS_SESSION_BUS_ADDRESS",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session", autouse=True)
def pilot_and_keyring_patience() -> Iterator[None]:
    """Have Pilot wait until the app is idle, and give the keyring more time, for busy machines.

    Tests of the keyring's time limits set their own.
    """
    with pilot_waits_until_idle(), pytest.MonkeyPatch.context() as patient:
        for limit in ("CALL_TIMEOUT_SECONDS", "_FIRST_CALL_TIMEOUT_SECONDS", "_LOCK_TIMEOUT_SECONDS"):
            patient.setattr(f"zbtui.store.keyring_credentials.{limit}", 60.0)
        yield


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def _running_secret_service() -> Iterator[SecretService]:
    with secret_service() as service:
        yield service


@pytest.fixture
def real_keyring(_running_secret_service: SecretService, monkeypatch: pytest.MonkeyPatch) -> SecretService:
    """A real, unlocked Secret Service, found through the environment by this process and its children."""
    use_secret_service(_running_secret_service, monkeypatch)
    delete_zbtui_entries()
    return _running_secret_service


def use_secret_service(service: SecretService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process and its children use `service`."""
    for name, value in service.environ.items():
        monkeypatch.setenv(name, value)
    use_environment_keyring()


def use_environment_keyring() -> None:
    """Have the keyring library choose its backend by the present environment."""
    import keyring.core

    keyring.core.init_backend()

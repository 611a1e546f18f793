"""Credentials in a real keyring, in each state that a keyring can be in."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import filelock
import keyring
import keyring.core
import pytest
from keyring.backends import SecretService as secret_service_backend

from tests.conftest import use_secret_service
from tests.store.store_samples import read_line, run_children, run_concurrently, sample_org, send_line
from tests.support.fake_clock import START, run_until_idle
from tests.support.secret_service import SecretService, secret_service
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.store import keyring_credentials as keyring_credentials_module
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.keyring_entries import access_entry, sign_in_entry

SIGN_IN = SignInCredentials(Secret("the-client-secret"), Secret("1000.the-refresh-token"))
ACCESS = AccessToken(
    Secret("1000.an-access-token"), "https://www.zohoapis.eu", START + timedelta(minutes=59, microseconds=7)
)
BELONGING = {
    "client_id": "1000.ABC",
    "accounts_url": "https://accounts.zoho.eu",
    "api_url": "https://www.zohoapis.eu",
}
SECRETS = ("the-client-secret", "1000.the-refresh-token", "1000.an-access-token")


@pytest.fixture
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    """A Secret Service for a single test, which may change or end it."""
    with secret_service() as service:
        use_secret_service(service, monkeypatch)
        yield service


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def keyring_credentials(real_keyring: SecretService, locks: Path) -> Iterator[KeyringCredentialStore]:
    """Credentials in a real keyring that tests share; the entries of `acme` are deleted afterwards."""
    yield KeyringCredentialStore(locks)
    for entry in (sign_in_entry(sample_org()), access_entry(sample_org())):
        if keyring.get_password(*entry) is not None:
            keyring.delete_password(*entry)


async def problem_of(credentials: KeyringCredentialStore) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await credentials.read_sign_in(sample_org())
    assert caught.value.problem.kind == "keyring"
    assert not caught.value.problem.final, "it is tried again by itself"
    return caught.value.problem


# A keyring that works


async def test_the_tests_have_a_real_secret_service(keyring_credentials: KeyringCredentialStore) -> None:
    assert await keyring_credentials.read_sign_in(sample_org()) is None
    assert type(keyring.get_keyring()) is secret_service_backend.Keyring


@pytest.mark.parametrize(
    "sign_in",
    [
        SIGN_IN,
        SignInCredentials(Secret("for client credentials")),
        SignInCredentials(Secret("'é\"\n\U0001f511")),
    ],
)
async def test_what_is_written_is_read(
    sign_in: SignInCredentials, keyring_credentials: KeyringCredentialStore, locks: Path
) -> None:
    await keyring_credentials.write_sign_in(sample_org(), sign_in)
    await keyring_credentials.write_access_token(sample_org(), ACCESS)
    another = KeyringCredentialStore(locks)
    assert await another.read_sign_in(sample_org()) == sign_in
    assert await another.read_access_token(sample_org()) == ACCESS


async def test_an_entry_has_the_documented_format(keyring_credentials: KeyringCredentialStore) -> None:
    numbered = replace(SIGN_IN, org_number="20098765432")
    await keyring_credentials.write_sign_in(sample_org(), numbered)
    await keyring_credentials.write_access_token(sample_org(), ACCESS)
    entries = sign_in_entry(sample_org()), access_entry(sample_org())
    assert [service.rpartition(":")[0] for service, _ in entries] == ["zbtui:acme", "zbtui-access:acme"]
    sign_in, access = (keyring.get_password(*entry) for entry in entries)
    assert sign_in is not None
    assert access is not None
    assert json.loads(sign_in) == {
        "client_secret": "the-client-secret",
        "refresh_token": "1000.the-refresh-token",
        **BELONGING,
        "org_number": "20098765432",
    }
    assert json.loads(access) == {
        "access_token": "1000.an-access-token",
        "api_domain": "https://www.zohoapis.eu",
        "expires_at": "2026-11-23T12:19:00.000007+00:00",
        **BELONGING,
    }
    assert max(len(sign_in), len(access)) < 1280, "what Windows holds"


async def test_what_was_never_written_is_none(keyring_credentials: KeyringCredentialStore) -> None:
    assert await keyring_credentials.read_sign_in(sample_org()) is None
    assert await keyring_credentials.read_access_token(sample_org()) is None


async def test_a_second_write_replaces_the_first(keyring_credentials: KeyringCredentialStore) -> None:
    await keyring_credentials.write_sign_in(sample_org(), SIGN_IN)
    await keyring_credentials.write_sign_in(sample_org(), SignInCredentials(Secret("new")))
    assert await keyring_credentials.read_sign_in(sample_org()) == SignInCredentials(Secret("new"))


async def test_deleting_deletes_both_entries_and_what_is_not_there_is_no_error(
    keyring_credentials: KeyringCredentialStore,
) -> None:
    await keyring_credentials.write_sign_in(sample_org(), SIGN_IN)
    await keyring_credentials.write_access_token(sample_org(), ACCESS)
    for _ in range(2):
        await keyring_credentials.delete(sample_org())
        assert await keyring_credentials.read_sign_in(sample_org()) is None
        assert await keyring_credentials.read_access_token(sample_org()) is None


@pytest.mark.parametrize(
    "name", ["Nordlys & Søn [EU]", "佐藤", "\U0001f680", "a/b\\c", "'\"", "a:b", "%s {} $x", "x" * 60]
)
async def test_an_org_may_have_any_name(name: str, keyring_credentials: KeyringCredentialStore) -> None:
    await keyring_credentials.write_sign_in(sample_org(name), SIGN_IN)
    assert await keyring_credentials.read_sign_in(sample_org(name)) == SIGN_IN
    assert await keyring_credentials.read_sign_in(sample_org(name + "x")) is None
    await keyring_credentials.delete(sample_org(name))
    assert await keyring_credentials.read_sign_in(sample_org(name)) is None


async def test_orgs_of_one_name_in_two_configs_do_not_touch_each_other(
    own_keyring: SecretService, locks: Path
) -> None:
    kept = KeyringCredentialStore(locks)
    same_name = [
        sample_org(),
        sample_org(client_id="1000.DEF"),
        sample_org(data_center="us"),
        sample_org(data_center="custom", accounts_url="https://a.example", api_url="https://b.example"),
        sample_org(grant="client-credentials", soid="ZohoCRM.1"),
        sample_org(grant="client-credentials", soid="ZohoCRM.2"),
        sample_org("ACME"),
    ]
    for number, org in enumerate(same_name):
        assert await kept.read_sign_in(org) is None
        assert await kept.read_access_token(org) is None
        await kept.write_sign_in(org, SignInCredentials(Secret(str(number))))
        await kept.write_access_token(org, ACCESS)
    for number, org in enumerate(same_name):
        assert await kept.read_sign_in(org) == SignInCredentials(Secret(str(number)))
        await kept.delete(org)
        assert await kept.read_access_token(org) is None


@pytest.mark.parametrize("exists", [True, False])
async def test_a_sign_in_that_two_configs_share_goes_with_the_last_of_them(
    real_keyring: SecretService, locks: Path, tmp_path: Path, exists: bool
) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    by_first, by_second = (KeyringCredentialStore(locks, config=path) for path in (first, second))
    assert await by_second.other_config(sample_org()) is None
    await by_first.write_sign_in(sample_org(), SIGN_IN)
    if exists:
        first.touch()
    for _ in range(2):  # before and after its own file exists
        assert await by_second.other_config(sample_org()) == (str(first) if exists else None)
        assert await by_first.other_config(sample_org()) is None
        second.touch()
    await by_second.write_sign_in(sample_org(), SIGN_IN)
    await by_second.write_access_token(sample_org(), ACCESS)
    await by_second.delete(sample_org())
    assert await by_first.read_sign_in(sample_org()) == (SIGN_IN if exists else None)
    assert await by_first.other_config(sample_org()) is None
    await by_first.delete(sample_org())
    assert await by_second.read_sign_in(sample_org()) is None


async def test_fifty_orgs_are_kept_apart(own_keyring: SecretService, locks: Path) -> None:
    kept = KeyringCredentialStore(locks)
    sign_ins = {f"org {number}": SignInCredentials(Secret(f"secret {number}")) for number in range(50)}
    await asyncio.gather(
        *(kept.write_sign_in(sample_org(name), sign_in) for name, sign_in in sign_ins.items())
    )
    assert {name: await kept.read_sign_in(sample_org(name)) for name in sign_ins} == sign_ins


THREE_ORGS = """
import asyncio, sys
from tests.store.store_samples import sample_org
from pathlib import Path
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.store.keyring_backends import choose_backend
from zbtui.store.keyring_credentials import KeyringCredentialStore
choose_backend(allow_insecure=False)
READY
number, locks = sys.argv[1:]
async def main():
    credentials = KeyringCredentialStore(Path(locks))
    for index in range(3):
        org, sign_in = sample_org(f"{number}-{index}"), SignInCredentials(Secret(number))
        await credentials.write_sign_in(org, sign_in)
        assert await credentials.read_sign_in(org) == sign_in
asyncio.run(main())
"""


async def test_three_processes_may_write_at_once(own_keyring: SecretService, locks: Path) -> None:
    run_concurrently(3, THREE_ORGS, locks)
    kept = KeyringCredentialStore(locks)
    for number in "012":
        for index in range(3):
            assert await kept.read_sign_in(sample_org(f"{number}-{index}")) == SignInCredentials(
                Secret(number)
            )


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"client_secret": 5}',
        '{"client_secret": "x", "refresh_token": 5}',
        '{"client_secret": "of an earlier form", "refresh_token": "1000.x"}',
        json.dumps({"client_secret": "another client's", **BELONGING, "client_id": "1000.DEF"}),
        json.dumps(
            {"client_secret": "another host's", **BELONGING, "accounts_url": "https://accounts.zoho.in"}
        ),
        json.dumps({"client_secret": "another host's", **BELONGING, "api_url": "https://www.zohoapis.in"}),
        "[" * 5000,
    ],
)
async def test_a_sign_in_that_zbtui_did_not_write_is_an_error_and_never_none(
    text: str, keyring_credentials: KeyringCredentialStore
) -> None:
    keyring.set_password(*sign_in_entry(sample_org()), text)
    problem = await problem_of(keyring_credentials)
    assert problem.code == FOREIGN_ENTRY
    assert "acme" in problem.message
    assert text not in problem.message


@pytest.mark.parametrize(
    "changed",
    [
        None,
        {"expires_at": "soon"},
        {"expires_at": "2026-11-23T12:20:00"},
        {"expires_at": None},
        {"expires_at": "0001-01-01T00:00:00+00:00"},
        {"expires_at": "9999-12-31T23:59:59-23:59"},
        {"access_token": "1000.é"},
        {"access_token": "1000.a\r\nHost: evil.example"},
        {"access_token": ""},
        {"access_token": None},
        {"api_domain": None},
        {"client_id": "1000.DEF"},
        {"accounts_url": None},
        {"api_url": "https://www.zohoapis.in"},
    ],
)
async def test_a_cached_token_that_cannot_be_used_is_none_and_made_again(
    changed: dict[str, str | None] | None, keyring_credentials: KeyringCredentialStore
) -> None:
    good = {
        "access_token": "1000.aa",
        "api_domain": "https://www.zohoapis.eu",
        "expires_at": "2026-11-23T12:20:00+00:00",
        **BELONGING,
    }
    entry = "not JSON" if changed is None else json.dumps(good | changed)
    keyring.set_password(*access_entry(sample_org()), entry)
    assert await keyring_credentials.read_access_token(sample_org()) is None


# A keyring that fails


async def test_a_locked_keyring_is_a_problem_not_none(monkeypatch: pytest.MonkeyPatch, locks: Path) -> None:
    with secret_service(unlocked=False) as service:
        use_secret_service(service, monkeypatch)
        credentials = KeyringCredentialStore(locks)
        assert "locked" in (await problem_of(credentials)).message
        for act in (
            credentials.write_sign_in(sample_org(), SIGN_IN),
            credentials.read_access_token(sample_org()),
            credentials.write_access_token(sample_org(), ACCESS),
            credentials.delete(sample_org()),
        ):
            with pytest.raises(ProblemError) as caught:
                await act
            assert caught.value.problem.kind == "keyring"


async def test_a_frozen_keyring_is_given_up_after_its_limit_and_works_again_once_it_thaws(
    own_keyring: SecretService, monkeypatch: pytest.MonkeyPatch, locks: Path
) -> None:
    credentials = KeyringCredentialStore(locks)
    await credentials.write_sign_in(sample_org(), SIGN_IN)
    with monkeypatch.context() as short:
        short.setattr(keyring_credentials_module, "CALL_TIMEOUT_SECONDS", 0.2)
        os.kill(own_keyring.daemon, signal.SIGSTOP)
        try:
            for _ in range(2):  # a second call while it hangs gets the same problem
                assert "within 0.2 s" in (await problem_of(credentials)).message
        finally:
            os.kill(own_keyring.daemon, signal.SIGCONT)
    assert await credentials.read_sign_in(sample_org()) == SIGN_IN


@pytest.mark.parametrize("late", ["write", "delete"])
async def test_what_was_given_up_is_undone_should_it_happen_after_all(
    own_keyring: SecretService, monkeypatch: pytest.MonkeyPatch, locks: Path, late: str
) -> None:
    credentials = KeyringCredentialStore(locks)
    await credentials.write_sign_in(sample_org(), SIGN_IN)
    other = SignInCredentials(Secret("another-client-secret"), Secret("1000.another-refresh-token"))
    with monkeypatch.context() as short:
        short.setattr(keyring_credentials_module, "CALL_TIMEOUT_SECONDS", 0.2)
        os.kill(own_keyring.daemon, signal.SIGSTOP)
        try:
            with pytest.raises(ProblemError):
                if late == "write":
                    await credentials.write_sign_in(sample_org(), other)
                else:
                    await credentials.delete(sample_org())
        finally:
            os.kill(own_keyring.daemon, signal.SIGCONT)
    assert await credentials.read_sign_in(sample_org()) == SIGN_IN


async def test_a_bus_that_is_gone_is_a_problem(monkeypatch: pytest.MonkeyPatch, locks: Path) -> None:
    credentials = KeyringCredentialStore(locks)
    with secret_service() as service:
        use_secret_service(service, monkeypatch)
        await credentials.write_sign_in(sample_org(), SIGN_IN)
    assert "failed" in (await problem_of(credentials)).message


@pytest.mark.parametrize("name", ["keyring", "refresh"])
async def test_a_bad_lock_file_is_a_problem_only_where_there_is_no_other_folder(
    name: str, real_keyring: SecretService, locks: Path, tmp_path: Path
) -> None:
    """After `sudo zbtui`, the lock file belongs to another user."""
    runtime, others = tmp_path / "runtime", tmp_path / "open to others"
    others.mkdir(mode=0o777)
    credentials, another = (KeyringCredentialStore(locks, [others, runtime]) for _ in range(2))
    alone = KeyringCredentialStore(locks, [others])
    await read_under_lock(alone)
    turn_into_folder(locks, name)
    await read_under_lock(credentials)
    assert runtime.stat().st_mode & 0o777 == 0o700
    assert list(others.iterdir()) == []
    async with credentials.refresh_lock(sample_org()):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read_under_lock(another), 0.1)
    with pytest.raises(ProblemError) as caught:
        await read_under_lock(alone)
    assert caught.value.problem.kind == "keyring"


async def read_under_lock(credentials: KeyringCredentialStore) -> None:
    async with credentials.refresh_lock(sample_org()):
        await credentials.read_sign_in(sample_org())


def turn_into_folder(locks: Path, name: str) -> None:
    """Replace the lock file by a folder, which not even root can open for writing."""
    (file,) = locks.glob(f"{name}*")
    file.unlink()
    file.mkdir()


async def test_a_missing_folder_for_locks_is_a_problem(real_keyring: SecretService, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    problem = await problem_of(KeyringCredentialStore(tmp_path / "file" / "locks"))
    assert str(tmp_path / "file" / "locks") in problem.hint


# One at a time, across processes

HOLD = """
import asyncio, sys
from tests.store.store_samples import sample_org
from pathlib import Path
from zbtui.store.keyring_credentials import KeyringCredentialStore
READY
async def main():
    async with KeyringCredentialStore(Path(sys.argv[2])).refresh_lock(sample_org()):
        print("held", flush=True)
        sys.stdin.readline()
asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["lets go", "is killed"])
async def test_an_org_is_refreshed_by_one_process_at_a_time(end: str, locks: Path) -> None:
    credentials, entered = KeyringCredentialStore(locks), asyncio.Event()

    async def refresh(name: str) -> None:
        async with credentials.refresh_lock(sample_org(name)):
            entered.set()

    with run_children(1, HOLD, locks) as (other,):
        assert read_line(other) == "held"
        waiting = asyncio.create_task(refresh("acme"))
        await run_until_idle()
        assert not entered.is_set()
        await refresh("another org")
        if end == "lets go":
            send_line(other)
        else:
            other.kill()
        await waiting


async def test_within_a_process_too(locks: Path) -> None:
    inside = 0

    async def refresh(credentials: KeyringCredentialStore) -> None:
        nonlocal inside
        async with credentials.refresh_lock(sample_org()):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    mine, yours = KeyringCredentialStore(locks), KeyringCredentialStore(locks)
    await asyncio.gather(*(refresh(one) for one in (mine, yours, mine)))


async def test_an_error_while_refreshing_lets_the_next_in(locks: Path) -> None:
    credentials = KeyringCredentialStore(locks)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with credentials.refresh_lock(sample_org()):
                raise ZeroDivisionError


async def test_a_process_that_never_lets_go_is_shown(locks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_credentials_module, "_REFRESH_LOCK_TIMEOUT_SECONDS", 0.01)
    with run_children(1, HOLD, locks) as (other,):
        assert read_line(other) == "held"
        with pytest.raises(ProblemError, match="Another zbtui process"):
            async with KeyringCredentialStore(locks).refresh_lock(sample_org()):
                pass


async def test_a_keyring_that_another_process_holds_on_to_is_shown(
    locks: Path, monkeypatch: pytest.MonkeyPatch, real_keyring: SecretService
) -> None:
    credentials = KeyringCredentialStore(locks)
    await credentials.read_sign_in(sample_org())
    monkeypatch.setattr(keyring_credentials_module, "_LOCK_TIMEOUT_SECONDS", 0.3)
    with filelock.FileLock(locks / "keyring.lock"):
        assert "Another zbtui process" in (await problem_of(credentials)).message
    assert await credentials.read_sign_in(sample_org()) is None

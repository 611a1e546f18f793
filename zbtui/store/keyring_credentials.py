"""Sign-in credentials and access tokens in the OS keyring.

Keyring calls block, may hang for ever, and crash gnome-keyring when they overlap. So one daemon thread
makes them one at a time, each with a timeout and under a lock shared by all zbtui processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from filelock import FileLock, Timeout

from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials, is_header_safe
from zbtui.model.text import clean
from zbtui.private_files import make_private_folder
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.store.database import decode_datetime
from zbtui.store.fallback import open_private_folder
from zbtui.store.worker import WorkerThread, WorkerTimeoutError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

ALLOW_INSECURE_VARIABLE: Final = "ZBTUI_ALLOW_INSECURE_KEYRING"
CALL_TIMEOUT_SECONDS: Final = 3.0
_LOCK_TIMEOUT_SECONDS: Final = 15.0
"""How long a call may wait for other zbtui processes."""
_PROBE_ENTRY: Final = ("zbtui-doctor", "probe")
_REFRESH_LOCK_TIMEOUT_SECONDS: Final = 90.0
"""Longer than a token request can take, including its timeouts."""

_SECURE_BACKENDS: Final = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring_pass",
)
"""Modules of back ends that encrypt at rest and do not prompt on the terminal."""

T = TypeVar("T")


class KeyringCredentialStore:
    """A `CredentialStore` in the OS keyring.

    An entry for each credential (Windows allows about 1,280 characters), with the org in the service
    name (Windows mixes up users of one service).
    """

    def __init__(
        self, locks: Path, fallbacks: Sequence[Path] = (), *, allow_insecure: bool = False
    ) -> None:
        """`locks` is the folder of the lock files that all zbtui processes share.

        A file that cannot be used there is looked for in the `fallbacks`, private folders, best first.
        """
        self._locks = locks
        self._fallbacks = fallbacks
        self._allow_insecure = allow_insecure
        self._worker = WorkerThread("zbtui-keyring")
        self._backend: KeyringBackend | None = None

    async def read_sign_in(self, org_name: str) -> SignInCredentials | None:
        text = await self._read(*_sign_in_entry(org_name))
        return None if text is None else decode_sign_in(text, org_name)

    async def write_sign_in(self, org_name: str, sign_in: SignInCredentials) -> None:
        """Write, then read back: a null back end accepts an entry without keeping it."""
        entry = {"client_secret": sign_in.client_secret.reveal()}
        if sign_in.refresh_token:
            entry["refresh_token"] = sign_in.refresh_token.reveal()
        await self._set_entry(*_sign_in_entry(org_name), json.dumps(entry))
        if await self.read_sign_in(org_name) != sign_in:
            message = "The keyring took the sign-in but does not give it back."
            raise _keyring_error(message, _OTHER_BACKEND_HINT)

    async def read_access_token(self, org_name: str) -> AccessToken | None:
        """The cached access token; None: there is none, or it is unreadable."""
        text = await self._read(*_access_entry(org_name))
        return None if text is None else decode_access_token(text)

    async def write_access_token(self, org_name: str, access: AccessToken) -> None:
        entry = {
            "access_token": access.token.reveal(),
            "api_domain": access.api_url,
            "expires_at": access.expires_at.isoformat(),
        }
        await self._set_entry(*_access_entry(org_name), json.dumps(entry))

    async def delete(self, org_name: str) -> None:
        for service, user in (_access_entry(org_name), _sign_in_entry(org_name)):
            await self._set_entry(service, user, None)

    async def probe(self) -> str:
        """Write a test entry, read it back and delete it; returns the back end's own name.

        Raises a `ProblemError` if the keyring cannot be used, or does not keep entries.
        """
        name, kept = await self._call(_probe_keyring)
        if not kept:
            message = f"The keyring {name} took an entry but does not give it back."
            raise _keyring_error(message, _OTHER_BACKEND_HINT)
        return name

    @asynccontextmanager
    async def refresh_lock(self, org_name: str) -> AsyncIterator[None]:
        """A lock for one process at a time; the system releases it if the process dies."""
        name = hashlib.sha256(org_name.encode()).hexdigest()[:16]
        deadline = time.monotonic() + _REFRESH_LOCK_TIMEOUT_SECONDS
        while True:
            try:
                lock = self._acquire(f"refresh-{name}.lock", 0)
                break
            except Timeout:
                if time.monotonic() > deadline:
                    raise _busy_error("refreshes this org's token") from None
                await asyncio.sleep(0.05)
        try:
            yield
        finally:
            lock.release()

    async def _read(self, service: str, user: str) -> str | None:
        return await self._call(lambda keyring: keyring.get_password(service, user))

    async def _set_entry(self, service: str, user: str, text: str | None) -> None:
        """Write an entry, or (None) delete it.

        A change that timed out may still happen later, once the user unlocks the keyring. It has
        been reported as failed by then, so it is undone at once.
        """
        lock, outcome = threading.Lock(), list[str]()

        def decide(word: str) -> str:
            """The outcome, "made" or "given up": the first call decides."""
            with lock:
                outcome.append(word)
            return outcome[0]

        def act(keyring: KeyringBackend) -> None:
            before = keyring.get_password(service, user)
            is_new = before != text  # writing again would make macOS ask again for permission
            if is_new:
                _set_or_delete(service, user, text, keyring)
            if decide("made") == "given up" and is_new:
                _set_or_delete(service, user, before, keyring)

        try:
            await self._call(act)
        except BaseException as error:
            if decide("given up") != "made" or not isinstance(error, ProblemError):
                raise

    async def _call(self, act: Callable[[KeyringBackend], T]) -> T:
        try:
            return await self._worker.call(lambda: self._call_under_lock(act), timeout=CALL_TIMEOUT_SECONDS)
        except WorkerTimeoutError:
            hint = "It may wait for its password in another window: unlock it there."
            raise _keyring_error("The keyring did not answer within 3 s.", hint) from None

    def _call_under_lock(self, act: Callable[[KeyringBackend], T]) -> T:
        """Make one call under the lock, in the thread; retry once after an unknown error."""
        # Time spent on the back end and the lock does not count towards the timeout of the keyring.
        self._worker.extend_timeout(_LOCK_TIMEOUT_SECONDS)
        if self._backend is None:  # before the lock, so that others do not wait for these 100 ms
            self._backend = choose_backend(allow_insecure=self._allow_insecure)
        try:
            lock = self._acquire("keyring.lock", _LOCK_TIMEOUT_SECONDS)
        except Timeout:
            raise _busy_error("uses the keyring") from None
        try:
            self._worker.extend_timeout(0)
            problem: Problem | None = None
            for _ in range(2):
                try:
                    return act(self._backend)
                except Exception as error:  # back ends also raise errors that are not keyring's
                    problem, retry = _keyring_error_problem(error)
                    if not retry:
                        break
            assert problem is not None
            raise ProblemError(problem)
        finally:
            lock.release()

    def _acquire(self, name: str, timeout: float) -> FileLock:
        """Acquire a lock in the first folder where it can be; `Timeout`: another process has it."""
        first: OSError | None = None
        for folder in (self._locks, *self._fallbacks):
            lock = FileLock(folder / name, mode=0o600, thread_local=False)
            try:
                if folder is self._locks:
                    make_private_folder(folder)
                else:
                    open_private_folder(folder)
                lock.acquire(timeout=timeout)
                return lock
            except Timeout:
                raise
            except OSError as error:
                first = first or error
        assert first is not None
        raise _keyring_error(
            f"zbtui's lock files cannot be used ({first.strerror}).",
            f"Make {self._locks}, and what is in it, writable for this user.",
        )


def decode_sign_in(text: str, org_name: str) -> SignInCredentials:
    """Read a `sign-in` entry. Raises a `ProblemError` if zbtui did not write it."""
    entry = _decode_object(text)
    secret, token = entry.get("client_secret"), entry.get("refresh_token")
    if not isinstance(secret, str) or not isinstance(token, str | None):
        raise ProblemError(_foreign_entry_problem(org_name))
    return SignInCredentials(Secret(secret), Secret(token) if token else None)


def decode_access_token(text: str) -> AccessToken | None:
    """Read an `access` entry; None: zbtui did not write it."""
    entry = _decode_object(text)
    token, api_url, expires = (entry.get(key) for key in ("access_token", "api_domain", "expires_at"))
    if not (isinstance(token, str) and isinstance(api_url, str) and isinstance(expires, str)):
        return None
    try:
        moment = decode_datetime(expires)
    except ValueError:
        return None
    return AccessToken(Secret(token), api_url, moment) if is_header_safe(token) else None


def _decode_object(text: str) -> Mapping[str, object]:
    """The JSON object of an entry; empty if it is invalid."""
    entry: object = None
    with suppress(ValueError, RecursionError):  # the error would contain the text, a secret
        entry = json.loads(text)
    return entry if isinstance(entry, dict) else {}


def choose_backend(*, allow_insecure: bool) -> KeyringBackend:
    """The back end to use; of several chained ones, the first that is known to be secure.

    Raises a `ProblemError` if there is no secure one, and `allow_insecure` is not set.
    """
    import keyring  # imported here, in the thread: it takes some 100 ms
    from keyring.backends import chainer, fail

    try:
        backend = keyring.get_keyring()
        members = list(backend.backends) if isinstance(backend, chainer.ChainerBackend) else [backend]
    except Exception as error:  # an invalid PYTHON_KEYRING_BACKEND raises any error of its import
        message = f"The keyring back end could not be loaded ({type(error).__name__})."
        hint = f"Check PYTHON_KEYRING_BACKEND in the environment. {_SUPPORTED_KEYRINGS_HINT}"
        raise _keyring_error(message, hint) from None
    for member in members:
        if type(member).__module__.startswith(_SECURE_BACKENDS):
            return _with_greeting(member)
    if allow_insecure:
        return backend
    if isinstance(backend, fail.Keyring):
        # Under cron and over ssh there may be a keyring that is not found.
        no_session_bus = sys.platform.startswith("linux") and not os.environ.get("DBUS_SESSION_BUS_ADDRESS")
        hint = _NO_SESSION_BUS_HINT if no_session_bus else _SUPPORTED_KEYRINGS_HINT
        raise _keyring_error(_NO_KEYRING, hint)
    name = f"{type(backend).__module__}.{type(backend).__name__}"
    message = f"The keyring back end {name} is not known to keep secrets safe."
    hint = f"{_SUPPORTED_KEYRINGS_HINT} To use it all the same, set {ALLOW_INSECURE_VARIABLE}=1."
    raise _keyring_error(message, hint)


def _with_greeting(backend: KeyringBackend) -> KeyringBackend:
    """The back end; for the Secret Service, one that greets first."""
    from keyring.backends import SecretService

    if type(backend) is not SecretService.Keyring:
        return backend
    from zbtui.store.secret_service import GreetingKeyring  # it imports packages that only Linux has

    return GreetingKeyring.from_backend(backend)


_NO_KEYRING: Final = "This machine has no keyring to keep secrets in."
_SUPPORTED_KEYRINGS_HINT: Final = (
    "Use GNOME Keyring, KWallet, Keychain, Windows Credential Locker, or pass with keyring-pass."
)
_OTHER_BACKEND_HINT: Final = (
    f"Another back end is needed: see `keyring --list-backends`. {_SUPPORTED_KEYRINGS_HINT}"
)


_NO_SESSION_BUS_HINT: Final = (
    "No session bus is named here: set DBUS_SESSION_BUS_ADDRESS, as in unix:path=/run/user/1000/bus. "
    f"{_SUPPORTED_KEYRINGS_HINT}"
)


def _sign_in_entry(org_name: str) -> tuple[str, str]:
    return f"zbtui:{org_name}", "sign-in"


def _access_entry(org_name: str) -> tuple[str, str]:
    return f"zbtui-access:{org_name}", "access"


def _set_or_delete(service: str, user: str, text: str | None, keyring: KeyringBackend) -> None:
    if text is None:
        keyring.delete_password(service, user)
    else:
        keyring.set_password(service, user, text)


def _probe_keyring(keyring: KeyringBackend) -> tuple[str, bool]:
    """The back end's name, and whether it keeps entries."""
    text = secrets.token_hex(8)  # random, so that the entry of an earlier probe does not match
    keyring.set_password(*_PROBE_ENTRY, text)
    kept = keyring.get_password(*_PROBE_ENTRY) == text
    _set_or_delete(*_PROBE_ENTRY, None, keyring)
    return clean(str(keyring.name), 80), kept


def _keyring_error_problem(error: Exception) -> tuple[Problem, bool]:
    """The problem of an error, and whether to retry at once."""
    from keyring import errors

    retry = False
    if isinstance(error, errors.KeyringLocked):
        message, hint = "The keyring is locked.", "Unlock it."
    elif isinstance(error, errors.InitError):
        message = "The keyring is locked, does not run, or was never set up."
        hint = "Start and unlock it, or create its default collection."
    elif isinstance(error, errors.NoKeyringError):
        message, hint = _NO_KEYRING, _SUPPORTED_KEYRINGS_HINT
    else:
        message, retry = f"The keyring failed ({type(error).__name__}).", True
        hint = "See that the keyring service runs and the session bus is reachable."
    return Problem("keyring", message, hint), retry


def _keyring_error(message: str, hint: str) -> ProblemError:
    return ProblemError(Problem("keyring", message, hint))


def _busy_error(does: str) -> ProblemError:
    message = f"Another zbtui process {does}, and does not finish."
    return _keyring_error(message, "If it lasts, end that process.")


def _foreign_entry_problem(where: str) -> Problem:
    return Problem(
        "keyring",
        f"The keyring entry of {where} is not one that zbtui wrote.",
        "Sign in again: that replaces it.",
        code=FOREIGN_ENTRY,
    )

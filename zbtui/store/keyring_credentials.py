"""Keeps sign-in credentials and access tokens in the OS keyring.

Calls of the keyring block and may hang for ever, and overlapping calls crash gnome-keyring. So one daemon
thread makes one call at a time, with a timeout, under a lock that all zbtui processes share.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from filelock import FileLock, Timeout

from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, SignInCredentials
from zbtui.process_lock import LOCAL_DISK_HINT, NoLocksError, process_lock
from zbtui.store.fallback import open_private_folder
from zbtui.store.keyring_backends import (
    OTHER_BACKEND_HINT,
    choose_backend,
    keyring_error,
    keyring_error_problem,
    probe_keyring,
    set_or_delete,
)
from zbtui.store.keyring_entries import (
    access_entry,
    configs_of,
    decode_access_token,
    decode_sign_in,
    encode_access_token,
    encode_sign_in,
    org_key,
    sign_in_entry,
)
from zbtui.store.worker import ThreadStartError, WorkerThread, WorkerTimeoutError

if TYPE_CHECKING:
    from zbtui.store.keyring_backends import KeyringBackend
    from zbtui.store.secret_service import PromptGate

CALL_TIMEOUT_SECONDS: Final = 3.0
_FIRST_CALL_TIMEOUT_SECONDS: Final = 5.0
"""The timeout of each call until one succeeds; it is longer, since a first call may start the keyring."""
_QUIET_SECONDS: Final = 180.0
"""How long to make no call after a call that timed out and then failed, since each may open a prompt."""
_LOCK_TIMEOUT_SECONDS: Final = 15.0
"""How long a call waits at most for a lock that another zbtui process holds."""
_REFRESH_LOCK_TIMEOUT_SECONDS: Final = 90.0
"""How long to wait for the refresh lock; longer than a token request can take with all its timeouts."""

T = TypeVar("T")


class KeyringCredentialStore:
    """A `CredentialStore` (a store of sign-in credentials and access tokens) in the OS keyring.

    The sign-in credentials and the access token of an org have separate entries, since Windows allows only
    about 1,280 characters per entry.
    """

    def __init__(
        self,
        locks: Path,
        fallbacks: Sequence[Path] = (),
        *,
        allow_insecure: bool = False,
        config: Path | None = None,
        is_attended: bool = True,
    ) -> None:
        """Args:
        locks: the folder of the lock files that all zbtui processes share.
        fallbacks: the private folders, best first, to use if the lock files in `locks` cannot be used.
        allow_insecure: whether to accept also a keyring back end that is not known to be secure.
        config: the config file to name in each sign-in entry that is written, or None to name no file.
        is_attended: whether a user is present to enter the keyring's password.
        """
        self._locks = locks
        self._fallbacks = fallbacks
        self._allow_insecure = allow_insecure
        self._config = config
        self._is_attended = is_attended
        self.cache_problem: Problem | None = None
        self._worker = WorkerThread("zbtui-keyring")
        self._backend: KeyringBackend | None = None
        self._gate: PromptGate | None = None
        self._has_answered = False
        self._given_up: Problem | None = None
        """The problem of the last call that timed out; None once a call has succeeded since then."""
        self._quiet_until = 0.0
        """The monotonic time until which no call is made, after a call that timed out and then failed."""
        self._lock_patience_from = 0.0
        """The monotonic time from which calls wait again for a lock of another process.

        It is set when such a wait timed out.
        """

    async def read_sign_in(self, org: Org) -> SignInCredentials | None:
        text = await self._read(*sign_in_entry(org))
        return None if text is None else decode_sign_in(text, org)

    async def write_sign_in(self, org: Org, sign_in: SignInCredentials) -> None:
        """Write the sign-in credentials, and read them back to check that the keyring has kept them.

        Raises a `ProblemError` if it has not: a null back end accepts entries without keeping them.
        """
        own = [str(self._config.absolute())] if self._config else []
        text = encode_sign_in(org, sign_in, [*await self._other_configs(org), *own])
        await self._set_entry(*sign_in_entry(org), text)
        if await self._read(*sign_in_entry(org)) != text:
            message = "The keyring took the sign-in but does not give it back."
            raise keyring_error(message, OTHER_BACKEND_HINT)

    async def read_access_token(self, org: Org) -> AccessToken | None:
        """Return the stored access token, or None if it is missing or invalid."""
        text = await self._read(*access_entry(org))
        return None if text is None else decode_access_token(text, org)

    async def write_access_token(self, org: Org, access: AccessToken) -> None:
        await self._set_entry(*access_entry(org), encode_access_token(org, access))

    async def delete(self, org: Org) -> None:
        await self._set_entry(*access_entry(org), None)
        others = await self._other_configs(org)
        sign_in = await self.read_sign_in(org) if others else None
        text = encode_sign_in(org, sign_in, others) if sign_in else None
        await self._set_entry(*sign_in_entry(org), text)

    async def other_config(self, org: Org) -> str | None:
        return next(iter(await self._other_configs(org)), None)

    async def _other_configs(self, org: Org) -> list[str]:
        """Return the paths of the other config files that the org's sign-in entry names and that exist."""
        own = self._config
        if own is None:
            return []
        text = await self._read(*sign_in_entry(org))
        return [name for name in configs_of(text or "") if _is_other_file(Path(name), own)]

    async def probe(self) -> str:
        """Write, read and delete a test entry in the keyring; return the name of the keyring's back end.

        Raises a `ProblemError` if the keyring fails or does not keep the entry.
        """
        name, kept = await self._call(probe_keyring)
        if not kept:
            message = f"The keyring {name} took an entry but does not give it back."
            raise keyring_error(message, OTHER_BACKEND_HINT)
        return name

    @asynccontextmanager
    async def refresh_lock(self, org: Org) -> AsyncIterator[None]:
        """Hold the lock for refreshing an org's access token, which all zbtui processes share.

        The operating system releases the lock if the process dies. Raises a `ProblemError` if another
        process holds the lock for more than 90 s.
        """
        name = f"refresh-{org_key(org)}.lock"
        deadline = time.monotonic() + _REFRESH_LOCK_TIMEOUT_SECONDS
        while True:
            try:
                lock = self._acquire(name, 0)
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
        """Write `text` to a keyring entry, or delete the entry if `text` is None.

        A change that times out raises a `ProblemError`. If the change still happens later, when the user
        unlocks the keyring, it is undone at once.
        """
        lock, outcome = threading.Lock(), list[str]()

        def decide(word: str) -> str:
            """Record `word`, which is "made" or "given up"; return the word that was recorded first."""
            with lock:
                outcome.append(word)
            return outcome[0]

        def act(keyring: KeyringBackend) -> None:
            before = keyring.get_password(service, user)
            is_new = before != text  # macOS asks for permission at each write
            if is_new:
                set_or_delete(service, user, text, keyring)
            if decide("made") == "given up" and is_new:
                set_or_delete(service, user, before, keyring)

        try:
            await self._call(act)
        except BaseException as error:
            if decide("given up") != "made" or not isinstance(error, ProblemError):
                raise

    async def _call(self, act: Callable[[KeyringBackend], T]) -> T:
        if self._given_up and not self._worker.is_busy and time.monotonic() < self._quiet_until:
            raise ProblemError(self._given_up)
        seconds = CALL_TIMEOUT_SECONDS if self._has_answered else _FIRST_CALL_TIMEOUT_SECONDS
        try:
            return await self._worker.call(lambda: self._call_under_lock(act), timeout=seconds)
        except ThreadStartError as error:
            hint = "Raise this machine's limit of tasks (ulimit -u), or end other programs."
            raise keyring_error(f"The keyring cannot be asked: {error.strerror}.", hint) from None
        except WorkerTimeoutError:
            message = f"The keyring did not answer within {seconds:g} s."
            hint = "It may wait for its password in another window: unlock it there."
            problem = self._given_up or Problem("keyring", message, hint)
            if self._worker.is_busy and self._given_up is None:
                self._given_up, self._quiet_until = problem, time.monotonic() + _QUIET_SECONDS
            raise ProblemError(problem) from None

    def _call_under_lock(self, act: Callable[[KeyringBackend], T]) -> T:
        """Run `act` while holding the keyring's lock, and once more after an unknown error.

        This method runs in the keyring's thread. Raises a `ProblemError` if `act` fails.
        """
        # The time to open the back end and get the lock does not count towards the timeout of the call.
        self._worker.extend_timeout(_LOCK_TIMEOUT_SECONDS)
        backend = self._open_backend()  # before the lock: it takes 100 ms
        with self._keyring_lock():
            self._worker.extend_timeout(0)
            problem: Problem | None = None
            for _ in range(2):
                try:
                    outcome = act(backend)
                except Exception as error:  # back ends also raise errors of other packages than keyring
                    problem, retry = keyring_error_problem(error)
                    if not retry or self._given_up:
                        break
                else:
                    self._has_answered, self._given_up = True, None
                    return outcome
            assert problem is not None
            raise ProblemError(problem)  # outside of `except`: the error may hold a secret

    def _open_backend(self) -> KeyringBackend:
        if self._backend is None:
            if sys.platform.startswith("linux"):
                from zbtui.store.secret_service import PromptGate

                self._gate = PromptGate(self._locks / "keyring-prompt", is_attended=self._is_attended)
            self._backend = choose_backend(allow_insecure=self._allow_insecure, gate=self._gate)
        return self._backend

    @contextmanager
    def _keyring_lock(self) -> Iterator[None]:
        asked_lately = self._gate is not None and self._gate.asked_lately
        patience = _LOCK_TIMEOUT_SECONDS if time.monotonic() >= self._lock_patience_from else 0
        try:
            lock = self._acquire("keyring.lock", patience)
        except Timeout:
            self._lock_patience_from = time.monotonic() + _QUIET_SECONDS
            if asked_lately:
                message = "The keyring waits for its password, which another zbtui process had it ask for."
                raise keyring_error(message, "Unlock it in its window.") from None
            raise _busy_error("uses the keyring") from None
        self._lock_patience_from = 0.0
        try:
            yield
        finally:
            lock.release()

    def _acquire(self, name: str, timeout: float) -> FileLock:
        """Acquire the lock file `name` in the first usable folder, waiting at most `timeout` seconds.

        Raises `Timeout` if another process still holds the lock then, and a `ProblemError` if no folder is
        usable.
        """
        first: OSError | None = None
        for folder in (self._locks, *self._fallbacks):
            try:
                if folder is not self._locks:
                    open_private_folder(folder)
                lock = process_lock(folder / name)
                lock.acquire(timeout=timeout)
                return lock
            except Timeout:
                raise
            except OSError as error:
                first = first or error
        assert first is not None
        hint = f"Make {self._locks}, and what is in it, writable for this user."
        if isinstance(first, NoLocksError):
            hint = LOCAL_DISK_HINT
        raise keyring_error(f"zbtui's lock files cannot be used ({first.strerror}).", hint)


def _is_other_file(file: Path, own: Path) -> bool:
    """Return whether `file` exists and is another file than `own`, which need not exist."""
    try:
        return file.is_file() and not (own.exists() and file.samefile(own))
    except OSError:
        return False


def _busy_error(does: str) -> ProblemError:
    message = f"Another zbtui process {does}, and does not finish."
    return keyring_error(message, "If it lasts, end that process.")

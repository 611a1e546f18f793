"""Asks the user questions in the terminal, and reads secrets without echo, or as JSON from stdin."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getpass
from typing import Any, Final

from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import wrong_secret_text
from zbtui.presentation.sign_in_guide import SIGN_IN_GUIDES

_SECRET_KEYS: Final[dict[SignInMethod, str]] = {"code": "code", "refresh-token": "refresh_token"}
"""The JSON key of the secret that a sign-in needs besides the client secret, by sign-in method."""


@dataclass(frozen=True, slots=True, repr=False)
class TypedSecrets:
    """The secrets of a sign-in that the user typed or piped in."""

    client_secret: str
    code_or_token: str | None
    """The code or the refresh token; None if the sign-in method needs neither."""


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; a stream is None if the program was started without it."""
    return stream is not None and bool(stream.isatty())


def can_encode(text: str) -> bool:
    """Whether the encoding of stderr has all characters of the text."""
    try:
        text.encode(getattr(sys.stderr, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def print_message(text: str, end: str = "\n") -> None:
    """Print a text to stderr, because stdout is for data. If stderr cannot be used, do nothing."""
    if sys.stderr is None:  # `print` would take stdout instead
        return
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _silence(sys.stderr)


def print_problem(problem: Problem) -> None:
    """Print a problem and its cure to stderr."""
    print_message(f"zbtui: {problem.message} {problem.hint}")


def silence_stdout() -> None:
    """Point stdout to the null device, so that Python's own flush at exit does not raise another error."""
    _silence(sys.stdout)


def _silence(stream: Any) -> None:
    with suppress(OSError, ValueError, AttributeError):  # no stream, or a closed one
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def confirm(question: str, *, default: bool) -> bool:
    """Ask a yes-or-no question and return the answer.

    An empty line means `default`, the end of input means no.
    """
    try:
        answer = _read_line(f"{question} [{'Y/n' if default else 'y/N'}] ").lower()
    except EOFError:
        print_message("")
        return False
    return answer in ("y", "yes") or (default and not answer)


def choose_sign_in_method() -> SignInMethod:
    """Ask the user to choose a sign-in method, until the answer is a valid one."""
    print_message("How to sign in:")
    numbered = {str(number): method for number, method in enumerate(SIGN_IN_METHODS, start=1)}
    for number, method in numbered.items():
        guide = SIGN_IN_GUIDES[method]
        print_message(f"  {number}  {guide.title:<28} {guide.requirement}")
    while True:
        text = _read_line("Number [1]: ") or "1"
        if text in SIGN_IN_METHODS:
            return text
        if text in numbered:
            return numbered[text]
        print_message(f"A number from 1 to {len(SIGN_IN_METHODS)}, please.")


def ask_number(what: str) -> str:
    """Ask the user for the number named by `what`, until the answer is digits only; returns the digits."""
    while True:
        text = _read_line(f"{what}: ")
        if text.isascii() and text.isdigit():
            return text
        print_message("Digits only, please.")


def read_secrets(method: SignInMethod | None) -> tuple[SignInMethod, TypedSecrets]:
    """Read the secrets of a sign-in: typed without echo on a terminal, else as one JSON object from stdin.

    Returns the sign-in method, too. If `method` is None, the sign-in method follows from the keys of the
    JSON; on a terminal, it is `refresh-token`. Raises a `ProblemError` if a secret is missing or invalid.
    """
    if is_terminal(sys.stdin):
        method = method or "refresh-token"
        required = _required_keys(method)
        values: dict[str, Any] = {key: _ask_secret(key) for key in required}
    else:
        values = _read_json(method)
        method = method or ("code" if "code" in values else "refresh-token")
        required = _required_keys(method)
        if extra := sorted(set(values) - set(required)):
            raise _input_error(
                f"The JSON on stdin has a key that is not known: {extra[0][:40]!r}.", required
            )
    for key in required:
        value, what = values.get(key), key.replace("_", " ")
        if value is not None and not isinstance(value, str):
            raise _input_error(f"The {what} is no text.", required)
        if wrong := wrong_secret_text(what, value or ""):
            raise _input_error(wrong, required)
    return method, TypedSecrets(values["client_secret"], values.get(_SECRET_KEYS.get(method, "")))


def _required_keys(method: SignInMethod) -> list[str]:
    return ["client_secret", *([_SECRET_KEYS[method]] if method in _SECRET_KEYS else [])]


def _ask_secret(key: str) -> str:
    with _interrupted_at_once():
        return getpass(f"{key.replace('_', ' ').capitalize()} (not shown): ").strip()


def _read_line(prompt: str) -> str:
    """Print a prompt, then read a line of input and strip it. Raises `EOFError` at the end of input."""
    with _interrupted_at_once():  # the prompt, too: ctrl+c must work as soon as it is shown
        print_message(prompt, end="")
        line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Within the context, let ctrl+c end a question at once; asyncio's handler would wait for an answer."""
    before = signal.getsignal(signal.SIGINT)
    if before in (None, signal.SIG_IGN):  # ctrl+c is ignored, and stays so
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read_json(method: SignInMethod | None) -> dict[str, Any]:
    values: Any = None
    with suppress(ValueError, RecursionError):  # the exception would contain the secrets
        values = json.loads(sys.stdin.read(1 << 16) if sys.stdin else "")
    if not isinstance(values, dict):
        raise _input_error(
            "What came on stdin is not one JSON object.", _required_keys(method or "refresh-token")
        )
    return values


def _input_error(message: str, required: list[str]) -> ProblemError:
    keys = ", ".join(f'"{key}": "…"' for key in required)
    return ProblemError(Problem("config", message, f"Needed: {{{keys}}}."))

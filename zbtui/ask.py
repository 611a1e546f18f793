"""Questions on the command line: asked of a person, without echo where secret, or read from a pipe."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getpass
from typing import Any, Final

from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.presentation.sign_in_guide import SIGN_IN_GUIDES

_SECRET_KEYS: Final[dict[SignInMethod, str]] = {"code": "code", "refresh-token": "refresh_token"}
"""What is asked for besides the client secret, where something is."""


@dataclass(frozen=True, slots=True, repr=False)
class TypedSecrets:
    """What was typed, or piped in."""

    client_secret: str
    code_or_token: str | None
    """The code or the refresh token, where the way needs one."""


def is_terminal(stream: Any) -> bool:
    """Whether somebody may sit at it; a program started without any has None for a stream."""
    return stream is not None and bool(stream.isatty())


def print_message(text: str, end: str = "\n") -> None:
    """To stderr: stdout is for data."""
    print(text, end=end, file=sys.stderr, flush=True)


def confirm(question: str, *, default: bool) -> bool:
    """Yes or no; at the end of the input, no."""
    try:
        answer = _read_line(f"{question} [{'Y/n' if default else 'y/N'}] ").lower()
    except EOFError:
        print_message("")
        return False
    return answer in ("y", "yes") or (default and not answer)


def choose_sign_in_method() -> SignInMethod:
    """Which way to sign in, asked of a person."""
    print_message("How to sign in:")
    for number, way in enumerate(SIGN_IN_METHODS, start=1):
        print_message(f"  {number}  {SIGN_IN_GUIDES[way].title:<28} {SIGN_IN_GUIDES[way].requirement}")
    numbered = {str(number): way for number, way in enumerate(SIGN_IN_METHODS, start=1)}
    while True:
        text = _read_line("Number [1]: ") or "1"
        if text in SIGN_IN_METHODS:
            return text
        if text in numbered:
            return numbered[text]
        print_message(f"A number from 1 to {len(SIGN_IN_METHODS)}, please.")


def ask_number(what: str) -> str:
    """A number, as text."""
    while True:
        text = _read_line(f"{what}: ")
        if text.isascii() and text.isdigit():
            return text
        print_message("Digits only, please.")


def read_secrets(method: SignInMethod | None) -> tuple[SignInMethod, TypedSecrets]:
    """Asked for without echo on a terminal; else one JSON object on stdin.

    Args:
        way: None: not said; then what stands in the JSON tells.
    """
    if is_terminal(sys.stdin):
        method = method or "refresh-token"
        wanted = _required_keys(method)
        given: dict[str, Any] = {key: _ask_secret(key) for key in wanted}
    else:
        given = _read_json(method)
        method = method or ("code" if "code" in given else "refresh-token")
        wanted = _required_keys(method)
        if extra := sorted(set(given) - set(wanted)):
            raise _input_error(f"The JSON on stdin has a key that is not known: {extra[0][:40]!r}.", wanted)
    for key in wanted:
        value = given.get(key)
        if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
            raise _input_error(
                f"The {key.replace('_', ' ')} is missing, or has characters that none has.", wanted
            )
    return method, TypedSecrets(given["client_secret"], given.get(_SECRET_KEYS.get(method, "")))


def _required_keys(way: SignInMethod) -> list[str]:
    return ["client_secret", *([_SECRET_KEYS[way]] if way in _SECRET_KEYS else [])]


def _ask_secret(key: str) -> str:
    with _interrupted_at_once():
        return getpass(f"{key.replace('_', ' ').capitalize()} (not shown): ").strip()


def _read_line(prompt: str) -> str:
    """Raises:
    EOFError: the input has ended.
    """
    with _interrupted_at_once():  # around the prompt, too: whoever sees it may leave it
        print_message(prompt, end="")
        line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """ctrl+c ends the question at once: asyncio's handler would only note it until it is answered."""
    before = signal.getsignal(signal.SIGINT)
    if before in (None, signal.SIG_IGN):  # not to be interrupted at all
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read_json(way: SignInMethod | None) -> dict[str, Any]:
    given: Any = None
    with suppress(ValueError, RecursionError):  # the error would hold the text
        given = json.loads(sys.stdin.read(1 << 16) if sys.stdin else "")
    if not isinstance(given, dict):
        raise _input_error(
            "What came on stdin is not one JSON object.", _required_keys(way or "refresh-token")
        )
    return given


def _input_error(message: str, wanted: list[str]) -> ProblemError:
    keys = ", ".join(f'"{key}": "…"' for key in wanted)
    return ProblemError(Problem("config", message, f"Needed: {{{keys}}}."))

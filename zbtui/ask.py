"""Secrets for the command line: asked of a person without echo, or read from a pipe."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from getpass import getpass
from typing import Any

from zbtui.core.secret import Secret, SignIn
from zbtui.core.trouble import Trouble, TroubleError


def is_terminal(stream: Any) -> bool:
    """Whether somebody may sit at it; a program started without any has None for a stream."""
    return stream is not None and bool(stream.isatty())


def read_sign_in(*, needs_refresh_token: bool) -> SignIn:
    """Asked for without echo on a terminal; else one JSON object on stdin."""
    wanted = ["client_secret", *(["refresh_token"] if needs_refresh_token else [])]
    if is_terminal(sys.stdin):
        given: dict[str, Any] = {
            key: getpass(f"{key.replace('_', ' ').capitalize()} (not shown): ").strip() for key in wanted
        }
    else:
        given = _read_json(wanted)
    for key in wanted:
        value = given.get(key)
        if not isinstance(value, str) or not value or not (value.isascii() and value.isprintable()):
            raise _wrong(
                f"The {key.replace('_', ' ')} is missing, or has characters that none has.", wanted
            )
    return SignIn(
        Secret(given["client_secret"]), Secret(given["refresh_token"]) if needs_refresh_token else None
    )


def _read_json(wanted: list[str]) -> dict[str, Any]:
    given: Any = None
    with suppress(ValueError, RecursionError):  # the error would hold the text
        given = json.loads(sys.stdin.read(1 << 16) if sys.stdin else "")
    if not isinstance(given, dict):
        raise _wrong("What came on stdin is not one JSON object.", wanted)
    if extra := sorted(set(given) - set(wanted)):
        raise _wrong(f"The JSON on stdin has a key that is not known: {extra[0][:40]!r}.", wanted)
    return given


def _wrong(message: str, wanted: list[str]) -> TroubleError:
    keys = ", ".join(f'"{key}": "…"' for key in wanted)
    return TroubleError(Trouble("config", message, f"Needed: {{{keys}}}."))

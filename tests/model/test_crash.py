"""The description of a crash: source locations and the class, but no message and no variable."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zbtui.model.crash import describe_crash

# Joined here, so that no source line contains the token.
TOKEN = ".".join(["1000", "feedface", "cafebabe"])


class OddError(Exception):
    """An error that holds the token in an attribute and in its message."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.token = token

    def __str__(self) -> str:
        return f"odd: {self.token}"


def _inner(token: str) -> None:
    held = {"token": token}
    raise OddError(held["token"])


def _outer(token: str) -> None:
    _inner(token)


def _from_another(token: str) -> None:
    try:
        _inner(token)
    except OddError as error:
        raise RuntimeError(f"again: {token}") from error


def _during_another(token: str) -> None:
    try:
        _inner(token)
    except OddError:
        raise KeyError(token)  # noqa: B904


def _with_a_note(token: str) -> None:
    error = ValueError(token)
    error.add_note(token)
    raise error


def _group(token: str) -> None:
    raise ExceptionGroup(token, [ValueError(token), OddError(token)])


def _undecodable(token: str) -> None:
    token.encode().decode("utf-16-be").encode("ascii")


def caught(crash: Callable[[str], None]) -> BaseException:
    try:
        crash(TOKEN)
    except Exception as error:
        return error
    raise AssertionError("it did not crash")


@pytest.mark.parametrize(
    "crash", [_outer, _from_another, _during_another, _with_a_note, _group, _undecodable]
)
def test_neither_message_nor_variable_nor_cause_is_shown(crash: Callable[[str], None]) -> None:
    text = describe_crash(caught(crash))
    assert not any(part in text for part in (*TOKEN.split("."), "odd:", "again:", "held"))


def test_the_places_are_shown_innermost_last_and_then_the_class() -> None:
    *_, outer, inner, name = describe_crash(caught(_outer)).splitlines()
    assert outer.endswith("in _outer")
    assert inner.endswith("in _inner")
    assert f"{__file__}:" in inner
    assert name.strip() == f"{__name__}.OddError"


def test_no_line_of_source_is_shown() -> None:
    assert "raise" not in describe_crash(caught(_outer))


def test_an_error_that_was_never_raised_has_a_class_only() -> None:
    place, name = describe_crash(OddError(TOKEN)).splitlines()
    assert "zbtui" in place
    assert name.strip() == f"{__name__}.OddError"


def test_an_interrupt_is_described_as_well() -> None:
    assert describe_crash(KeyboardInterrupt(TOKEN)).endswith("builtins.KeyboardInterrupt")

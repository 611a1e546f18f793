"""Secrets: only `reveal` gives out the text."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from tests.support.samples import NOW, SECOND, reproducible
from zbtui.model.secret import (
    RENEWAL_MARGIN,
    AccessToken,
    OAuthClient,
    Secret,
    SignInCredentials,
    fingerprint,
    is_header_safe,
    wrong_secret_text,
)

# Joined here, so that no source line that a traceback quotes contains the token.
TOKEN = ".".join(["1000", "feedface" * 4, "cafebabe" * 4])


def holders() -> list[object]:
    """A secret alone, and in each type that holds one."""
    secret = Secret(TOKEN)
    return [
        secret,
        SignInCredentials(secret, secret),
        OAuthClient("an-id", secret),
        AccessToken(secret, "https://www.zohoapis.eu", NOW),
        [secret],
        {"token": secret},
    ]


def holder_name(holder: object) -> str:
    return type(holder).__name__


RENDERINGS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "str.format": "{0} {0!s} {0!r}".format,
    "f-string": lambda value: f"{value} {value!s} {value!r} {value!r:>60}",
    "percent": lambda value: "%s %r" % (value, [value]),  # noqa: UP031
    "pprint": pprint.pformat,
    "rich": lambda value: pretty_repr(value, expand_all=True),
    "exception": lambda value: repr(ValueError(value)) + str(ValueError(value)),
    "log": lambda value: logging.makeLogRecord({"msg": "%s %r", "args": (value, value)}).getMessage(),
}


@pytest.mark.parametrize("holder", holders(), ids=holder_name)
@pytest.mark.parametrize("rendering", RENDERINGS)
def test_no_rendering_as_text_shows_it(rendering: str, holder: object) -> None:
    text = RENDERINGS[rendering](holder)
    assert "Secret(***)" in text
    assert not any(part in text for part in TOKEN.split("."))


CONVERSIONS: dict[str, Callable[[object], object]] = {
    "copy": copy.deepcopy,
    "pickle": pickle.dumps,
    "oldest pickle": lambda value: pickle.dumps(value, protocol=0),
    "json": json.dumps,
}


@pytest.mark.parametrize("holder", holders(), ids=holder_name)
@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_it_cannot_be_written_out_or_multiplied(conversion: str, holder: object) -> None:
    with pytest.raises(TypeError) as caught:
        CONVERSIONS[conversion](holder)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("act", [copy.copy, hash, len, iter, bytes], ids=lambda act: act.__name__)
def test_it_does_not_behave_like_a_text(act: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        act(Secret(TOKEN))
    assert TOKEN not in str(caught.value)


def test_a_width_asked_for_in_a_format_does_not_show_it() -> None:
    with pytest.raises(TypeError) as caught:
        f"{Secret(TOKEN):>80}"
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("holder", [SignInCredentials(Secret(TOKEN)), AccessToken(Secret(TOKEN), "", NOW)])
def test_a_dataclass_that_holds_one_is_not_turned_into_plain_data(
    holder: SignInCredentials | AccessToken,
) -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(holder)


def _trip(sign_in: SignInCredentials, access: AccessToken) -> None:
    secret = sign_in.client_secret
    held = {"refresh": sign_in.refresh_token, "all": [secret, access]}
    raise ValueError(f"tripped over {held}")


def _tripped() -> ValueError:
    secret = Secret(TOKEN)
    try:
        _trip(SignInCredentials(secret, secret), AccessToken(secret, "https://www.zohoapis.eu", NOW))
    except ValueError as error:
        return error
    raise AssertionError


def test_a_traceback_does_not_show_it() -> None:
    assert TOKEN not in "".join(traceback.format_exception(_tripped()))


def test_a_traceback_with_local_variables_does_not_show_it() -> None:
    plain = "".join(traceback.TracebackException.from_exception(_tripped(), capture_locals=True).format())
    error = _tripped()
    screen = Console(file=io.StringIO(), width=400, color_system=None)
    screen.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    assert isinstance(screen.file, io.StringIO)
    for text in (plain, screen.file.getvalue()):
        assert "refresh" in text, "the local variables are there"
        assert not any(part in text for part in TOKEN.split("."))


def test_it_has_no_attributes_to_search() -> None:
    assert not hasattr(Secret(TOKEN), "__dict__")
    with pytest.raises(TypeError):
        vars(Secret(TOKEN))


def test_reveal_gives_it_out_as_it_was_put_in() -> None:
    assert Secret(TOKEN).reveal() == TOKEN


def test_two_are_equal_where_their_texts_are() -> None:
    assert Secret(TOKEN) == Secret(TOKEN)
    assert Secret(TOKEN) != Secret("other")
    assert Secret(TOKEN) != TOKEN
    assert SignInCredentials(Secret(TOKEN)) != SignInCredentials(Secret(TOKEN), Secret(TOKEN))


def test_an_empty_one_is_false() -> None:
    assert not Secret("")
    assert Secret(TOKEN)


@pytest.mark.parametrize(
    ("left", "good"),
    [
        (RENEWAL_MARGIN + SECOND, True),
        (RENEWAL_MARGIN, False),
        (RENEWAL_MARGIN - SECOND, False),
        (timedelta(), False),
        (-SECOND, False),
    ],
)
def test_an_access_token_is_good_until_five_minutes_before_its_end(left: timedelta, good: bool) -> None:
    assert timedelta(minutes=5) == RENEWAL_MARGIN
    assert AccessToken(Secret(TOKEN), "https://www.zohoapis.eu", NOW + left).is_usable(NOW) is good


# Fingerprints

texts = st.text(max_size=40)


def test_a_fingerprint_is_the_same_on_every_machine_and_in_every_run() -> None:
    """The journal keeps the fingerprint; if it changed, a lock-out would be forgotten."""
    assert fingerprint(Secret("1000.abc")) == "6c35d13b624a67f6df49f722255b5bef"
    assert fingerprint(Secret("1000.abc"), Secret("x")) == "12f51e079f0d0e71b412fddeed1e6e90"


@reproducible
@given(st.lists(texts, min_size=1, max_size=3))
def test_a_fingerprint_is_32_hex_digits_that_show_nothing(parts: list[str]) -> None:
    found = fingerprint(*map(Secret, parts))
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")
    assert not any(len(part) > 4 and part in found for part in parts)


@reproducible
@given(st.lists(texts, max_size=3), st.lists(texts, max_size=3))
def test_two_fingerprints_are_equal_where_the_secrets_are_and_in_the_same_order(
    one: list[str], other: list[str]
) -> None:
    same = fingerprint(*map(Secret, one)) == fingerprint(*map(Secret, other))
    assert same == (one == other)


def test_secrets_that_read_alike_when_they_are_joined_are_distinguished() -> None:
    assert fingerprint(Secret("ab"), Secret("c")) != fingerprint(Secret("a"), Secret("bc"))
    assert fingerprint(Secret("abc")) != fingerprint(Secret("abc"), Secret(""))


def test_a_secret_that_no_text_can_be_made_of_has_one_too() -> None:
    assert fingerprint(Secret("\ud800")) != fingerprint(Secret("\ud801"))


# Characters allowed in a header


@pytest.mark.parametrize("token", ["a", "1000.a-b_c.d~e", "!" * 2048])
def test_a_token_of_printable_ascii_fits_a_header(token: str) -> None:
    assert is_header_safe(token)


@pytest.mark.parametrize("token", ["", " a", "a b", "a\n", "a\r\nX: y", "é", "a\x7f", "!" * 2049])
def test_any_other_token_does_not(token: str) -> None:
    assert not is_header_safe(token)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("", "The code is missing."),
        ("1000.späß", "The code has characters that none has."),
        ("1000. abc", "The code has characters that none has."),
        ("x" * 2049, "The code is longer than any."),
        ("x" * 2048, None),
        ("1000.abc", None),
    ],
)
def test_what_is_wrong_with_a_typed_secret_depends_on_the_sign_in_method(
    typed: str, wrong: str | None
) -> None:
    assert wrong_secret_text("code", typed) == wrong
    assert is_header_safe(typed) is (wrong is None)

"""The envelope that all answers of the API hosts share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from tests.zoho_api.test_errors import PAGE
from zbtui.model.problem import ProblemError
from zbtui.model.text import clean
from zbtui.zoho_api.envelope import (
    find_error,
    parse_response_object,
    read_raw_text,
    read_text,
    unwrap_response,
)
from zbtui.zoho_api.errors import api_problem, status_problem

ERROR: dict[str, Any] = {"code": "NO_PERMISSION", "details": {}, "message": "no", "status": "error"}


def test_an_object_is_given_as_it_came() -> None:
    assert parse_response_object(200, b'{"org": [{"id": "1"}]}', "eu") == {"org": [{"id": "1"}]}


@pytest.mark.parametrize("number", ["20098765432109876543210", "0.1", "1e400", "-0", "NaN", "Infinity"])
def test_a_number_keeps_every_digit_for_it_stays_a_text(number: str) -> None:
    assert parse_response_object(200, f'{{"id": {number}}}'.encode(), "eu") == {"id": number}


@pytest.mark.parametrize("status", [200, 204, 302, 401, 503])
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"text"', b"7", b"{", PAGE, b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "list", "null", "text", "number", "half", "page", "bytes", "deep"],
)
def test_what_is_no_object_is_shown_by_its_status_and_appearance(status: int, body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        parse_response_object(status, body, "eu")
    assert caught.value.problem == status_problem(status, body, "eu")
    # The JSON parser's error would hold the whole body.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("answer", [ERROR, {"org": ERROR}], ids=["at top level", "inside the subject"])
def test_an_error_is_found_at_top_level_and_inside_the_subject(answer: dict[str, Any]) -> None:
    assert find_error(answer, "org") == ERROR


def test_the_error_at_top_level_counts_first() -> None:
    inner = {**ERROR, "code": "INTERNAL_ERROR"}
    assert find_error({**ERROR, "org": inner}, "org") == {**ERROR, "org": inner}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "invalid_token"}, "invalid_token"),
        ({"error": "Access Denied", "status": "failure"}, "Access Denied"),
        ({"error": {"code": "NO_PERMISSION"}}, "NO_PERMISSION"),
        ({"errors": [ERROR]}, "NO_PERMISSION"),
        ({"data": [ERROR]}, "NO_PERMISSION"),
        ({"org": None, "error": "x"}, "x"),
        ({"status": "error", "message": "no"}, None),
        ({"status": "failure", "org": {}}, None),
        ({"status": "error", "code": 7}, None),
        ({"status": "error", "errors": []}, None),
    ],
    ids=repr,
)
def test_an_error_of_another_shape_is_one_too(answer: dict[str, Any], code: str | None) -> None:
    found = find_error(answer, "org")
    assert found is not None
    assert found["code"] == code


@pytest.mark.parametrize("status", [200, 401])
def test_an_error_word_under_another_key_is_read_as_the_code(status: int) -> None:
    with pytest.raises(ProblemError) as caught:
        unwrap_response(status, b'{"error": "invalid_token"}', "backup", "eu")
    assert caught.value.problem == api_problem(status, {"code": "INVALID_TOKEN"}, "eu")


def test_an_error_beside_an_empty_answer_is_not_no_backup() -> None:
    with pytest.raises(ProblemError):
        unwrap_response(200, b'{"backup": null, "status": "error"}', "backup", "eu")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": None},
        {"code": 7},
        {"code": ["NO_PERMISSION"]},
        {"org": None},
        {"org": [ERROR]},
        {"org": {"id": "1"}},
        {"backup": ERROR},
        {"error": None},
        {"error": ""},
        {"errors": [], "data": [{}]},
        {"error": 7, "status": "success"},
    ],
    ids=repr,
)
def test_anything_else_is_no_error(answer: dict[str, Any]) -> None:
    assert find_error(answer, "org") is None


@pytest.mark.parametrize("source", [{}, {"name": None}, {"name": ""}, {"name": " \n\x00 "}], ids=repr)
def test_a_text_that_says_nothing_is_none(source: dict[str, Any]) -> None:
    assert read_text(source, "name") is None


@reproducible
@given(st.text(max_size=400))
def test_a_text_is_cleaned(text: str) -> None:
    assert read_text({"name": text}, "name") == (clean(text) or None)


@pytest.mark.parametrize("value", [True, 0, 7, [], ["x"], {}, {"x": 1}], ids=repr)
def test_what_is_no_text_is_missing_or_kept_as_json(value: object) -> None:
    assert read_text({"state": value}, "state") is None
    assert read_raw_text({"state": value}, "state") == json.dumps(value)


@reproducible
@given(st.integers(100, 599), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_cause_another_error(status: int, body: bytes) -> None:
    try:
        answer = parse_response_object(status, body, "eu")
    except ProblemError as error:
        assert error.problem.http_status == status
    else:
        assert json.loads(body).keys() == answer.keys()

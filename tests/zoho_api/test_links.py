"""The answer of the links call: how many files there are and until when, or an explained error."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import HOUR, reproducible
from tests.zoho_api.test_errors import API_ERRORS, PAGE
from zbtui.model.problem import Problem, ProblemError, ProblemKind
from zbtui.zoho_api.errors import api_problem
from zbtui.zoho_api.links import LINKS_LIFETIME, Links, parse_links_response

BASE = "https://download-accl.zoho.eu/v2/crm/20098765432/backup/5100000000412007"
SAMPLE: dict[str, Any] = {
    "data_links": [f"{BASE}/Data_001.zip"],
    "attachment_links": [f"{BASE}/Attachments_001.zip"],
    "expiry_date": "2026-03-10T10:14:51+01:00",
}
"""As in "Get backup URLs"."""
EXPIRE = datetime(2026, 3, 10, 10, 14, 51, tzinfo=timezone(HOUR))


def answer(**keys: object) -> bytes:
    """The documented answer, with these keys replaced."""
    return json.dumps({"urls": SAMPLE | keys}).encode()


def problem_of(body: bytes, status: int = 200) -> Problem:
    with pytest.raises(ProblemError) as caught:
        parse_links_response(status, body, "eu")
    return caught.value.problem


def test_the_documented_sample_is_read_whole() -> None:
    links = parse_links_response(200, answer(), "eu")
    assert links == Links(data_parts=1, attachment_parts=1, expires_at=EXPIRE)
    assert links.are_available


def test_every_part_is_counted_and_no_address_is_kept() -> None:
    links = parse_links_response(
        200, answer(data_links=["a", "b", "c"], attachment_links=["d", 7, None]), "eu"
    )
    assert links == Links(data_parts=3, attachment_parts=3, expires_at=EXPIRE)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, b""),
        (204, b"whatever"),
        (200, b""),
        (200, b" \r\n"),
        (200, b"{}"),
        (200, b'{"urls": null}'),
        (200, b'{"urls": {}}'),
        (200, b'{"urls": []}'),
        (200, b'{"urls": {"data_links": [], "attachment_links": null}}'),
    ],
)
def test_no_links_are_an_answer_too(status: int, body: bytes) -> None:
    links = parse_links_response(status, body, "eu")
    assert links == Links()
    assert not links.are_available


@pytest.mark.parametrize("missing", [None, []], ids=repr)
@pytest.mark.parametrize(
    ("key", "links"), [("data_links", Links(0, 1, EXPIRE)), ("attachment_links", Links(1, 0, EXPIRE))]
)
def test_either_list_may_be_empty_or_missing(key: str, links: Links, missing: object) -> None:
    assert parse_links_response(200, answer(**{key: missing}), "eu") == links
    rest = {name: value for name, value in SAMPLE.items() if name != key}
    assert parse_links_response(200, json.dumps({"urls": rest}).encode(), "eu") == links


@pytest.mark.parametrize("missing", [None, "", "  "], ids=repr)
def test_an_expiry_that_is_not_shown_is_none(missing: object) -> None:
    links = parse_links_response(200, answer(expiry_date=missing), "eu")
    assert links == Links(1, 1, None)
    assert links.are_available


@pytest.mark.parametrize(
    "links", [Links(data_parts=1), Links(attachment_parts=1), Links(expires_at=EXPIRE)]
)
def test_any_of_it_shows_that_there_are_files(links: Links) -> None:
    assert links.are_available


def test_an_expiry_alone_shows_that_there_were_files() -> None:
    assert parse_links_response(200, answer(data_links=[], attachment_links=[]), "eu").are_available


@pytest.mark.parametrize("minutes", [-480, 0, 330])
def test_the_expiry_is_a_moment_whatever_its_offset(minutes: int) -> None:
    there = EXPIRE.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_links_response(200, answer(expiry_date=there.isoformat()), "eu").expires_at == EXPIRE


def test_no_link_lives_longer_than_a_week() -> None:
    assert timedelta(days=7) == LINKS_LIFETIME


@pytest.mark.parametrize(
    "body",
    [
        b'{"links": {}}',
        b'{"urls": "none"}',
        b'{"urls": [{"href": "x"}]}',
        b'{"urls": 7}',
        answer(data_links="https://one"),
        answer(data_links={"href": "x"}),
        answer(attachment_links=7),
        answer(expiry_date=["2026-03-10T10:14:51+01:00"]),
        answer(expiry_date="next week"),
        answer(expiry_date="2026-03-10T10:14:51"),
        b"[]",
        b"null",
        PAGE,
    ],
)
def test_an_answer_that_is_not_what_is_documented_breaks_the_contract(body: bytes) -> None:
    trouble = problem_of(body)
    assert (trouble.kind, trouble.final) == ("contract", False)


def test_no_address_is_shown_in_a_problem() -> None:
    trouble = problem_of(answer(data_links=f"{BASE}/Data_001.zip"))
    assert "zip" not in trouble.message + trouble.hint


@pytest.mark.parametrize(("status", "code", "kind", "final"), API_ERRORS)
@pytest.mark.parametrize("nested", [False, True], ids=["on top", "nested"])
def test_every_error_is_shown_as_that_of_any_call(
    status: int, code: str, kind: ProblemKind, final: bool, nested: bool
) -> None:
    envelope = {"code": code, "details": {}, "message": "", "status": "error"}
    trouble = problem_of(json.dumps({"urls": envelope} if nested else envelope).encode(), status)
    assert trouble == api_problem(status, envelope, "eu")
    assert (trouble.kind, trouble.final) == (kind, final)


@pytest.mark.parametrize("nested", [False, True], ids=["on top", "nested"])
def test_an_error_is_one_whatever_the_status(nested: bool) -> None:
    envelope = {"code": "NO_PERMISSION", "details": {}, "message": "", "status": "error"}
    trouble = problem_of(json.dumps({"urls": envelope} if nested else envelope).encode())
    assert (trouble.kind, trouble.code) == ("permission", "NO_PERMISSION")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, "contract"), (401, "auth"), (404, "contract"), (429, "throttled"), (503, "server")],
)
@pytest.mark.parametrize("body", [b"", b"{}", PAGE, answer()])
def test_only_200_carries_links(status: int, kind: ProblemKind, body: bytes) -> None:
    trouble = problem_of(body, status)
    assert (trouble.kind, trouble.http_status) == (kind, status)


# Whatever the bytes

documented = st.sampled_from([*SAMPLE, "urls", "code"])
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(SAMPLE["expiry_date"])
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(documented | st.text(max_size=5), inner),
    max_leaves=15,
)
http_statuses = st.sampled_from([200, 200, 200, 201, 204, 302, 401, 403, 404, 429, 500])


def check_outcome(status: int, body: bytes) -> None:
    """Links, or a problem that says this status: nothing else ever comes out."""
    try:
        links = parse_links_response(status, body, "eu")
    except ProblemError as error:
        assert error.problem.http_status == status
        return
    assert status in (200, 204)
    assert links.data_parts >= 0
    assert links.attachment_parts >= 0
    assert links.expires_at is None or links.expires_at.tzinfo is not None


@reproducible
@given(http_statuses, st.binary(max_size=200))
def test_no_bytes_cause_another_error(status: int, body: bytes) -> None:
    check_outcome(status, body)


@reproducible
@given(http_statuses, anything, st.booleans())
def test_no_json_causes_another_error(status: int, value: object, wrapped: bool) -> None:
    check_outcome(status, json.dumps({"urls": value} if wrapped else value).encode())


@reproducible
@given(http_statuses, st.dictionaries(st.sampled_from([*SAMPLE]), anything))
def test_no_links_cause_another_error(status: int, keys: dict[str, object]) -> None:
    check_outcome(status, json.dumps({"urls": keys}).encode())


@reproducible
@given(st.integers(0, 260), st.binary(max_size=3), st.integers(0, 3))
def test_no_damage_to_an_answer_causes_another_error(place: int, put: bytes, taken: int) -> None:
    whole = answer()
    check_outcome(200, whole[:place] + put + whole[place + taken :])

"""Parsing answers of the links call: number of files and their expiry, or a problem."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.samples import HOUR
from tests.zoho_api.test_errors import PAGE
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho_api.links import LINKS_LIFETIME, Links, parse_links_response

BASE = "https://download-accl.zoho.eu/v2/crm/20098765432/backup/5100000000412007"
SAMPLE: dict[str, Any] = {
    "data_links": [f"{BASE}/Data_001.zip"],
    "attachment_links": [f"{BASE}/Attachments_001.zip"],
    "expiry_date": "2026-03-10T10:14:51+01:00",
}
"""The sample of Zoho's page "Get backup URLs"."""
EXPIRE = datetime(2026, 3, 10, 10, 14, 51, tzinfo=timezone(HOUR))


def answer(**keys: object) -> bytes:
    """The body of the documented answer, with these keys replaced."""
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
        b"[]",
        b"null",
        PAGE,
    ],
)
def test_an_answer_that_is_not_what_is_documented_breaks_the_contract(body: bytes) -> None:
    problem = problem_of(body)
    assert (problem.kind, problem.final) == ("contract", False)


@pytest.mark.parametrize("date", [["2026-03-10T10:14:51+01:00"], "next week", "2026-03-10T10:14:51"])
def test_an_expiry_that_cannot_be_read_is_missing(date: object) -> None:
    found = parse_links_response(200, answer(expiry_date=date), "eu")
    assert found == parse_links_response(200, answer(expiry_date=None), "eu")


def test_no_address_is_shown_in_a_problem() -> None:
    problem = problem_of(answer(data_links=f"{BASE}/Data_001.zip"))
    assert "zip" not in problem.message + problem.hint

"""Parsing answers of the organization call: a company, none without the scope, or a problem."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.samples import make_company
from tests.zoho_api.test_errors import PAGE
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho_api.organization import Company, describe_company, parse_organization_response

SAMPLE: dict[str, Any] = {
    "id": "5100000000020001",
    "zgid": "20098765432",
    "domain_name": "org20098765432",
    "company_name": "Nordlys Tools AB",
    "alias": None,
    "type": "production",
    "country": "Sweden",
    "country_code": "SE",
    "time_zone": "Europe/Stockholm",
    "primary_email": "owner@example.org",
    "primary_zuid": "20071234567",
    "created_time": "2021-05-04T08:00:00+02:00",
    "license_details": {
        "paid": True,
        "paid_type": "enterprise",
        "paid_expiry": "2026-11-30T00:00:00+01:00",
        "trial_type": None,
        "trial_expiry": None,
        "trial_action": None,
        "users_license_purchased": 14,
        "portal_users_license_purchased": 0,
    },
}
"""The sample of Zoho's page "Get organization data"."""

NO_SCOPE = ("OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE")


def answer(**keys: object) -> bytes:
    """The body of the documented answer, with these keys replaced."""
    return json.dumps({"org": [SAMPLE | keys]}).encode()


def read(body: bytes, status: int = 200) -> Company:
    company = parse_organization_response(status, body, "eu")
    assert company is not None
    return company


def problem_of(body: bytes, status: int = 200) -> Problem:
    with pytest.raises(ProblemError) as caught:
        parse_organization_response(status, body, "eu")
    return caught.value.problem


def test_the_documented_sample_is_read() -> None:
    assert read(answer()) == Company(
        name="Nordlys Tools AB",
        org_number="20098765432",
        country="Sweden",
        edition="enterprise",
        org_type="production",
        licence_expires_at=datetime(2026, 11, 30, tzinfo=timezone(timedelta(hours=1))),
    )


@pytest.mark.parametrize(
    ("key", "part"),
    [("company_name", "name"), ("zgid", "org_number"), ("country", "country"), ("type", "org_type")],
)
@pytest.mark.parametrize("missing", [None, ""])
def test_any_of_it_may_be_missing(key: str, part: str, missing: object) -> None:
    assert getattr(read(answer(**{key: missing})), part) is None
    whole = {name: value for name, value in SAMPLE.items() if name != key}
    assert getattr(read(json.dumps({"org": [whole]}).encode()), part) is None


@pytest.mark.parametrize("licence", [None, [], "enterprise", {}, {"paid_type": None}], ids=repr)
def test_an_edition_that_is_not_shown_is_none(licence: object) -> None:
    found = read(answer(license_details=licence))
    assert (found.edition, found.licence_expires_at, found.included_backups) == (None, None, None)


@pytest.mark.parametrize(
    "expiry",
    [None, "", "2026-11-30", "2026-11-30T00:00:00", "never", 7, True, ["2026"], {}, "9999-01-01T00:00:00Z"],
    ids=repr,
)
def test_an_end_of_the_licence_that_cannot_be_read_is_none_and_no_error(expiry: object) -> None:
    found = read(answer(license_details={"paid_type": "enterprise", "paid_expiry": expiry}))
    assert (found.edition, found.licence_expires_at) == ("enterprise", None)


@pytest.mark.parametrize(
    ("edition", "included"),
    [
        ("free", 0),
        ("Free", 0),
        ("zohocrm_free", 0),
        ("standard", 2),
        ("professional", 2),
        ("enterprise", 2),
        ("ENTERPRISE", 2),
        ("zohooneenterprise", 2),
        ("Zoho One", 2),
        ("zoho_one", 2),
        ("crmplus", 2),
        ("CRM Plus", 2),
        ("ultimate", 4),
        ("Ultimate", 4),
        ("zohooneultimate", 4),
        ("crmplus_ultimate", 4),
        ("bigin", None),
        ("express", None),
        ("究極", None),
        ("", None),
        (None, None),
    ],
)
def test_an_edition_shows_how_many_backups_a_month_it_includes(
    edition: str | None, included: int | None
) -> None:
    assert make_company(edition).included_backups == included


def test_a_number_of_json_keeps_all_its_digits() -> None:
    assert read(answer(zgid=20098765432109876543210)).org_number == "20098765432109876543210"


def test_of_several_orgs_the_first_is_that_of_the_token() -> None:
    body = json.dumps({"org": [SAMPLE, SAMPLE | {"company_name": "Other"}]}).encode()
    assert read(body).name == "Nordlys Tools AB"


def test_every_text_is_cleaned() -> None:
    found = read(answer(company_name="Evil\x1b]52;c;\n[@click=app.quit]Ltd", country="\u202eneedewS"))
    assert found.name == "Evil]52;c; [@click=app.quit]Ltd"
    assert found.country == "needewS"


# Without the scope, and other errors


@pytest.mark.parametrize("code", NO_SCOPE)
@pytest.mark.parametrize("status", [200, 401, 403])
def test_without_the_scope_there_is_a_name_less_and_no_error(code: str, status: int) -> None:
    body = json.dumps({"code": code, "details": {}, "message": "invalid oauth scope", "status": "error"})
    assert parse_organization_response(status, body.encode(), "eu") is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"org": null}',
        b'{"org": []}',
        b'{"org": {}}',
        b'{"org": "acme"}',
        b'{"org": [null]}',
        b'{"org": ["acme"]}',
        b'{"org": [[]]}',
        b"[]",
        b"",
        PAGE,
    ],
)
def test_any_other_answer_breaks_the_contract(body: bytes) -> None:
    problem = problem_of(body)
    assert (problem.kind, problem.final) == ("contract", False)


def test_an_answer_without_a_body_is_no_company() -> None:
    problem = problem_of(b"", 204)
    assert (problem.kind, problem.http_status) == ("contract", 204)


# Texts


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (make_company(), "Nordlys Tools AB · Sweden · enterprise"),
        (make_company(None, country=None), "Nordlys Tools AB"),
        (make_company(name=None), "a company without a name · Sweden · enterprise"),
        (Problem("network", "Zoho cannot be reached.", ""), "not told: Zoho cannot be reached."),
        (None, "not told: the sign-in lacks the scope ZohoCRM.org.READ"),
    ],
)
def test_whose_org_it_is_is_said_in_words_or_why_not(known: Company | Problem | None, words: str) -> None:
    assert describe_company(known) == words

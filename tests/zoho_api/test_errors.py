"""Problems for the errors of the API hosts: each has its own message and hint, short enough for a panel."""

from __future__ import annotations

from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.model.problem import Problem, ProblemKind
from zbtui.model.text import clean
from zbtui.zoho_api.errors import (
    BACKUP_SCOPE,
    INVALID_TOKEN_CODES,
    OLD_ANSWER_PROBLEM,
    api_problem,
    contract_problem,
    data_center_label,
    status_problem,
)

API_ERRORS: list[tuple[int, str, ProblemKind, bool]] = [
    (401, "INVALID_TOKEN", "auth", False),
    (401, "INVALID_OAUTHTOKEN", "auth", False),
    (401, "AUTHENTICATION_FAILURE", "auth", False),
    (401, "OAUTH_SCOPE_MISMATCH", "auth", True),
    (401, "INVALID_OAUTHSCOPE", "auth", True),
    (403, "NO_PERMISSION", "permission", True),
    (400, "AUTHORIZATION_FAILED", "permission", True),
    (403, "NOT_ALLOWED", "permission", True),
    (403, "FEATURE_NOT_SUPPORTED", "permission", True),
    (400, "FEATURE_NOT_SUPPORTED", "permission", True),
    (403, "FEATURE_NOT_ENABLED", "permission", True),
    (400, "LICENSE_LIMIT_EXCEEDED", "permission", True),
    (403, "FORBIDDEN", "permission", True),
    (404, "INVALID_URL_PATTERN", "contract", False),
    (401, "URL_RULE_NOT_CONFIGURED", "contract", False),
    (400, "INVALID_HOST", "contract", False),
    (400, "API_NOT_SUPPORTED", "contract", False),
    (400, "INVALID_REQUEST_METHOD", "contract", False),
    (429, "TOO_MANY_REQUESTS", "throttled", False),
    (500, "INTERNAL_ERROR", "server", False),
    (500, "INTERNAL_SERVER_ERROR", "server", False),
]
"""Status and code as in Zoho's "Status codes", kind, and whether the problem is final."""

UNNAMED: list[tuple[int, ProblemKind, bool]] = [
    (302, "contract", False),
    (304, "contract", False),
    (400, "contract", False),
    (401, "auth", False),
    (404, "contract", False),
    (405, "contract", False),
    (413, "contract", False),
    (415, "contract", False),
    (429, "throttled", False),
    (500, "server", False),
    (502, "server", False),
    (503, "server", False),
    (504, "server", False),
]
"""Statuses without a code, or with an undocumented one; kind, and whether the problem is final."""

API_ACCESS: list[object] = [
    {"permissions": ["Crm_Implied_Api_Access"]},
    {"permissions_needed": ["Crm_Implied_Api_Access"]},
    {"permissions": "Crm_Implied_Api_Access"},
]
DETAILS: list[object] = [
    {},
    [],
    None,
    "",
    7,
    {"permissions": []},
    {"permissions": None},
    {"permissions": {"odd": 1}},
    {"permissions": [{"odd": 1}, None, ["x"]]},
    {"permissions_needed": ["Crm_Implied_View_Backup"]},
    {"method": "GET", "url": "/crm/bulk/v7/backup"},
]


def full_text(problem: Problem) -> str:
    return f"{problem.message} {problem.hint}"


# The API host


@pytest.mark.parametrize(("status", "code", "kind", "final"), API_ERRORS)
def test_every_code_of_the_api_host_is_known(
    status: int, code: str, kind: ProblemKind, final: bool
) -> None:
    problem = api_problem(status, {"code": code, "details": {}, "message": "", "status": "error"}, "eu")
    assert (problem.kind, problem.final) == (kind, final)
    assert (problem.code, problem.http_status) == (code, status)
    assert problem.retry_at is None
    assert not problem.forbids_early_retry


@pytest.mark.parametrize(("status", "code"), [row[:2] for row in API_ERRORS])
def test_a_known_code_is_a_sentence_and_not_a_bare_code(status: int, code: str) -> None:
    problem = api_problem(status, {"code": code}, "eu")
    assert code not in full_text(problem)
    assert problem.message.endswith(".")
    assert problem.hint
    assert full_text(problem) != full_text(api_problem(status, {}, "eu")) or status == 429


@pytest.mark.parametrize("details", DETAILS, ids=repr)
@pytest.mark.parametrize(("status", "code"), [row[:2] for row in API_ERRORS])
def test_odd_details_change_nothing(status: int, code: str, details: object) -> None:
    plain = api_problem(status, {"code": code}, "eu")
    assert api_problem(status, {"code": code, "details": details}, "eu") == plain


@pytest.mark.parametrize("message", ["invalid oauth token", "ungültiges Token", "无效令牌", 7, None, ["x"]])
def test_zohos_own_message_decides_nothing_and_is_not_shown(message: object) -> None:
    plain = api_problem(401, {"code": "INVALID_TOKEN"}, "eu")
    assert api_problem(401, {"code": "INVALID_TOKEN", "message": message}, "eu") == plain


@pytest.mark.parametrize(
    "code", ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "INVALID_URL_PATTERN", "INVALID_HOST"]
)
@pytest.mark.parametrize(
    ("data_center", "named"), [("eu", "EU"), ("us", "US"), ("cn", "CN"), ("custom", "custom")]
)
def test_what_a_wrong_data_center_causes_names_the_data_center(
    code: str, data_center: str, named: str
) -> None:
    hint = api_problem(401, {"code": code}, data_center).hint
    assert named in hint
    assert "data center" in hint


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"])
def test_a_missing_scope_is_named(code: str) -> None:
    assert BACKUP_SCOPE == "ZohoCRM.bulk.backup.READ"
    assert BACKUP_SCOPE in full_text(api_problem(401, {"code": code}, "eu"))


def test_no_permission_means_no_administrator() -> None:
    assert "administrator" in full_text(api_problem(403, {"code": "NO_PERMISSION"}, "eu"))


@pytest.mark.parametrize("details", API_ACCESS, ids=repr)
def test_a_profile_without_api_access_is_distinguished(details: object) -> None:
    problem = api_problem(403, {"code": "NO_PERMISSION", "details": details}, "eu")
    assert "API access" in problem.message
    assert "Profiles" in problem.hint
    assert (problem.kind, problem.final, problem.code) == ("permission", True, "NO_PERMISSION")


def test_a_token_is_renewed_for_the_three_names_of_one_problem_only() -> None:
    assert {"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"} == INVALID_TOKEN_CODES


@pytest.mark.parametrize(("status", "kind", "final"), UNNAMED)
def test_a_status_without_a_code_is_judged_by_itself(status: int, kind: ProblemKind, final: bool) -> None:
    problem = api_problem(status, {}, "eu")
    assert (problem.kind, problem.final) == (kind, final)
    assert (problem.code, problem.http_status) == (None, status)


@pytest.mark.parametrize(("status", "kind", "final"), UNNAMED)
def test_a_code_that_is_not_documented_is_judged_by_its_status(
    status: int, kind: ProblemKind, final: bool
) -> None:
    problem = api_problem(status, {"code": "BRAND_NEW"}, "eu")
    assert (problem.kind, problem.final) == (kind, final)
    assert problem.code == "BRAND_NEW"
    assert "BRAND_NEW" in problem.message or status == 429 or 300 <= status < 400


@pytest.mark.parametrize(
    ("status", "elsewhere"), [(300, True), (302, True), (399, True), (299, False), (400, False)]
)
def test_a_redirection_is_shown_and_not_followed(status: int, elsewhere: bool) -> None:
    assert ("not followed" in api_problem(status, {}, "eu").message) is elsewhere


def test_a_code_is_shown_only_so_far() -> None:
    problem = api_problem(500, {"code": "X" * 1000}, "eu")
    assert problem.code is not None
    assert len(problem.code) == 60


def test_a_refusal_of_the_user_with_an_unknown_code_is_final() -> None:
    problem = api_problem(403, {"code": "BRAND_NEW"}, "eu")
    assert (problem.kind, problem.final) == ("permission", True)


# No error envelope at all

PAGE = b"<!DOCTYPE html><html><body>maintenance</body></html>"


@pytest.mark.parametrize("body", [b"", PAGE, b"upstream gone"], ids=["empty", "page", "text"])
@pytest.mark.parametrize(("status", "kind", "final"), UNNAMED)
def test_a_body_that_is_no_envelope_leaves_the_status_to_judge_by(
    status: int, kind: ProblemKind, final: bool, body: bytes
) -> None:
    problem = status_problem(status, body, "eu")
    assert (problem.kind, problem.final) == (kind, final)
    assert (problem.code, problem.http_status) == (None, status)


@pytest.mark.parametrize("body", [PAGE, b"", b"blocked by policy"], ids=["page", "empty", "text"])
def test_a_403_that_is_not_zohos_does_not_end_the_watch(body: bytes) -> None:
    assert not status_problem(403, body, "eu").final


@pytest.mark.parametrize("page", [PAGE, b"\n\n <html>", b"\xef\xbb\xbf<html>"])
def test_a_page_in_place_of_an_answer_is_shown_as_one(page: bytes) -> None:
    problem = status_problem(200, page, "eu")
    assert problem.kind == "contract"
    assert "web page" in problem.message


def test_anything_else_in_place_of_an_answer_breaks_the_contract() -> None:
    problem = status_problem(200, b"\x00\x01", "eu")
    assert (problem.kind, problem.final, problem.http_status) == ("contract", False, 200)


def test_a_bad_answer_is_no_fault_of_the_user() -> None:
    problem = contract_problem("has no backup in it")
    assert problem == Problem("contract", "Zoho's answer has no backup in it.", problem.hint, None, 200)


@pytest.mark.parametrize(
    ("data_center", "text"), [("eu", "EU"), ("us", "US"), ("sg", "SG"), ("custom", "custom")]
)
def test_a_data_center_is_written_as_people_read_it(data_center: str, text: str) -> None:
    assert data_center_label(data_center) == text


# All problems: length and text


def everything() -> list[Problem]:
    dc = "custom"  # the longest label
    return [
        OLD_ANSWER_PROBLEM,
        *(api_problem(status, {"code": code}, dc) for status, code, _, _ in API_ERRORS),
        *(api_problem(403, {"code": "NO_PERMISSION", "details": details}, dc) for details in API_ACCESS),
        *(api_problem(status, {}, dc) for status in (*(row[0] for row in UNNAMED), 403)),
        *(status_problem(200, body, dc) for body in (PAGE, b"{")),
    ]


def problem_id(problem: Problem) -> str:
    return f"{problem.http_status} {problem.code}"


@pytest.mark.parametrize("problem", everything(), ids=problem_id)
def test_sentence_and_cure_fit_the_smallest_useful_panel(problem: Problem) -> None:
    assert len(wrap(problem.message, 35)) + len(wrap(problem.hint, 35)) <= 5


@pytest.mark.parametrize("problem", everything(), ids=problem_id)
def test_no_placeholder_is_left_in_a_sentence(problem: Problem) -> None:
    assert not set("{}") & set(full_text(problem))


hostile = st.text(st.characters() | st.sampled_from("\x1b\u202e\ud800\n"), max_size=80)


@reproducible
@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["code", "details", "message"]), hostile | st.integers() | st.none()),
)
def test_every_sentence_about_the_api_host_is_clean(status: int, envelope: dict[str, object]) -> None:
    problem = api_problem(status, envelope, "eu")
    assert clean(full_text(problem), 1000) == full_text(problem)
    assert problem.http_status == status


@reproducible
@given(st.integers(100, 599), st.binary(max_size=300))
def test_every_body_is_explained(status: int, body: bytes) -> None:
    assert status_problem(status, body, "eu").http_status == status

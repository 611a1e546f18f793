"""All calls: their common errors, and that no bytes raise anything but a problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.samples import reproducible, zones
from tests.zoho_api import test_backup_details, test_history, test_links, test_organization
from tests.zoho_api.test_errors import API_ERRORS, PAGE
from zbtui.model.problem import ProblemError, ProblemKind
from zbtui.model.text import clean
from zbtui.zoho_api.backup_details import Backup, BackupState, parse_backup, parse_backup_response
from zbtui.zoho_api.errors import api_problem
from zbtui.zoho_api.history import HistoryPage, parse_entry, parse_history_response
from zbtui.zoho_api.links import Links, parse_links_response
from zbtui.zoho_api.organization import Company, parse_company, parse_organization_response


def check_texts(found: dict[str, Any]) -> None:
    texts = [text for text in found.values() if isinstance(text, str)]
    assert [clean(text) for text in texts] == texts


def check_backup(backup: Backup | None) -> None:
    if backup is not None:
        assert isinstance(backup.state, BackupState)
        assert backup.next_run is None or backup.scheduled_date is not None
        check_texts(backup.as_dict())
        assert parse_backup(backup.as_dict()) == backup, "what is kept reads back as the same"


def check_history(page: HistoryPage) -> None:
    assert not page.has_more or page.entries
    for one in page.entries:
        check_texts(one.as_dict())
        assert parse_entry(one.as_dict()) == one, "what is kept reads back as the same"


def check_links(links: Links) -> None:
    assert links.data_parts >= 0
    assert links.attachment_parts >= 0
    assert links.expires_at is None or links.expires_at.tzinfo is not None


def check_company(company: Company | None) -> None:
    if company is not None:
        check_texts(company.as_dict())
        assert "" not in company.as_dict().values()
        assert parse_company(company.as_dict()) == company, "what is kept reads back as the same"


@dataclass(frozen=True)
class Call:
    """A call: the parser of its answers, and a documented answer."""

    parse: Callable[[int, bytes, str], Any]
    check: Callable[[Any], None]
    subject: str
    """The key of the result at top level."""
    sample: dict[str, Any]
    """The object under `subject`, or the only one in the list there."""
    is_list: bool = False
    beside: Mapping[str, object] = field(default_factory=dict)
    """More keys at top level."""

    def wrap(self, *objects: object) -> bytes:
        """The body of an answer with these objects."""
        found = list(objects) if self.is_list else objects[0]
        return json.dumps({self.subject: found, **self.beside}).encode()

    def check_outcome(self, status: int, body: bytes) -> None:
        """Check that parsing gives a clean result, or a problem with this status."""
        try:
            found = self.parse(status, body, "eu")
        except ProblemError as error:
            assert error.problem.http_status == status
            assert error.problem.hint
            assert clean(error.problem.message, 1000) == error.problem.message
        else:
            assert status in (200, 204) or (self.subject == "org" and found is None)
            self.check(found)


BACKUP, HISTORY = json.loads(test_backup_details.SAMPLE)["backup"], test_history.SAMPLE["history"][0]
MORE = {"info": {"more_records": True}}
CALLS = {
    "backup": Call(parse_backup_response, check_backup, "backup", BACKUP),
    "history": Call(parse_history_response, check_history, "history", HISTORY, True, MORE),
    "links": Call(parse_links_response, check_links, "urls", test_links.SAMPLE),
    "organization": Call(parse_organization_response, check_company, "org", test_organization.SAMPLE, True),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
nested_or_not = pytest.mark.parametrize("nested", [False, True], ids=["on top", "nested"])


# Errors


@every_call
@pytest.mark.parametrize(("status", "code", "kind", "final"), API_ERRORS)
@nested_or_not
def test_every_error_is_found_wherever_zoho_puts_it(
    call: Call, status: int, code: str, kind: ProblemKind, final: bool, nested: bool
) -> None:
    envelope = {"code": code, "details": {}, "message": "", "status": "error"}
    body = json.dumps({call.subject: envelope} if nested else envelope).encode()
    if call.subject == "org" and code in test_organization.NO_SCOPE:
        assert call.parse(status, body, "eu") is None
        return
    with pytest.raises(ProblemError) as caught:
        call.parse(status, body, "eu")
    assert caught.value.problem == api_problem(status, envelope, "eu")
    assert (caught.value.problem.kind, caught.value.problem.final) == (kind, final)


@every_call
@pytest.mark.parametrize("status", [200, 201, 400])
@nested_or_not
def test_an_error_is_one_whatever_the_status(call: Call, status: int, nested: bool) -> None:
    envelope = {"code": "NO_PERMISSION", "details": {}, "message": "", "status": "error"}
    with pytest.raises(ProblemError) as caught:
        call.parse(status, json.dumps({call.subject: envelope} if nested else envelope).encode(), "eu")
    problem = caught.value.problem
    assert (problem.kind, problem.code, problem.http_status) == ("permission", "NO_PERMISSION", status)


STATUSES: list[tuple[int, ProblemKind]] = [
    *((status, "contract") for status in (201, 202, 206, 207, 302, 400, 404)),
    *((status, "server") for status in (500, 503)),
    (401, "auth"),
    (429, "throttled"),
]


@every_call
@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_only_200_carries_what_is_asked_for(call: Call, status: int, kind: ProblemKind) -> None:
    for body in (b"", b"{}", PAGE, b"[]", b"null", b'{"message": "no"}', call.wrap(call.sample)):
        with pytest.raises(ProblemError) as caught:
            call.parse(status, body, "eu")
        problem = caught.value.problem
        assert (problem.kind, problem.code, problem.http_status) == (kind, None, status)


# Any bytes

http_statuses = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["completed", "failure", "initiated"])
    | st.datetimes(timezones=zones).map(datetime.isoformat)
)


def json_values(call: Call) -> st.SearchStrategy[object]:
    """Any JSON, with the keys of this call more often than others."""
    words = [
        *call.sample,
        call.subject,
        "code",
        "details",
        "info",
        "more_records",
        "paid_type",
        "paid_expiry",
    ]
    keys = st.sampled_from([*words, "name", "zuid", "permissions"]) | st.text(max_size=5)
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner), max_leaves=20
    )


@every_call
@reproducible
@given(http_statuses, st.binary(max_size=200))
def test_no_bytes_cause_another_error(call: Call, status: int, body: bytes) -> None:
    call.check_outcome(status, body)


@every_call
@reproducible
@given(http_statuses, st.data(), st.booleans())
def test_no_json_causes_another_error(call: Call, status: int, data: st.DataObject, wrapped: bool) -> None:
    value = data.draw(json_values(call))
    call.check_outcome(status, call.wrap(value) if wrapped else json.dumps(value).encode())


@every_call
@reproducible
@given(http_statuses, st.data())
def test_no_keys_cause_another_error(call: Call, status: int, data: st.DataObject) -> None:
    values = json_values(call)
    objects = st.dictionaries(st.sampled_from([*call.sample]), values) | values
    call.check_outcome(status, call.wrap(*data.draw(st.lists(objects, min_size=1, max_size=4))))


@every_call
@reproducible
@given(st.integers(0, 900), st.binary(max_size=3), st.integers(0, 3))
def test_no_damage_to_an_answer_causes_another_error(
    call: Call, place: int, put: bytes, taken: int
) -> None:
    whole = call.wrap(call.sample)
    place %= len(whole)
    call.check_outcome(200, whole[:place] + put + whole[place + taken :])


@reproducible
@given(json_values(CALLS["backup"]))
@example({"requester": {}})
@example({"requester": {"id": None}})
def test_what_the_journal_gives_back_is_read_as_carefully(kept: object) -> None:
    try:
        backup = parse_backup(kept)
    except ProblemError as error:
        assert error.problem.kind == "contract"
    else:
        check_backup(backup)

"""Stand-ins replace all that identifies an org, and nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.demo.simulator import API_ERRORS, TOKEN_ERRORS
from zbtui.doctor.disguise import STAND_IN_LETTERS, Disguise, pieces_of
from zbtui.zoho_api.backup_details import _STATES_BY_WORD
from zbtui.zoho_api.errors import _API_ERRORS, SIGN_IN_SCOPES
from zbtui.zoho_api.history import _OUTCOMES, _START_ACTIONS
from zbtui.zoho_api.organization import _INCLUDED_BY_EDITION
from zbtui.zoho_api.sign_in_errors import _ALIASES, _ERRORS

SHIFT = timedelta(weeks=-20)


def disguised(value: Any) -> Any:
    return Disguise([json.dumps(value, ensure_ascii=False)], SHIFT).value(value)


JOB = {
    "id": "5100000000412007",
    "status": "SCHEDULED",
    "rrule": "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=4TH",
    "start_date": "2026-03-03T09:30:00+01:00",
    "scheduled_date": "2026-11-24T09:30:00+01:00",
    "requester": {"id": "5100000000031009", "name": "Mara Lindqvist", "zuid": "20071234567"},
}


def test_a_job_keeps_its_shape_its_words_and_the_distances_of_its_dates() -> None:
    assert disguised({"backup": JOB}) == {
        "backup": {
            "id": "9000000000000000",
            "status": "SCHEDULED",
            "rrule": "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=4TH",
            "start_date": "2025-10-14T09:30:00+01:00",
            "scheduled_date": "2026-07-07T09:30:00+01:00",
            "requester": {"id": "9000000000000001", "name": "Xxxx Xxxxxxxxxx", "zuid": "90000000000"},
        }
    }


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("state", "completed"),
        ("state", "failure"),
        ("state", "aborted"),
        ("action", "initiated"),
        ("repeat_type", "biweekly"),
        ("status", "IN_PROGRESS"),
        ("status", "PAYMENT_FAILED"),
        ("code", "OAUTH_SCOPE_MISMATCH"),
        ("code", "INVALID_URL_PATTERN"),
        ("code", "BACKUP_ALREADY_SCHEDULED"),
        ("error", "invalid_client_secret"),
        ("error", "Access Denied"),
        ("error", "拒绝访问"),
        ("status", "failure"),
        ("permissions", "Crm_Implied_Api_Access"),
        ("scope", "ZohoCRM.bulk.backup.READ ZohoCRM.org.READ"),
        ("token_type", "Bearer"),
        ("paid_type", "zohooneenterprise"),
        ("type", "production"),
        ("api_domain", "https://www.zohoapis.com.au"),
    ],
)
def test_words_of_zohos_are_kept_where_a_verdict_stands_on_them(key: str, text: str) -> None:
    assert disguised({key: text}) == {key: text}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("status", [*_STATES_BY_WORD]),
        ("code", [*API_ERRORS, *_API_ERRORS]),
        ("error", sorted(TOKEN_ERRORS | set(_ERRORS) | set(_ALIASES))),
        ("state", [*_OUTCOMES]),
        ("action", sorted(filter(None, _START_ACTIONS))),
        ("paid_type", [*_INCLUDED_BY_EDITION]),
        ("scope", [SIGN_IN_SCOPES]),
    ],
)
def test_every_word_that_the_program_knows_is_kept(key: str, words: list[str]) -> None:
    assert disguised([{key: word} for word in words]) == [{key: word} for word in words]


@pytest.mark.parametrize(
    "value",
    [None, True, False, {}, [], "", 0, 7, {"count": 12}, {"per_page": 200}, {"expires_in": 3600000}],
)
def test_what_identifies_nobody_stays(value: Any) -> None:
    assert disguised(value) == value


def test_a_word_that_is_no_word_of_zohos_is_replaced_even_as_a_status() -> None:
    assert disguised({"status": "NORDLYS"})["status"] == "XXXXXXXX"


@pytest.mark.parametrize("text", ["2026-03-03T09:30:00", "2026-03-03T09:30:00Z", "2026-03-03"])
def test_a_date_keeps_its_form(text: str) -> None:
    assert disguised({"start_date": text})["start_date"] == "2025-10-14" + text[10:]


@pytest.mark.parametrize("text", ["2026-02-30T09:30:00+01:00", "0001-01-01", "3 March 2026", "2026030309"])
def test_what_is_no_date_is_not_shown_as_one(text: str) -> None:
    assert disguised({"start_date": text})["start_date"] != text
    assert len(disguised({"start_date": text})["start_date"]) >= len(text) - 2


def test_the_org_number_is_the_same_wherever_it_stands() -> None:
    link = "https://download-accl.zoho.eu/v2/crm/20098765432/backup/5100000000412007/Data_001.zip"
    answer = disguised(
        {"zgid": "20098765432", "domain_name": "org20098765432", "id": 20098765432, "data_links": [link]}
    )
    number = answer["zgid"]
    assert answer["domain_name"].endswith(number) and answer["id"] == int(number)
    assert answer["data_links"][0].startswith(
        f"https://download-accl.zoho.eu/v2/crm/{number}/backup/90000000000000"
    )
    assert answer["data_links"][0].endswith("/Data_001.zip")


@pytest.mark.parametrize(
    "url", ["https://crm.acme.example/Nordlys", "https://zoho.eu/%4e%6f%72%64?name=nordlys#acme"]
)
def test_what_is_not_zohos_in_an_address_is_replaced(url: str) -> None:
    text = disguised({"link": url})["link"].lower()
    assert text.startswith("https://")
    assert not any(word in text for word in ("acme", "example", "nordlys", "4e", "72"))


def test_an_unknown_key_is_replaced_and_a_known_one_in_any_spelling_is_not() -> None:
    answer = disguised({"errorCode": None, "error_code": None, "acme_ab": None, "Nordlys": None})
    assert [*answer][:2] == ["errorCode", "error_code"]
    assert not {"acme_ab", "Nordlys"} & set(answer)


# Planted words

ALPHABETS = ("abcdefgh", "ABCÄÖÜ", "0123456789", "日本語東京", "אבגדהוש", "йцукен", "a1B2_-. ")
KEYS = (
    "id",
    "name",
    "zuid",
    "status",
    "code",
    "error",
    "message",
    "done_by",
    "rrule",
    "scope",
    "data_links",
)
planted = (
    st.sampled_from(ALPHABETS)
    .flatmap(lambda letters: st.text(letters, min_size=5, max_size=30))
    .filter(lambda text: any(len(run) >= 4 for run in pieces_of(text)))
)
keys = st.sampled_from(KEYS)


def identifying_words(text: str) -> list[str]:
    """The words of a text that no stand-in can contain by chance."""
    return [
        word
        for word in pieces_of(text)
        if len(word) >= 4 and not set(word.casefold()) <= set(STAND_IN_LETTERS + "90")
    ]


@reproducible
@given(
    st.recursive(
        planted | st.builds("https://{}.example/{}".format, planted, planted),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | planted, inner, max_size=4),
        max_leaves=12,
    )
)
def test_no_word_of_any_answer_is_left(value: Any) -> None:
    disguised_text = json.dumps(disguised(value), ensure_ascii=False).casefold()
    for word in identifying_words(json.dumps(value, ensure_ascii=False)):
        if word not in ("https", *"_".join(KEYS).split("_")):
            assert word.casefold() not in disguised_text, word


@reproducible
@given(st.lists(planted | st.integers(10, 10**18), min_size=2, max_size=30, unique=True))
def test_the_same_value_has_the_same_stand_in_and_another_another(values: list[Any]) -> None:
    found = disguised([*values, *values])
    assert found[: len(values)] == found[len(values) :]
    plain = [value for value in values if isinstance(value, int) or value.isalnum()]
    images = [found[values.index(value)] for value in plain]
    assert len({str(image).casefold() for image in images}) == len(plain)
    for value, image in zip(values, found, strict=False):
        assert type(image) is type(value)
        if isinstance(value, int):
            assert len(str(image)) >= len(str(value))


@reproducible
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
    st.sampled_from(["+01:00", "-08:00", "+05:30", "Z", ""]),
)
def test_the_distance_of_two_dates_stays(one: datetime, other: datetime, offset: str) -> None:
    texts = [f"{moment.isoformat(timespec='seconds')}{offset}" for moment in (one, other)]
    moved = [datetime.fromisoformat(text) for text in disguised(texts)]
    before = [datetime.fromisoformat(text) for text in texts]
    assert moved[0] - moved[1] == before[0] - before[1]
    assert [moment.utcoffset() for moment in moved] == [moment.utcoffset() for moment in before]
    assert [moment.weekday() for moment in moved] == [moment.weekday() for moment in before]

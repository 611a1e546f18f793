"""What is configured of an org."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta

import pytest

from tests.core.build import ORG
from zbtui.core.org import Org, Policy

FULL = Org(
    "acme",
    "custom",
    "1000.ACME",
    "client-credentials",
    "ZohoCRM.20098765432",
    "https://accounts.example.com",
    "https://api.example.com",
)


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, data_center="eu"),
        replace(FULL, client_id="1000.OTHER"),
        replace(FULL, soid="ZohoCRM.1"),
        replace(FULL, accounts_url="https://other.example.com"),
        replace(FULL, api_url="https://other.example.com"),
        replace(FULL, accounts_url=FULL.api_url, api_url=FULL.accounts_url),
        replace(FULL, soid=None),
        replace(FULL, api_url=None),
    ],
)
def test_an_org_that_signs_in_elsewhere_or_otherwise_is_another_one(other: Org) -> None:
    assert other.identity != FULL.identity


def test_an_org_that_was_only_renamed_is_the_same() -> None:
    assert replace(FULL, name="acme ltd").identity == FULL.identity


def test_an_org_signs_in_with_a_refresh_token_unless_told_otherwise() -> None:
    assert ORG.grant == "refresh-token"


def test_the_policy_is_the_documented_one_unless_configured() -> None:
    assert Policy() == Policy(
        every=timedelta(minutes=5),
        near_every=timedelta(seconds=30),
        overdue_after=timedelta(hours=6),
        long_run_after=timedelta(hours=12),
    )


@pytest.mark.parametrize("value", [ORG, Policy()], ids=["org", "policy"])
def test_configuration_is_never_changed_in_place(value: Org | Policy) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)

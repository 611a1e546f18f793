"""The configuration of an org."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import DAY, HOUR, MINUTE, ORG, policies, reproducible
from zbtui.model.org import GRANTS, SIGN_IN_METHODS, Grant, Org, SignInMethod, grant_for, merge_edit
from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy

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


def test_an_org_that_is_only_watched_at_another_pace_is_the_same() -> None:
    assert replace(FULL, policy_overrides=(("every", HOUR),)).identity == FULL.identity


def test_an_org_signs_in_with_a_refresh_token_unless_set_otherwise() -> None:
    assert ORG.grant == "refresh-token"


def test_the_policy_is_the_documented_one_unless_configured() -> None:
    assert WatchPolicy() == WatchPolicy(
        every=timedelta(minutes=5),
        near_every=timedelta(seconds=30),
        overdue_after=timedelta(hours=6),
        long_run_after=timedelta(hours=12),
    )


@pytest.mark.parametrize("value", [ORG, WatchPolicy()], ids=["org", "policy"])
def test_configuration_is_never_changed_in_place(value: Org | WatchPolicy) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


LABELS = [{"mute": True}, {"tags": ("prod",)}, {"accent": "blue"}, {"mute": True, "tags": ("a", "b")}]


@pytest.mark.parametrize("labels", LABELS)
def test_what_people_see_of_an_org_makes_no_other_watch(labels: dict[str, Any]) -> None:
    labelled = replace(FULL, **labels)
    assert labelled.differs_only_in_labels(FULL) and FULL.differs_only_in_labels(labelled)
    assert labelled.identity == FULL.identity


@pytest.mark.parametrize(
    "keys",
    [
        {"name": "b"},
        {"client_id": "1000.B"},
        {"grant": "refresh-token"},
        {"policy_overrides": (("every", HOUR),)},
    ],
)
def test_an_org_that_is_asked_otherwise_is_another_watch(keys: dict[str, Any]) -> None:
    assert not replace(FULL, **keys, tags=("prod",)).differs_only_in_labels(FULL)


# Sign-in methods


def test_every_sign_in_method_and_grant_can_be_chosen() -> None:
    assert set(SIGN_IN_METHODS) == set(get_args(SignInMethod))
    assert set(GRANTS) == set(get_args(Grant))


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
def test_every_sign_in_method_but_client_credentials_ends_in_a_refresh_token(method: SignInMethod) -> None:
    expected = "client-credentials" if method == "client-credentials" else "refresh-token"
    assert grant_for(method) == expected


# An org's own policy

spans = st.timedeltas(MINUTE, 30 * DAY)


def test_an_org_that_sets_nothing_itself_is_watched_by_the_policy_of_all() -> None:
    policy = WatchPolicy(every=HOUR)
    assert ORG.own_policy(policy) is policy


@reproducible
@given(policies, st.dictionaries(st.sampled_from(POLICY_KEYS), spans))
def test_what_an_org_sets_itself_counts_and_the_rest_is_that_of_all(
    policy: WatchPolicy, own: dict[str, timedelta]
) -> None:
    found = replace(ORG, policy_overrides=tuple(own.items())).own_policy(policy)
    for key in POLICY_KEYS:
        assert getattr(found, key) == own.get(key, getattr(policy, key))


@reproducible
@given(policies, st.dictionaries(st.sampled_from(POLICY_KEYS), spans))
def test_an_orgs_own_policy_counts_once_however_often_it_is_asked_for(
    policy: WatchPolicy, own: dict[str, timedelta]
) -> None:
    org = replace(ORG, policy_overrides=tuple(own.items()))
    assert org.own_policy(org.own_policy(policy)) == org.own_policy(policy)


def test_what_others_changed_meanwhile_stays_when_an_org_is_changed() -> None:
    opened = Org("acme", "eu", "1000.A", policy_overrides=(("every", timedelta(minutes=5)),))
    current = replace(opened, client_id="1000.B", policy_overrides=(("overdue_after", timedelta(hours=2)),))
    changed = replace(opened, name="acme ltd", policy_overrides=(("every", timedelta(minutes=9)),))
    after = merge_edit(current, opened, changed)
    spans = (("every", timedelta(minutes=9)), ("overdue_after", timedelta(hours=2)))
    assert after == Org("acme ltd", "eu", "1000.B", policy_overrides=spans)
    assert merge_edit(opened, opened, changed) == changed
    assert merge_edit(current, opened, opened) == current


def test_tags_that_others_gave_meanwhile_stay_unless_they_are_what_is_changed() -> None:
    opened = Org("acme", "eu", "1000.A", tags=("prod",))
    current = replace(opened, tags=("prod", "nordics"), accent="blue")
    assert merge_edit(current, opened, replace(opened, mute=True)) == replace(current, mute=True)
    assert merge_edit(current, opened, replace(opened, tags=())) == replace(current, tags=())
    assert merge_edit(current, replace(opened, accent="red"), opened) == replace(current, accent=None)

"""The address of an org's CRM: only Zoho's hosts, and only a number in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.samples import ORG, make_company
from tests.support.snapshots import build_snapshot
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import CUSTOM_DATA_CENTER
from zbtui.presentation.crm_page import crm_url
from zbtui.zoho_api.data_centers import DATA_CENTERS


@pytest.mark.parametrize("key", DATA_CENTERS)
def test_it_is_at_the_data_centers_own_domain(key: str) -> None:
    domain = DATA_CENTERS[key].accounts_url.removeprefix("https://accounts.")
    assert crm_url(Snapshot(replace(ORG, data_center=key))) == f"https://crm.{domain}/crm/"


def test_of_a_custom_data_center_it_is_not_known() -> None:
    assert crm_url(Snapshot(replace(ORG, data_center=CUSTOM_DATA_CENTER))) is None


@pytest.mark.parametrize(
    ("number", "path"),
    [
        ("20098765432", "org20098765432/"),
        (None, ""),
        ("../../evil", ""),
        ("1@evil.example", ""),
        ("-1", ""),
        ("²", ""),
        ("٣", ""),
    ],
)
def test_the_orgs_number_is_in_it_where_it_is_one(number: str | None, path: str) -> None:
    known = build_snapshot(ORG, company=make_company(org_number=number))
    assert crm_url(known) == f"https://crm.zoho.eu/crm/{path}"

"""Whose org it is: the answer of `GET /crm/v7/org` ("Get organization data")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zbtui.core.backup import parse_moment
from zbtui.core.envelope import error_in, load_answer, text_of
from zbtui.core.explain import LACKS_SCOPE, bad_answer, explain_api
from zbtui.core.trouble import Trouble, TroubleError


@dataclass(frozen=True, slots=True)
class Company:
    """What tells one org from another. Any of it may be missing."""

    name: str | None
    """`company_name`."""
    number: str | None
    """`zgid`: as in `soid`, and in the address bar."""
    country: str | None
    edition: str | None
    """`license_details.paid_type`."""
    kind: str | None
    """`production`, `sandbox`, `developer` …"""
    licence_ends: datetime | None = None
    """`license_details.paid_expiry`."""

    @property
    def included(self) -> int | None:
        """Backups a month that the edition includes ("Requesting data backup"); None: it is not known."""
        edition = (self.edition or "").lower().replace(" ", "").replace("_", "")
        return next((runs for word, runs in _INCLUDED.items() if word in edition), None)

    def as_dict(self) -> dict[str, Any]:
        """As `read_company` reads it."""
        return {
            "company_name": self.name,
            "zgid": self.number,
            "country": self.country,
            "type": self.kind,
            "license_details": {
                "paid_type": self.edition,
                "paid_expiry": self.licence_ends and self.licence_ends.isoformat(),
            },
        }


# Names of editions come alone and in compounds (`zohooneenterprise`); the first that is in it counts.
_INCLUDED: Final = {
    "free": 0,
    "ultimate": 4,
    "standard": 2,
    "professional": 2,
    "enterprise": 2,
    "zohoone": 2,
    "crmplus": 2,
}


def whose_org(company: Company | Trouble | None) -> str:
    """Whose org it is, in words; why that cannot be told, where it cannot (None: no scope for it)."""
    if company is None:
        return "not told: the sign-in lacks the scope ZohoCRM.org.READ"
    if isinstance(company, Trouble):
        return f"not told: {company.message}"
    told = (company.name or "a company without a name", company.country, company.edition)
    return " · ".join(part for part in told if part)


def parse_company(status: int, body: bytes, data_center: str) -> Company | None:
    """The org of the token; None: the sign-in lacks the scope to see it.

    Args:
        data_center: the org's, for sentences that name it.

    Raises:
        TroubleError: an error of Zoho's, or an answer that is not what is documented.
    """
    answer = load_answer(status, body, data_center)
    refused = error_in(answer, "org")
    if refused and refused["code"] in LACKS_SCOPE:
        return None
    if refused or status != 200:
        raise TroubleError(explain_api(status, refused or {}, data_center))
    orgs = answer.get("org")
    org = orgs[0] if isinstance(orgs, list) and orgs else None
    return read_company(org)


def read_company(org: object) -> Company:
    """The one object in the list under `org`.

    Raises:
        TroubleError: of kind `contract`.
    """
    if not isinstance(org, Mapping):
        raise TroubleError(bad_answer("has no org in it"))
    told = org.get("license_details")
    licence: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    return Company(
        text_of(org, "company_name"),
        text_of(org, "zgid"),
        text_of(org, "country"),
        text_of(licence, "paid_type"),
        text_of(org, "type"),
        _date_of(licence, "paid_expiry"),
    )


def _date_of(licence: Mapping[str, Any], key: str) -> datetime | None:
    """None where it cannot be read, too: nothing hangs on it but a notice."""
    try:
        return parse_moment(text_of(licence, key))
    except TroubleError:
        return None

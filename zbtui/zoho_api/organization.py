"""Parses the answer of `GET /crm/v7/org` ("Get organization data"): the company of an org."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho_api.backup_details import parse_datetime
from zbtui.zoho_api.envelope import find_error, parse_response_object, read_text
from zbtui.zoho_api.errors import MISSING_SCOPE_CODES, api_problem, contract_problem


@dataclass(frozen=True, slots=True)
class Company:
    """The company that a Zoho CRM org belongs to. Any value may be missing."""

    name: str | None
    """The company's name: Zoho's `company_name`."""
    org_number: str | None
    """The org number: Zoho's `zgid`, which is also in `soid` and in the CRM's URL."""
    country: str | None
    edition: str | None
    """The edition of Zoho CRM: Zoho's `license_details.paid_type`, such as `enterprise`."""
    org_type: str | None
    """The type of the org: Zoho's `type`, such as `production`, `sandbox` or `developer`."""
    licence_expires_at: datetime | None = None
    """The time when the licence ends: Zoho's `license_details.paid_expiry`."""

    @property
    def included_backups(self) -> int | None:
        """The backups a month that the edition includes ("Requesting data backup"); None if unknown."""
        edition = (self.edition or "").lower().replace(" ", "").replace("_", "")
        return next((runs for word, runs in _INCLUDED_BY_EDITION.items() if word in edition), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the company in Zoho's JSON form, which `parse_company` reads."""
        return {
            "company_name": self.name,
            "zgid": self.org_number,
            "country": self.country,
            "type": self.org_type,
            "license_details": {
                "paid_type": self.edition,
                "paid_expiry": self.licence_expires_at and self.licence_expires_at.isoformat(),
            },
        }


# Zoho's edition names may be compounds (`zohooneenterprise`); the first word found in one counts.
_INCLUDED_BY_EDITION: Final = {
    "free": 0,
    "ultimate": 4,
    "standard": 2,
    "professional": 2,
    "enterprise": 2,
    "zohoone": 2,
    "crmplus": 2,
}


def describe_company(company: Company | Problem | None) -> str:
    """Return the company in words, or why it is unknown.

    None means that the sign-in lacks the scope, a `Problem` that the request failed.
    """
    if company is None:
        return "not told: the sign-in lacks the scope ZohoCRM.org.READ"
    if isinstance(company, Problem):
        return f"not told: {company.message}"
    parts = (company.name or "a company without a name", company.country, company.edition)
    return " · ".join(part for part in parts if part)


def parse_organization_response(status: int, body: bytes, data_center: str) -> Company | None:
    """Parse the answer about the org of the access token; None if the sign-in lacks the scope.

    Raises a `ProblemError` for another error from Zoho, and for an answer of another form.
    """
    answer = parse_response_object(status, body, data_center)
    error = find_error(answer, "org")
    if error and error["code"] in MISSING_SCOPE_CODES:
        return None
    if error or status != 200:
        raise ProblemError(api_problem(status, error or {}, data_center))
    orgs = answer.get("org")
    return parse_company(orgs[0] if isinstance(orgs, list) and orgs else None)


def parse_company(org: object) -> Company:
    """Parse one entry of the list under the key `org`.

    Raises a `ProblemError` of kind `contract` if the entry is not an object.
    """
    if not isinstance(org, Mapping):
        raise ProblemError(contract_problem("has no org in it"))
    details = org.get("license_details")
    licence: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
    return Company(
        read_text(org, "company_name"),
        read_text(org, "zgid"),
        read_text(org, "country"),
        read_text(licence, "paid_type"),
        read_text(org, "type"),
        parse_datetime(read_text(licence, "paid_expiry")),
    )

"""The company of an org: the answer of `GET /crm/v7/org` ("Get organization data")."""

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
    """The company that an org belongs to. Any value may be missing."""

    name: str | None
    """`company_name`."""
    org_number: str | None
    """`zgid`: the number in `soid` and in the CRM's URL."""
    country: str | None
    edition: str | None
    """`license_details.paid_type`."""
    org_type: str | None
    """`production`, `sandbox`, `developer` …"""
    licence_expires_at: datetime | None = None
    """`license_details.paid_expiry`."""

    @property
    def included_backups(self) -> int | None:
        """How many backups a month the edition includes ("Requesting data backup"); None if unknown."""
        edition = (self.edition or "").lower().replace(" ", "").replace("_", "")
        return next((runs for word, runs in _INCLUDED_BY_EDITION.items() if word in edition), None)

    def as_dict(self) -> dict[str, Any]:
        """The inverse of `parse_company`."""
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
    """The company in words, or why the company is unknown (None: the scope is missing)."""
    if company is None:
        return "not told: the sign-in lacks the scope ZohoCRM.org.READ"
    if isinstance(company, Problem):
        return f"not told: {company.message}"
    parts = (company.name or "a company without a name", company.country, company.edition)
    return " · ".join(part for part in parts if part)


def parse_organization_response(status: int, body: bytes, data_center: str) -> Company | None:
    """The company of the token's org; None if the sign-in lacks the scope. Raises `ProblemError`."""
    answer = parse_response_object(status, body, data_center)
    error = find_error(answer, "org")
    if error and error["code"] in MISSING_SCOPE_CODES:
        return None
    if error or status != 200:
        raise ProblemError(api_problem(status, error or {}, data_center))
    orgs = answer.get("org")
    return parse_company(orgs[0] if isinstance(orgs, list) and orgs else None)


def parse_company(org: object) -> Company:
    """The company in one entry of the list under `org`. Raises a `ProblemError` of kind `contract`."""
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

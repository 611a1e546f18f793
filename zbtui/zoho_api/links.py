"""Parses the answer of `GET /crm/bulk/v7/backup/urls` ("Get backup URLs"): shows if the files still exist.

The URLs themselves are not kept: zbtui never downloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.model.problem import ProblemError
from zbtui.zoho_api.backup_details import parse_datetime
from zbtui.zoho_api.envelope import read_text, unwrap_response
from zbtui.zoho_api.errors import contract_problem

LINKS_LIFETIME: Final = timedelta(days=7)
"""The longest time that a download link works after its backup ("Requesting data backup")."""


@dataclass(frozen=True, slots=True)
class Links:
    """The download links of the latest backup. `Links()` means that there are none, for whatever reason."""

    data_parts: int = 0
    """The number of files with records, one link each."""
    attachment_parts: int = 0
    """The number of files with attachments, one link each."""
    expires_at: datetime | None = None
    """The moment after which the files are gone; None if Zoho sends no readable date."""

    @property
    def are_available(self) -> bool:
        return bool(self.data_parts or self.attachment_parts or self.expires_at)


def parse_links_response(status: int, body: bytes, data_center: str) -> Links:
    """Parse one answer to the request for download links.

    HTTP 204 means that there are no links: before the first run, during a run, or after expiry. Raises a
    `ProblemError` for an error from Zoho, and for an answer of another form.
    """
    answer = unwrap_response(status, body, "urls", data_center)
    urls = answer.get("urls") or {}
    if not isinstance(urls, Mapping):
        raise ProblemError(contract_problem("has links that are no object"))
    return Links(
        _count_links(urls, "data_links"),
        _count_links(urls, "attachment_links"),
        parse_datetime(read_text(urls, "expiry_date")),
    )


def _count_links(urls: Mapping[str, Any], key: str) -> int:
    links = urls.get(key) or []
    if not isinstance(links, list):
        raise ProblemError(contract_problem(f"has {key} that are no list"))
    return len(links)

"""Where Zoho itself shows an org's backups ("Requesting data backup")."""

from __future__ import annotations

from typing import Final

from zbtui.core.data_centers import DATA_CENTERS
from zbtui.core.snapshot import Snapshot

WHERE: Final = "Setup > Data Administration > Data Backup"
"""The way to it from the page that `crm_page` names: its own address is not documented."""


def crm_page(snapshot: Snapshot) -> str | None:
    """The address of the org's CRM in a browser; None: of a custom one it is not known."""
    dc = DATA_CENTERS.get(snapshot.org.data_center)
    if dc is None:
        return None
    host = dc.web_host("crm")
    number = snapshot.company.number if snapshot.company else None
    is_number = number is not None and number.isascii() and number.isdigit()
    return f"https://{host}/crm/org{number}/" if is_number else f"https://{host}/crm/"

"""Where Zoho shows an org's backups ("Requesting data backup")."""

from __future__ import annotations

from zbtui.health.snapshot import Snapshot
from zbtui.zoho_api.data_centers import DATA_CENTERS


def crm_url(snapshot: Snapshot) -> str | None:
    """The URL of the org's CRM; None for a custom data center, where it is unknown.

    From there `BACKUP_MENU` leads on: the URL of that page is not documented.
    """
    dc = DATA_CENTERS.get(snapshot.org.data_center)
    if dc is None:
        return None
    host = dc.web_host("crm")
    number = snapshot.zoho.company.org_number if snapshot.zoho.company else None
    is_number = number is not None and number.isascii() and number.isdigit()
    return f"https://{host}/crm/org{number}/" if is_number else f"https://{host}/crm/"

"""Builds the URL of an org's CRM, which shows the org's backups.

Zoho's documentation describes the CRM's page of backups under "Requesting data backup".
"""

from __future__ import annotations

from zbtui.health.snapshot import Snapshot
from zbtui.zoho_api.data_centers import DATA_CENTERS


def crm_url(snapshot: Snapshot) -> str | None:
    """Return the URL of the org's CRM; None for a custom data center, whose web host is unknown.

    Zoho does not document the URL of the CRM's backup page; `BACKUP_MENU` is the path to this page in the
    CRM's menus.
    """
    dc = DATA_CENTERS.get(snapshot.org.data_center)
    if dc is None:
        return None
    host = dc.web_host("crm")
    number = snapshot.zoho.company.org_number if snapshot.zoho.company else None
    is_number = number is not None and number.isascii() and number.isdigit()
    return f"https://{host}/crm/org{number}/" if is_number else f"https://{host}/crm/"

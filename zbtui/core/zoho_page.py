"""Where Zoho itself shows an org's backups ("Requesting data backup")."""

from __future__ import annotations

from typing import Final

from zbtui.core.snapshot import Snapshot

_WEB_HOSTS: Final = {
    "us": "crm.zoho.com",
    "eu": "crm.zoho.eu",
    "in": "crm.zoho.in",
    "au": "crm.zoho.com.au",
    "jp": "crm.zoho.jp",
    "cn": "crm.zoho.com.cn",
    "ca": "crm.zohocloud.ca",
    "sa": "crm.zoho.sa",
    "uk": "crm.zoho.uk",
    "ae": "crm.zoho.ae",
    "sg": "crm.zoho.sg",
}


def crm_page(snapshot: Snapshot) -> str | None:
    """The address of the org's CRM in a browser; None: of a custom one it is not known.

    From there `BACKUP_MENU` leads on: the address of that page is not documented.
    """
    host = _WEB_HOSTS.get(snapshot.org.data_center)
    if host is None:
        return None
    number = snapshot.company.number if snapshot.company else None
    is_number = number is not None and number.isascii() and number.isdigit()
    return f"https://{host}/crm/org{number}/" if is_number else f"https://{host}/crm/"

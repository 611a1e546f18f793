"""What is configured: an org under watch, and the policy it is watched by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Grant = Literal["refresh-token", "client-credentials"]
GRANTS: Final[tuple[Grant, ...]] = ("refresh-token", "client-credentials")

CUSTOM: Final = "custom"
"""The data center key of an org that names its own `accounts_url` and `api_url`."""


@dataclass(frozen=True, slots=True)
class Org:
    """One Zoho CRM org under watch. Never holds a secret."""

    name: str
    """Unique; shown on the panel, used on the command line and in the keyring's service name."""
    data_center: str
    """A key of `zbtui.zoho.datacenter`, or `custom`."""
    client_id: str
    grant: Grant = "refresh-token"
    soid: str | None = None
    """`ZohoCRM.{org number}`; client credentials only (zoho-api 3.3)."""
    accounts_url: str | None = None
    api_url: str | None = None

    @property
    def identity(self) -> str:
        """Tells this org from another of the same name, whose kept data is not this one's."""
        parts = (self.data_center, self.client_id, self.accounts_url, self.api_url, self.soid)
        return "|".join(part or "" for part in parts)


@dataclass(frozen=True, slots=True)
class Policy:
    """How often to look, and from when on to worry. The `[watch]` table of the config."""

    every: timedelta = timedelta(minutes=5)
    near_every: timedelta = timedelta(seconds=30)
    overdue_after: timedelta = timedelta(hours=6)
    long_run_after: timedelta = timedelta(hours=12)

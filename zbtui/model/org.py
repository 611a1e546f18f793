"""The orgs under watch, as configured."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Final, Literal, get_args

from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy

Grant = Literal["refresh-token", "client-credentials"]
"""How a running watch gets its access tokens."""
GRANTS: Final[tuple[Grant, ...]] = get_args(Grant)

SignInMethod = Literal["code", "device", "browser", "refresh-token", "client-credentials"]
"""How to sign in to an org ("Self client", "Devices", "Web apps"); the first three give a refresh token."""
SIGN_IN_METHODS: Final[tuple[SignInMethod, ...]] = get_args(SignInMethod)

Accent = Literal["blue", "cyan", "green", "yellow", "orange", "red", "magenta", "violet"]
ACCENTS: Final[tuple[Accent, ...]] = get_args(Accent)

LinksWarning = Literal["expired", "never"]
"""Which download links get a warning. `expired`: expired links, too; `never`: none."""
LINKS_WARNINGS: Final[tuple[LinksWarning, ...]] = get_args(LinksWarning)

CUSTOM_DATA_CENTER: Final = "custom"
"""The data center key of an org that names its own `accounts_url` and `api_url`."""


def grant_for(method: SignInMethod) -> Grant:
    """The grant for an org that was signed in to by `method`."""
    return "client-credentials" if method == "client-credentials" else "refresh-token"


@dataclass(frozen=True, slots=True)
class Org:
    """One Zoho CRM org under watch. Never holds a secret."""

    name: str
    """Unique; shown on the panel, used on the command line and in the keyring's service name."""
    data_center: str
    """A key of `zbtui.zoho_api.data_centers`, or `custom`."""
    client_id: str
    grant: Grant = "refresh-token"
    soid: str | None = None
    """`ZohoCRM.{org number}`; client credentials only ("Client credentials flow")."""
    accounts_url: str | None = None
    api_url: str | None = None
    policy_overrides: tuple[tuple[str, timedelta], ...] = ()
    """The org's own values for keys of `WatchPolicy`, in the order of `POLICY_KEYS`."""
    links_warn: LinksWarning | None = None
    """None: only links that expire before a newer backup comes get a warning."""
    mute: bool = False
    """Whether the org gets no alerts; changes are still shown and stored."""
    tags: tuple[str, ...] = ()
    """Words for the filter."""
    accent: Accent | None = None
    """The colour of the mark beside the name."""

    @property
    def identity(self) -> str:
        """Distinguishes orgs of the same name, so that one never gets the other's data."""
        parts = (self.data_center, self.client_id, self.accounts_url, self.api_url, self.soid)
        return "|".join(part or "" for part in parts)

    @property
    def org_number(self) -> str | None:
        """The org's number in the config; None unless the org uses client credentials."""
        return self.soid.removeprefix("ZohoCRM.") if self.soid else None

    def own_policy(self, policy: WatchPolicy) -> WatchPolicy:
        """`policy` with the org's own overrides."""
        return replace(policy, **dict(self.policy_overrides)) if self.policy_overrides else policy

    def differs_only_in_labels(self, other: Org) -> bool:
        """Whether one poll serves both orgs: only mute, tags and accent may differ."""
        return replace(self, mute=other.mute, tags=other.tags, accent=other.accent) == other


def merge_edit(current: Org, original: Org, changed: Org) -> Org:
    """`current` with the differences between `original` and `changed` applied; the rest stays as it is."""
    names = [field.name for field in fields(Org) if field.name != "policy_overrides"]
    edits = {
        name: getattr(changed, name) for name in names if getattr(changed, name) != getattr(original, name)
    }
    overrides, before, after = (dict(org.policy_overrides) for org in (current, original, changed))
    for key in POLICY_KEYS:
        if before.get(key) == after.get(key):
            continue
        overrides.pop(key, None)
        if key in after:
            overrides[key] = after[key]
    own = tuple((key, overrides[key]) for key in POLICY_KEYS if key in overrides)
    return replace(current, **edits, policy_overrides=own)

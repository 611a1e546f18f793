"""The Zoho CRM orgs that zbtui watches, as the config describes them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Final, Literal, get_args

from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy

Grant = Literal["refresh-token", "client-credentials"]
"""The OAuth grant by which zbtui gets an org's access tokens."""
GRANTS: Final[tuple[Grant, ...]] = get_args(Grant)

SignInMethod = Literal["code", "device", "browser", "refresh-token", "client-credentials"]
"""The method by which a person signs in to an org ("Self client", "Devices", "Web apps").

The first three methods give a refresh token.
"""
SIGN_IN_METHODS: Final[tuple[SignInMethod, ...]] = get_args(SignInMethod)

Accent = Literal["blue", "cyan", "green", "yellow", "orange", "red", "magenta", "violet"]
ACCENTS: Final[tuple[Accent, ...]] = get_args(Accent)

LinksWarning = Literal["expired", "never"]
"""An org's setting for warnings about download links.

With `expired`, links that have already expired get a warning, too; with `never`, no links get one.
"""
LINKS_WARNINGS: Final[tuple[LinksWarning, ...]] = get_args(LinksWarning)

CUSTOM_DATA_CENTER: Final = "custom"
"""The data center key of an org whose config entry names its own `accounts_url` and `api_url`."""


def grant_for(method: SignInMethod) -> Grant:
    """Return the OAuth grant by which an org gets access tokens after a sign-in by `method`."""
    return "client-credentials" if method == "client-credentials" else "refresh-token"


@dataclass(frozen=True, slots=True)
class Org:
    """One Zoho CRM org that zbtui watches. An `Org` never holds a secret."""

    name: str
    """The org's unique name, used on the screen, on the command line and in the keyring's service name."""
    data_center: str
    """The key of the org's data center in `zbtui.zoho_api.data_centers.DATA_CENTERS`, or `custom`."""
    client_id: str
    grant: Grant = "refresh-token"
    soid: str | None = None
    """The text `ZohoCRM.{org number}`; set only for client credentials ("Client credentials flow")."""
    accounts_url: str | None = None
    api_url: str | None = None
    policy_overrides: tuple[tuple[str, timedelta], ...] = ()
    """The org's own values for keys of `WatchPolicy`, in the order of `POLICY_KEYS`."""
    links_warn: LinksWarning | None = None
    """The setting for link warnings; None warns only of links that expire before a newer backup comes."""
    mute: bool = False
    """Whether no alerts are sent about the org; its changes are still shown and stored."""
    tags: tuple[str, ...] = ()
    """The words by which people can filter the list of orgs."""
    accent: Accent | None = None
    """The colour of the mark beside the org's name."""

    @property
    def identity(self) -> str:
        """A text that differs between two orgs of the same name, so that neither gets the other's data."""
        parts = (self.data_center, self.client_id, self.accounts_url, self.api_url, self.soid)
        return "|".join(part or "" for part in parts)

    @property
    def org_number(self) -> str | None:
        """The org number from the config; None unless the org uses the grant `client-credentials`."""
        return self.soid.removeprefix("ZohoCRM.") if self.soid else None

    def own_policy(self, policy: WatchPolicy) -> WatchPolicy:
        """Return `policy` with the org's own values (`policy_overrides`) applied."""
        return replace(policy, **dict(self.policy_overrides)) if self.policy_overrides else policy

    def differs_only_in_labels(self, other: Org) -> bool:
        """Whether `other` is equal apart from mute, tags and accent, so that one poll serves both."""
        return replace(self, mute=other.mute, tags=other.tags, accent=other.accent) == other


def merge_edit(current: Org, original: Org, changed: Org) -> Org:
    """Return `current` with each change from `original` to `changed` applied; the rest stays as it is."""
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

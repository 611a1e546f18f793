"""What is configured: an org under watch, and the policy it is watched by."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Final, Literal, get_args

Grant = Literal["refresh-token", "client-credentials"]
"""How a running watch gets its access tokens."""
GRANTS: Final[tuple[Grant, ...]] = ("refresh-token", "client-credentials")

SignInMethod = Literal["code", "device", "browser", "refresh-token", "client-credentials"]
"""How an org is signed in to ("Self client", "Devices", "Web apps"); three give a refresh token."""
SIGN_IN_METHODS: Final[tuple[SignInMethod, ...]] = (
    "code",
    "device",
    "browser",
    "refresh-token",
    "client-credentials",
)

Accent = Literal["blue", "cyan", "green", "yellow", "orange", "red", "magenta", "violet"]
ACCENTS: Final[tuple[Accent, ...]] = get_args(Accent)

CUSTOM_DATA_CENTER: Final = "custom"
"""The data center key of an org that names its own `accounts_url` and `api_url`."""


def grant_for(method: SignInMethod) -> Grant:
    """What an org that was signed in to this `way` is watched by."""
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
    """The keys of `Policy` that this org sets for itself, in the policy's order."""
    mute: bool = False
    """Changes are shown and kept, but nobody is alerted."""
    tags: tuple[str, ...] = ()
    """Words to find it by."""
    accent: Accent | None = None
    """The colour of the mark beside its name."""

    @property
    def identity(self) -> str:
        """Tells this org from another of the same name, whose kept data is not this one's."""
        parts = (self.data_center, self.client_id, self.accounts_url, self.api_url, self.soid)
        return "|".join(part or "" for part in parts)

    def differs_only_in_labels(self, other: Org) -> bool:
        """Whether a look at the one is a look at the other: they differ in nothing but what people see."""
        return replace(self, mute=other.mute, tags=other.tags, accent=other.accent) == other


def merge_edit(current: Org, original: Org, changed: Org) -> Org:
    """`current`, with what makes `changed` differ from `opened`: other changes since then stay."""
    keys = [key.name for key in fields(Org) if key.name != "policy_overrides"]
    taken = {key: getattr(changed, key) for key in keys if getattr(changed, key) != getattr(original, key)}
    spans, before, after = (
        dict(current.policy_overrides),
        dict(original.policy_overrides),
        dict(changed.policy_overrides),
    )
    for key in POLICY_KEYS:
        if before.get(key) == after.get(key):
            continue
        spans.pop(key, None)
        if key in after:
            spans[key] = after[key]
    own = tuple((key, spans[key]) for key in POLICY_KEYS if key in spans)
    return replace(current, **taken, policy_overrides=own)


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """How often to look, and from when on to worry. The `[watch]` table of the config."""

    every: timedelta = timedelta(minutes=5)
    near_every: timedelta = timedelta(seconds=30)
    overdue_after: timedelta = timedelta(hours=6)
    long_run_after: timedelta = timedelta(hours=12)
    max_age: timedelta | None = None
    """How old the last good backup may be; None: as the plan says."""

    def for_org(self, org: Org) -> WatchPolicy:
        """The policy that `org` is watched by: this one, but for what the org sets itself."""
        return replace(self, **dict(org.policy_overrides)) if org.policy_overrides else self


POLICY_KEYS: Final = tuple(key.name for key in fields(WatchPolicy))

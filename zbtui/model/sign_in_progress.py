"""What a person is shown while signing in. None of it is secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RequestingFromZoho:
    """Zoho is being asked."""

    purpose: str
    """Completes "asking Zoho …"."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What to enter, and where: on any device with a browser."""

    user_code: str
    verification_url: str
    verification_url_with_code: str | None
    """The same with the code in it; not always there."""
    expires_at: datetime
    next_poll: datetime
    poll_count: int = 0
    """How often Zoho was asked whether it was entered."""


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """The consent page, to be opened on this machine."""

    url: str
    redirect_uri: str
    """As registered for the client, to the letter."""
    expires_at: datetime


SignInProgress = RequestingFromZoho | DeviceCode | ConsentPage

"""Parses the answer of `GET /crm/bulk/v7/backup` ("Get data backup details") into frozen types.

Any bytes give a `Backup`, None (there is no backup job) or a `ProblemError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from zbtui.model.problem import ProblemError
from zbtui.zoho_api.envelope import read_raw_text, read_text, unwrap_response
from zbtui.zoho_api.errors import contract_problem

_YEARS: Final = range(1970, 3000)
"""The years in which dates are read; near the limits of `datetime`, the conversion of zones overflows."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest moment that is read; Windows cannot convert earlier moments to its local zone."""
_TEXT_KEYS: Final = ("id", "status", "scheduled_date", "start_date", "rrule")


class BackupState(Enum):
    """The meaning of a status word: Zoho CRM's five, two of a sister product (Recruit), or unknown."""

    STOPPED = "STOPPED"
    SCHEDULED = "SCHEDULED"
    INPROGRESS = "INPROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAYMENT_FAILED = "PAYMENTFAILED"
    FINISHED = "FINISHED"
    """The schedule has run out."""
    UNKNOWN = ""


ENDED_PLANS: Final = (BackupState.STOPPED, BackupState.FINISHED)
"""The states in which no further run will come."""
_STATES_BY_WORD: Final = {state.value: state for state in BackupState if state is not BackupState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ZohoUser:
    """A user of a Zoho org."""

    id: str | None
    name: str | None
    zuid: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the user in Zoho's JSON form, which `parse_user` reads."""
        return {"id": self.id, "name": self.name, "zuid": self.zuid}


@dataclass(frozen=True, slots=True)
class Backup:
    """The latest backup job of an org: Zoho's six keys as sent, and two dates parsed.

    A value that is not a text is None, except in the keys that decide a verdict (`status`,
    `scheduled_date`, `rrule`): there its JSON is kept.
    """

    id: str | None
    status: str | None
    scheduled_date: str | None
    """The date of the next run, as sent; None for a job without a recurrence rule."""
    start_date: str | None
    """The date of the first run, as sent."""
    rrule: str | None
    requester: ZohoUser | None
    next_run: datetime | None
    """The time of the next run; None if `scheduled_date` is missing or unreadable."""
    first_run: datetime | None

    @property
    def state(self) -> BackupState:
        """The meaning of `status`, whatever its case, spaces and underscores."""
        return _parse_status(self.status or "")

    def as_dict(self) -> dict[str, Any]:
        """Return Zoho's six keys with their values, a form that `parse_backup` reads."""
        texts = {key: getattr(self, key) for key in _TEXT_KEYS}
        return {**texts, "requester": self.requester and self.requester.as_dict()}


@lru_cache(maxsize=256)
def _parse_status(status: str) -> BackupState:
    word = status.replace("_", "").replace(" ", "")
    return _STATES_BY_WORD.get(word.upper(), BackupState.UNKNOWN) if word.isascii() else BackupState.UNKNOWN


def parse_backup_response(status: int, body: bytes, data_center: str) -> Backup | None:
    """Parse one answer to the request for backup details; None if there is no backup job, as with HTTP 204.

    Raises a `ProblemError` for an error from Zoho, and for an answer of another form.
    """
    answer = unwrap_response(status, body, "backup", data_center)
    return parse_backup(answer.get("backup"))


def parse_backup(job: object) -> Backup | None:
    """Parse the object under the key `backup`; None if the object is null or empty.

    Raises a `ProblemError` for an object of another form.
    """
    if job is None or job == {}:
        return None
    if not isinstance(job, Mapping):
        raise ProblemError(contract_problem("has a backup that is no object"))
    user = parse_user(job.get("requester"))
    texts = {key: read_text(job, key) for key in ("id", "start_date")}
    texts |= {key: read_raw_text(job, key) for key in ("status", "scheduled_date", "rrule")}
    if not user and not any(texts.values()):
        if set(job) - set(texts) - {"requester"}:
            raise ProblemError(contract_problem("has a backup without any of the documented keys"))
        return None
    return Backup(
        **texts,
        requester=user,
        next_run=parse_datetime(texts["scheduled_date"]),
        first_run=parse_datetime(texts["start_date"]),
    )


def parse_user(who: object) -> ZohoUser | None:
    """Parse a user of the org; None if `who` is null, empty or not an object."""
    if not isinstance(who, Mapping) or not who:
        return None
    return _shared_user(read_text(who, "id"), read_text(who, "name"), read_text(who, "zuid"))


@lru_cache(maxsize=4096)
def _shared_user(user_id: str | None, name: str | None, zuid: str | None) -> ZohoUser:
    """Return the one object for a user that all history rows share."""
    return ZohoUser(user_id, name, zuid)


def parse_datetime(text: str | None) -> datetime | None:
    """Parse an ISO-8601 date with a UTC offset; None if the text is missing or unreadable."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    readable = moment.tzinfo is not None and moment.year in _YEARS and moment >= _EPOCH
    return moment if readable else None

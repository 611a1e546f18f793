"""The answer of `GET /crm/bulk/v7/backup` ("Get data backup details"), read into frozen types.

Whatever the bytes, the outcome is a `Backup`, None ("no backup job") or a `TroubleError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from zbtui.model.problem import ProblemError
from zbtui.model.text import clean
from zbtui.zoho_api.envelope import read_text, unwrap_response
from zbtui.zoho_api.errors import contract_problem

_YEARS: Final = range(1970, 3000)
"""Dates beyond are slips, and near the ends of `datetime` a change of zone overflows."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Windows cannot say an earlier moment in its own zone."""


class BackupState(Enum):
    """What a status word means; Zoho's five, two of a sister product (Recruit), and the rest."""

    STOPPED = "STOPPED"
    SCHEDULED = "SCHEDULED"
    INPROGRESS = "INPROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAYMENT_FAILED = "PAYMENTFAILED"
    FINISHED = "FINISHED"
    """The schedule has run out."""
    UNKNOWN = ""


_STATES_BY_WORD: Final = {state.value: state for state in BackupState if state is not BackupState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ZohoUser:
    """The user who set the backup up."""

    id: str | None
    name: str | None
    zuid: str | None

    def as_dict(self) -> dict[str, Any]:
        """As `parse_requester` reads it."""
        return {"id": self.id, "name": self.name, "zuid": self.zuid}


@dataclass(frozen=True, slots=True)
class Backup:
    """The latest backup job of an org: Zoho's six keys as they came, and both dates understood."""

    id: str | None
    status: str | None
    scheduled_date: str | None
    """The next run; null for a job without a recurrence rule."""
    start_date: str | None
    """The first run."""
    rrule: str | None
    requester: ZohoUser | None
    next_run: datetime | None
    first_run: datetime | None

    @property
    def state(self) -> BackupState:
        """`status` understood: upper and lower case, blanks and underscores do not matter."""
        return _parse_status(self.status or "")

    def as_dict(self) -> dict[str, Any]:
        """Zoho's six keys, as `parse_job` reads them."""
        who = self.requester
        return {
            "id": self.id,
            "status": self.status,
            "scheduled_date": self.scheduled_date,
            "start_date": self.start_date,
            "rrule": self.rrule,
            "requester": who and who.as_dict(),
        }


@lru_cache(maxsize=256)
def _parse_status(status: str) -> BackupState:
    word = status.replace("_", "").replace(" ", "")
    return _STATES_BY_WORD.get(word.upper(), BackupState.UNKNOWN) if word.isascii() else BackupState.UNKNOWN


def parse_backup_response(status: int, body: bytes, data_center: str) -> Backup | None:
    """One answer of the details call; None: there is no backup job (204 and its kin).

    Args:
        status: the HTTP status.
        body: the decoded body, empty for a 204.
        data_center: the org's, for sentences that name it.

    Raises:
        TroubleError: an error of Zoho's, or an answer that is not what is documented.
    """
    answer = unwrap_response(status, body, "backup", data_center)
    return parse_backup(answer.get("backup"))


def parse_backup(job: object) -> Backup | None:
    """The object under `backup`; None where it is null or empty.

    Raises:
        TroubleError: of kind `contract`.
    """
    if job is None or job == {}:
        return None
    if not isinstance(job, Mapping):
        raise ProblemError(contract_problem("has a backup that is no object"))
    who = parse_user(job.get("requester"), "a backup")
    texts = {key: read_text(job, key) for key in ("id", "status", "scheduled_date", "start_date", "rrule")}
    if not who and not any(texts.values()):
        if set(job) - set(texts) - {"requester"}:
            raise ProblemError(contract_problem("has a backup without any of the documented keys"))
        return None
    return Backup(
        **texts,
        requester=who,
        next_run=parse_datetime(texts["scheduled_date"]),
        first_run=parse_datetime(texts["start_date"]),
    )


def parse_user(who: object, context: str) -> ZohoUser | None:
    """A user of the org; None: null or empty.

    Args:
        where: what it belongs to, for the error.

    Raises:
        TroubleError: of kind `contract`.
    """
    if who is not None and not isinstance(who, Mapping):
        raise ProblemError(contract_problem(f"has a user of {context} that is no object"))
    return (
        _shared_user(read_text(who, "id"), read_text(who, "name"), read_text(who, "zuid")) if who else None
    )


@lru_cache(maxsize=4096)
def _shared_user(user_id: str | None, name: str | None, zuid: str | None) -> ZohoUser:
    """The same one for each row that names them."""
    return ZohoUser(user_id, name, zuid)


def parse_datetime(text: str | None) -> datetime | None:
    """An ISO-8601 date with its offset; None stays None.

    Raises:
        TroubleError: of kind `contract`.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year not in _YEARS or moment < _EPOCH:
        raise ProblemError(contract_problem(f"has a date that cannot be read: {clean(text, 40)}"))
    return moment

"""Encodes an org's snapshot, history and org state as JSON for the journal, and decodes that JSON.

Invalid JSON or values are treated as missing, since the next poll replaces them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from zbtui.health.due_dates import DueDate
from zbtui.health.events import OrgState
from zbtui.health.snapshot import PollState, Snapshot, ZohoData
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.model.text import clean
from zbtui.store.database import decode_datetime
from zbtui.zoho_api.backup_details import parse_backup
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import parse_company
from zbtui.zoho_api.runs import History, build_history

MAX_LINE_LENGTH: Final = 2000
"""The maximum length of a stored line in characters; a longer line, which zbtui never writes, is cut."""
_MAX_COUNT: Final = 1 << 31
"""A stored count must be lower than this limit.

The limit is far below that of SQLite's integers, so that adding to a count cannot overflow.
"""
_MAX_CLOCK_OFFSET: Final = timedelta(days=36_525)

T = TypeVar("T")


def decode_or_none(read: Callable[[], T]) -> T | None:
    """Call `read` and return its result, or None if `read` raises an error that invalid data causes."""
    try:
        return read()
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError, ProblemError):
        return None


def encode_snapshot(snapshot: Snapshot) -> str:
    """Encode a snapshot as JSON, without its history, which `encode_history` encodes."""
    zoho, polls = snapshot.zoho, snapshot.polls
    links, tried_at = zoho.links, polls.history_tried_at
    failed = polls.history_problem or polls.links_problem
    body: dict[str, Any] = {
        "backup": zoho.backup and zoho.backup.as_dict(),
        "observed_at": _encode_optional_datetime(zoho.observed_at),
        "running_since": _encode_optional_datetime(zoho.running_since),
        "previous_run_failed": zoho.previous_run_failed,
        "clock_offset": zoho.clock_offset.total_seconds(),
        "company": zoho.company and zoho.company.as_dict(),
        "company_requested_at": _encode_optional_datetime(zoho.company_requested_at),
        "server_time": _encode_optional_datetime(zoho.server_time),
        "history_behind_since": _encode_optional_datetime(zoho.history_behind_since),
        "due_dates": [
            [due.at.isoformat(), due.announced_at.isoformat(), due.began] for due in zoho.due_dates
        ],
        "other_org_number": zoho.other_org_number,
        "links": links
        and [links.data_parts, links.attachment_parts, _encode_optional_datetime(links.expires_at)],
        "last_links_expiry": _encode_optional_datetime(zoho.last_links_expiry),
        # The problem itself is not stored here. Without the time, the next poll requests the history again.
        "history_tried_at": None if failed else _encode_optional_datetime(tried_at),
        "history_failures": polls.history_failures,
        "unsettled_history_reads": polls.unsettled_history_reads,
    }
    return json.dumps(body, ensure_ascii=False)


def decode_snapshot(org: Org, text: str) -> Snapshot | None:
    """Decode a snapshot from the JSON of `encode_snapshot`; return None if the JSON is invalid."""

    def read() -> Snapshot:
        body = json.loads(text)
        zoho = ZohoData(
            backup=parse_backup(body["backup"]),
            observed_at=decode_optional_datetime(body["observed_at"]),
            running_since=decode_optional_datetime(body["running_since"]),
            previous_run_failed=body["previous_run_failed"] is True,
            clock_offset=_decode_clock_offset(body["clock_offset"]),
            company=body["company"] and parse_company(body["company"]),
            company_requested_at=decode_optional_datetime(body["company_requested_at"]),
            server_time=decode_optional_datetime(body["server_time"]),
            history_behind_since=decode_optional_datetime(body["history_behind_since"]),
            due_dates=tuple(
                DueDate(decode_datetime(at), decode_datetime(announced), began is True)
                for at, announced, began in body["due_dates"]
            ),
            other_org_number=decode_optional_line(body["other_org_number"]),
            links=_decode_links(body["links"]),
            last_links_expiry=decode_optional_datetime(body["last_links_expiry"]),
        )
        polls = PollState(
            restored=True,
            history_tried_at=decode_optional_datetime(body["history_tried_at"]),
            history_failures=decode_count(body["history_failures"]),
            unsettled_history_reads=decode_count(body["unsettled_history_reads"]),
        )
        return Snapshot(org, zoho, polls)

    return decode_or_none(read)


def encode_history(history: History) -> str:
    """Encode the rows of a history of backups as JSON.

    The backup runs that zbtui derives from the rows are not stored; `decode_history` derives them again.
    """
    rows = (entry.as_dict() for entry in history.entries)
    without_nulls = [{key: value for key, value in row.items() if value is not None} for row in rows]
    return json.dumps(without_nulls, ensure_ascii=False)


def decode_history(text: str) -> History | None:
    """Decode a history of backups from the JSON of `encode_history`; return None if the JSON is invalid."""
    return decode_or_none(lambda: build_history([parse_entry(row) for row in json.loads(text)]))


def encode_org_state(org_state: OrgState) -> str:
    return json.dumps(asdict(org_state), ensure_ascii=False)


def decode_org_state(text: str) -> OrgState | None:
    """Decode an org state from the JSON of `encode_org_state`; return None if the JSON is invalid."""

    def read() -> OrgState:
        body: dict[str, Any] = {key: decode_optional_line(value) for key, value in json.loads(text).items()}
        return OrgState(**body)

    return decode_or_none(read)


def decode_optional_line(text: str | None) -> str | None:
    """Clean a stored line as `decode_line` does; return None if `text` is None."""
    return None if text is None else decode_line(text)


def decode_line(text: str) -> str:
    """Return a stored line as one printable line of at most `MAX_LINE_LENGTH` characters.

    The line is cleaned in case zbtui did not write it. Raises `TypeError` if `text` is no string.
    """
    return clean(text, MAX_LINE_LENGTH)


def decode_count(value: object) -> int:
    """Return a stored count. Raises `ValueError` unless `value` is an integer from 0 to 2**31 - 1."""
    if type(value) is not int or not 0 <= value < _MAX_COUNT:
        raise ValueError("no count")
    return value


def _decode_clock_offset(seconds: float) -> timedelta:
    span = timedelta(seconds=seconds)
    if abs(span) > _MAX_CLOCK_OFFSET:
        raise ValueError("no difference of clocks")
    return span


def _decode_links(body: Any) -> Links | None:
    if body is None:
        return None
    data, attachments, expire = body
    return Links(decode_count(data), decode_count(attachments), decode_optional_datetime(expire))


def decode_optional_datetime(text: str | None) -> datetime | None:
    return None if text is None else decode_datetime(text)


def _encode_optional_datetime(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

"""What the journal keeps of an org, as text (JSON) and back.

What is not understood counts as not there: it is only a memory, and is soon written anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from zbtui.core.backup import parse_job
from zbtui.core.company import read_company
from zbtui.core.event import Standing
from zbtui.core.history import parse_entry
from zbtui.core.links import Links
from zbtui.core.org import Org
from zbtui.core.runs import History, summarize
from zbtui.core.snapshot import PollState, Snapshot, ZohoData
from zbtui.core.text import clean
from zbtui.core.trouble import TroubleError
from zbtui.store.database import moment_of

LONGEST_LINE: Final = 2000
"""Characters of a line that zbtui itself wrote: far more than it ever writes."""
_COUNTED: Final = 1 << 31
"""One more than this still fits into SQLite's numbers."""
_LARGEST_OFFSET: Final = timedelta(days=36_525)

T = TypeVar("T")


def understood(read: Callable[[], T]) -> T | None:
    """What `read` returns; None where what it reads is not what zbtui writes."""
    try:
        return read()
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
        TroubleError,
    ):
        return None


def encode_snapshot(snapshot: Snapshot) -> str:
    """What was seen of an org, but for its history."""
    zoho, polls = snapshot.zoho, snapshot.polls
    links, tried_at = zoho.links, polls.history_tried_at
    body: dict[str, Any] = {
        "backup": zoho.backup and zoho.backup.as_dict(),
        "observed_at": _iso(zoho.observed_at),
        "running_since": _iso(zoho.running_since),
        "previous_run_failed": zoho.previous_run_failed,
        "clock_offset": zoho.clock_offset.total_seconds(),
        "company": zoho.company and zoho.company.as_dict(),
        "company_requested_at": _iso(zoho.company_requested_at),
        "history_outdated": zoho.history_outdated,
        "links": links and [links.data, links.attachments, _iso(links.expire)],
        "last_links_expiry": _iso(zoho.last_links_expiry),
        # Why they could not be read is not kept: they are asked for anew.
        "history_tried_at": None if polls.history_problem else _iso(tried_at),
        "history_failures": polls.history_failures,
        "unfinished_history_reads": polls.unfinished_history_reads,
    }
    return json.dumps(body, ensure_ascii=False)


def decode_snapshot(org: Org, text: str) -> Snapshot | None:
    """What `encode_snapshot` made."""

    def read() -> Snapshot:
        body = json.loads(text)
        zoho = ZohoData(
            backup=parse_job(body["backup"]),
            observed_at=_moment(body["observed_at"]),
            running_since=_moment(body["running_since"]),
            previous_run_failed=body["previous_run_failed"] is True,
            clock_offset=_offset(body["clock_offset"]),
            company=body["company"] and read_company(body["company"]),
            company_requested_at=_moment(body["company_requested_at"]),
            history_outdated=body["history_outdated"] is True,
            links=_links(body["links"]),
            last_links_expiry=_moment(body["last_links_expiry"]),
        )
        polls = PollState(
            restored=True,
            history_tried_at=_moment(body["history_tried_at"]),
            history_failures=count_of(body["history_failures"]),
            unfinished_history_reads=count_of(body["unfinished_history_reads"]),
        )
        return Snapshot(org, zoho, polls)

    return understood(read)


def encode_history(history: History) -> str:
    """Its rows; what they amount to is made from them again."""
    rows = (entry.as_dict() for entry in history.entries)
    said = [{key: value for key, value in row.items() if value is not None} for row in rows]
    return json.dumps(said, ensure_ascii=False)


def decode_history(text: str) -> History | None:
    """What `encode_history` made."""
    return understood(lambda: summarize([parse_entry(row) for row in json.loads(text)]))


def encode_standing(standing: Standing) -> str:
    return json.dumps(asdict(standing), ensure_ascii=False)


def decode_standing(text: str) -> Standing | None:
    """What `encode_standing` made."""

    def read() -> Standing:
        body: dict[str, Any] = {key: line_of(value) for key, value in json.loads(text).items()}
        return Standing(**body)

    return understood(read)


def line_of(text: str | None) -> str | None:
    """As `text_line`; None stays None."""
    return None if text is None else text_line(text)


def text_line(text: str) -> str:
    """A line that was kept, and is always there, cleaned again.

    Raises:
        TypeError: it is no text.
    """
    return clean(text, LONGEST_LINE)


def count_of(value: object) -> int:
    """A number that was kept.

    Raises:
        ValueError: it is none, or negative, or more than anything is ever counted up to.
    """
    if type(value) is not int or not 0 <= value < _COUNTED:
        raise ValueError("no count")
    return value


def _offset(seconds: float) -> timedelta:
    span = timedelta(seconds=seconds)
    if abs(span) > _LARGEST_OFFSET:
        raise ValueError("no difference of clocks")
    return span


def _links(body: Any) -> Links | None:
    if body is None:
        return None
    data, attachments, expire = body
    return Links(count_of(data), count_of(attachments), _moment(expire))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

"""Encodes the problems of an org's last poll, and decides whether that poll makes a new one unneeded."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final, get_args

from zbtui.health.snapshot import PollState, Snapshot
from zbtui.model.problem import Problem, ProblemKind
from zbtui.store.encoding import decode_line, decode_optional_datetime, decode_optional_line, decode_or_none

_KINDS: Final[tuple[ProblemKind, ...]] = get_args(ProblemKind)
_COSTS_NOTHING: Final[frozenset[ProblemKind]] = frozenset({"network", "keyring", "config"})
"""The kinds of problems after which a new poll is allowed at once.

A poll that failed with such a problem did not reach Zoho, and cost no API credit.
"""

Problems = tuple[Problem | None, Problem | None]
"""Two problems of one poll, that with the details of the latest backup and that with the backup history.

Each is None if there was no such problem.
"""


def encode_problems(polls: PollState) -> str:
    """Encode the problems of the last poll in `polls` as JSON."""
    return json.dumps([_encode(polls.problem), _encode(polls.history_problem)], ensure_ascii=False)


def decode_problems(text: str) -> Problems | None:
    """Decode problems from the JSON of `encode_problems`; return None if the JSON is invalid."""

    def read() -> Problems:
        poll, history = json.loads(text)
        return _decode(poll), _decode(history)

    return decode_or_none(read)


def snapshot_after(
    known: Snapshot, at: datetime, problems: Problems, since: datetime, now: datetime
) -> Snapshot | None:
    """Return the stored snapshot `known` with the outcome of the org's last poll, made at the time `at`.

    Returns None if a new poll is needed, since the last poll came before `since`, lies after `now`, or did
    not reach Zoho, or since `known` is not the snapshot of that poll.
    """
    problem, history_problem = problems
    seen = known.zoho.observed_at
    if not since <= at <= now or (seen and seen > at):  # `seen > at`: a sign-in polled the org later
        return None
    if seen != at if problem is None else problem.kind in _COSTS_NOTHING:
        return None
    polls = replace(
        known.polls, attempted_at=at, problem=problem, history_problem=history_problem, restored=False
    )
    return replace(known, polls=polls)


def _encode(problem: Problem | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    retry_at = problem.retry_at and problem.retry_at.isoformat()
    return asdict(problem) | {"retry_at": retry_at}


def _decode(body: dict[str, Any] | None) -> Problem | None:
    if body is None:
        return None
    status = body["http_status"]
    return Problem(
        _KINDS[_KINDS.index(body["kind"])],
        decode_line(body["message"]),
        decode_line(body["hint"]),
        decode_optional_line(body["code"]),
        None if status is None else int(status),
        body["final"] is True,
        decode_optional_datetime(body["retry_at"]),
    )

"""The stored problems of an org's last poll, and whether that poll makes a new one unnecessary."""

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
"""Problems of polls that did not reach Zoho and cost no API credit: a new poll may follow at once."""

Problems = tuple[Problem | None, Problem | None]
"""The problem of the details, and that of history or links; None: no problem."""


def encode_problems(polls: PollState) -> str:
    """Encode the problems of a poll as JSON."""
    return json.dumps([_encode(polls.problem), _encode(polls.history_problem)], ensure_ascii=False)


def decode_problems(text: str) -> Problems | None:
    """Undo `encode_problems`; None: the text is invalid."""

    def read() -> Problems:
        poll, history = json.loads(text)
        return _decode(poll), _decode(history)

    return decode_or_none(read)


def snapshot_after(
    known: Snapshot, at: datetime, problems: Problems, since: datetime, now: datetime
) -> Snapshot | None:
    """The snapshot `known`, as stored, with the outcome of the org's last poll at `at`.

    None: a new poll is needed, as the last one came before `since` or did not reach Zoho.
    """
    problem, history_problem = problems
    seen = known.zoho.observed_at
    if not since <= at <= now or (seen and seen > at):  # a sign-in polled the org later
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

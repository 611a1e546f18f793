"""The type for problems: one sentence says what is wrong, another what a person can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

ProblemKind = Literal[
    "auth", "permission", "throttled", "network", "server", "contract", "keyring", "config"
]

LOCKOUT: Final = "Access Denied"
"""The error of Zoho's accounts host after too many token requests; more requests prolong the lock-out.

The source is Kaizen 43.
"""
TOKEN_BUDGET_EXHAUSTED: Final = "TOKEN_BUDGET"
"""The code, zbtui's own, for "the next token request would cause a lock-out"."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong. A problem holds no secret, and its texts are cleaned (`text.clean`)."""

    kind: ProblemKind
    message: str
    """The sentence that says to a person what is wrong."""
    hint: str
    """The sentence that says what a person can do about the problem."""
    code: str | None = None
    """The error code, Zoho's or zbtui's own; None if there is none."""
    http_status: int | None = None
    final: bool = False
    """Whether retrying is useless until a person acts: a dead sign-in, a missing permission."""
    retry_at: datetime | None = None
    """The time before which nothing is retried (`Retry-After`, or the end of a lock-out), if any."""

    @property
    def forbids_early_retry(self) -> bool:
        """Whether even a poll that a person requests has to wait until `retry_at`."""
        return self.code in (LOCKOUT, TOKEN_BUDGET_EXHAUSTED)


class ProblemError(Exception):
    """The only exception that zbtui's packages raise to each other; carries a `Problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

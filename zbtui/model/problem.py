"""Problems as data: one sentence for what is wrong, one for the cure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

ProblemKind = Literal[
    "auth", "permission", "throttled", "network", "server", "contract", "keyring", "config"
]

LOCKOUT: Final = "Access Denied"
"""The accounts host's error for too many token requests (Kaizen 43); more requests prolong it."""
TOKEN_BUDGET_EXHAUSTED: Final = "TOKEN_BUDGET"
"""Our code for "the next token request would cause a lock-out"."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong. Holds no secret; the texts are cleaned (`text.clean`)."""

    kind: ProblemKind
    message: str
    """What is wrong, in one sentence for a person."""
    hint: str
    """The cure, in one sentence."""
    code: str | None = None
    """Zoho's error code, or ours, if there is one."""
    http_status: int | None = None
    final: bool = False
    """Whether retrying is useless until a person acts: a dead sign-in, a missing permission."""
    retry_at: datetime | None = None
    """No retry before this moment (`Retry-After`, or the end of a lock-out)."""

    @property
    def forbids_early_retry(self) -> bool:
        """Whether even a poll requested by hand must wait until `retry_at`."""
        return self.code in (LOCKOUT, TOKEN_BUDGET_EXHAUSTED)


class ProblemError(Exception):
    """The only exception that zbtui's packages raise to each other; carries a `Problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

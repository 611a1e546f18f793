"""What can go wrong, as data: one sentence that says what, one that says the cure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

ProblemKind = Literal[
    "auth", "permission", "throttled", "network", "server", "contract", "keyring", "config"
]

LOCKOUT: Final = "Access Denied"
"""The accounts host's word for "too many token requests" (Kaizen 43): asking on prolongs it."""
TOKEN_BUDGET_EXHAUSTED: Final = "TOKEN_BUDGET"
"""Our word for "one more token request, and Zoho would say that"."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an org could not be looked at. Holds no secret; its texts are clean."""

    kind: ProblemKind
    message: str
    """What is wrong, one sentence for a person."""
    hint: str
    """The cure, one sentence."""
    code: str | None = None
    """Zoho's own word for it, or ours, where there is one."""
    http_status: int | None = None
    final: bool = False
    """Asking again cannot help before somebody acts: a dead sign-in, a missing right."""
    retry_at: datetime | None = None
    """Not to be asked again before this moment (`Retry-After`, or the end of a lock-out)."""

    @property
    def forbids_early_retry(self) -> bool:
        """Whether nobody may ask before `retry_at`, not even who is told to."""
        return self.code in (LOCKOUT, TOKEN_BUDGET_EXHAUSTED)


class ProblemError(Exception):
    """The one error that the rooms of zbtui raise to each other; says nothing but its trouble."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

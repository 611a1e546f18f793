"""The base class of the screens that add, edit and remove orgs."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from textual.binding import BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.widgets import Static

from zbtui.clock import StoppedError
from zbtui.model.crash import bug_problem
from zbtui.model.problem import Problem, ProblemError
from zbtui.tui.bindings import bindings_of

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService

T = TypeVar("T")
_READING_SECONDS: Final = 1.0
"""The shortest time, in seconds, in which a person can read a form."""
_log = logging.getLogger(__name__)


class FormScreen(ModalScreen[T]):
    """A form on the screen: runs work in the org service, shows its problems, closes with a result."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("form")

    def __init__(self, org_service: OrgService) -> None:
        super().__init__()
        self.org_service = org_service
        self._opened_at = org_service.clock.monotonic()
        self._result: list[T] = []
        """A list with the screen's result, from `finish` until the screen closes; else an empty list."""

    @property
    def is_just_opened(self) -> bool:
        """Whether the form opened too recently to be read; a key can then be the rest of a pasted text."""
        return self.org_service.clock.monotonic() - self._opened_at < _READING_SECONDS

    def run_in_service(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the org service, which finishes it even if this screen closes or the app quits."""
        self.org_service.start_task(self._run_guarded(work))

    async def _run_guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (StoppedError, NoMatches):
            pass  # the screen was closed meanwhile
        except ProblemError as error:
            self._handle_failure(error.problem)
        except Exception as error:  # a bug must not leave a form that waits for ever
            _log.error("%s: ended in %s", type(self).__name__, type(error).__name__)
            self._handle_failure(bug_problem(error))

    def _handle_failure(self, problem: Problem) -> None:
        with suppress(NoMatches):  # the screen was closed meanwhile, and its widgets are gone
            self.show_failure(problem)

    def show_failure(self, problem: Problem) -> None:
        """Show the problem because of which the work in the org service has failed."""
        self.show_problem(problem)

    def show_problem(self, problem: Problem | None) -> None:
        """Show a problem below the fields; if `problem` is None, remove the problem shown before."""
        message = self.query_one("#wrong", Static)
        message.update(Content(f"{problem.message} {problem.hint}" if problem else ""))
        message.display = problem is not None
        if problem:
            self.call_after_refresh(message.scroll_visible, animate=False)

    def finish(self, result: T) -> None:
        """Close this screen with `result`, as soon as no other screen is on top of it."""
        self._result.append(result)
        self.tick()

    def tick(self) -> None:
        """Close the screen if `finish` has set a result. Called once a second while it is on top."""
        if self._result and self.is_current:
            self.dismiss(self._result.pop())

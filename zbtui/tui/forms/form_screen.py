"""What the screens have in common that change which orgs are watched."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

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
_log = logging.getLogger(__name__)


class FormScreen(ModalScreen[T]):
    """Has the desk do something, tells what went wrong, and ends with a result."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("form")

    def __init__(self, org_service: OrgService) -> None:
        super().__init__()
        self.org_service = org_service
        self._result: list[T] = []
        """What it ends with, once it does."""

    def run_in_service(self, work: Coroutine[Any, Any, None]) -> None:
        """Done to its end by the desk, even where this screen is left or the app quits meanwhile."""
        self.org_service.start_task(self._run_guarded(work))

    async def _run_guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (StoppedError, NoMatches):
            pass  # left meanwhile
        except ProblemError as error:
            self._handle_failure(error.problem)
        except Exception as error:  # a bug of ours must not leave a form that waits for ever
            _log.error("%s: ended in %s", type(self).__name__, type(error).__name__)
            self._handle_failure(bug_problem(error))

    def _handle_failure(self, trouble: Problem) -> None:
        with suppress(NoMatches):  # left meanwhile, and its widgets have gone
            self.show_failure(trouble)

    def show_failure(self, trouble: Problem) -> None:
        """What was to be done could not be done."""
        self.show_problem(trouble)

    def show_problem(self, trouble: Problem | None) -> None:
        """What is wrong, below the fields; None: nothing."""
        wrong = self.query_one("#wrong", Static)
        wrong.update(Content(f"{trouble.message} {trouble.hint}" if trouble else ""))
        wrong.display = trouble is not None
        if trouble:
            self.call_after_refresh(wrong.scroll_visible, animate=False)

    def finish(self, result: T) -> None:
        """Close with this result, as soon as nothing else is on top."""
        self._result.append(result)
        self.tick()

    def tick(self) -> None:
        """A second went by; called while this screen is on top."""
        if self._result and self.is_current:
            self.dismiss(self._result.pop())

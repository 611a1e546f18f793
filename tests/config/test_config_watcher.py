"""A changed config is published to all subscribers; a wrong one is not published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.store.store_samples import sample_org
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config, Settings
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy

FIRST = Config(WatchPolicy(), (sample_org(),))
SECOND = Config(WatchPolicy(every=timedelta(hours=1)), (sample_org(), sample_org("b")))
WRONG, WORSE = (Problem("config", f"Line {line} is wrong.", "Mend it.") for line in (3, 4))


def reloading(*outcomes: Config | Problem | None) -> Callable[[], Config | None]:
    """A loader that returns or raises these outcomes in turn."""
    left = iter(outcomes)

    def reload() -> Config | None:
        outcome = next(left)
        if isinstance(outcome, Problem):
            raise ProblemError(outcome)
        return outcome

    return reload


def test_each_change_goes_to_every_subscriber_once_and_in_their_order() -> None:
    watcher = ConfigWatcher(FIRST, reloading(None, SECOND, None, FIRST))
    heard: list[tuple[str, Config]] = []
    for name in ("fleet", "screen"):
        watcher.subscribe(partial(lambda name, config: heard.append((name, config)), name))
    assert (watcher.current, heard) == (FIRST, [])
    for _ in range(3):
        watcher.check_for_change()
    assert heard == [("fleet", SECOND), ("screen", SECOND)]
    assert watcher.current is SECOND
    watcher.check_for_change()
    assert heard[2:] == [("fleet", FIRST), ("screen", FIRST)]


def test_a_config_that_was_only_touched_is_published_too() -> None:
    """The change may be a new sign-in for an org whose old one was dead."""
    store = MemoryConfigStore(FIRST)
    watcher, heard = ConfigWatcher(FIRST, store.load_if_changed), list[Config]()
    watcher.subscribe(heard.append)
    store.announce_change()
    watcher.check_for_change()
    watcher.check_for_change()
    assert heard == [FIRST]


def test_a_wrong_config_is_the_problem_until_it_is_corrected_and_the_last_one_stays() -> None:
    watcher = ConfigWatcher(FIRST, reloading(WRONG, None, WORSE, SECOND))
    heard: list[Config] = []
    watcher.subscribe(heard.append)
    for problem in (WRONG, WRONG, WORSE):  # an unchanged file does not clear the problem
        watcher.check_for_change()
        assert (watcher.problem, watcher.current, heard) == (problem, FIRST, [])
    watcher.check_for_change()
    assert (watcher.problem, watcher.current, heard) == (None, SECOND, [SECOND])


WITHOUT_B = Config(WatchPolicy(), (sample_org(),))
MUTED = Config(WatchPolicy(), (sample_org(mute=True),))
WITH_WEBHOOK = Config(
    WatchPolicy(), (sample_org(),), Settings(AlertSettings(webhook="https://example.com"))
)


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        (SECOND, WITHOUT_B, True),
        (SECOND, Config(), True),
        (MUTED, FIRST, True),
        (WITH_WEBHOOK, FIRST, True),
        (FIRST, SECOND, False),
        (FIRST, MUTED, False),
        (FIRST, WITH_WEBHOOK, False),
    ],
)
def test_a_config_that_removes_something_waits_until_the_file_is_settled(
    before: Config, after: Config, held: bool
) -> None:
    """An editor may have written half of the file."""
    settled, heard = False, list[Config]()
    watcher = ConfigWatcher(before, reloading(after, None, None, None), lambda: settled)
    watcher.subscribe(heard.append)
    for _ in range(2):
        watcher.check_for_change()
    assert heard == ([] if held else [after])
    settled = True
    for _ in range(2):
        watcher.check_for_change()
    assert (heard, watcher.current) == ([after], after)


@pytest.mark.parametrize("next_", [SECOND, WRONG])
def test_a_file_that_was_empty_for_a_moment_took_nothing_away(next_: Config | Problem) -> None:
    settled, heard = False, list[Config]()
    watcher = ConfigWatcher(SECOND, reloading(Config(), None, next_, None), lambda: settled)
    watcher.subscribe(heard.append)
    for _ in range(3):
        watcher.check_for_change()
    settled = True
    watcher.check_for_change()
    assert (Config() not in heard, watcher.current) == (True, SECOND)


def test_any_other_exception_is_raised() -> None:
    def broken() -> Config | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ConfigWatcher(FIRST, broken).check_for_change()

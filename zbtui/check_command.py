"""`zbtui check`: poll each org once within a time limit, or keep watching and print each change."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from zbtui.alerts.dispatcher import AlertDispatcher
from zbtui.ask import print_message, print_problem, silence_stdout
from zbtui.check import EXIT_STATUS_BY_LEVEL, Report, check_orgs, formatter_for, report_on
from zbtui.check.change_stream import ChangeStream
from zbtui.check.columns import supports_colour
from zbtui.check.deadline import ending_within
from zbtui.check.shutdown import reader_is_gone, stopped_by_signals
from zbtui.clock import StopSignal, SystemClock
from zbtui.config.parsing import find_org
from zbtui.config.settings import Config
from zbtui.health.observe import apply_failure
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.verdict import Level
from zbtui.store.log import log_to_file
from zbtui.store.worker import run_event_loop
from zbtui.watch.fleet import NO_ANSWER_IN_TIME
from zbtui.wiring import Watch, make_config_file, make_watch, open_org_service, paths_from_arguments

DEFAULT_TIMEOUT: Final = timedelta(seconds=60)
_END_SECONDS: Final = 1.0
"""The seconds at the end of the time limit that are reserved for journal, output and exit of the
process."""
_ALERT_SECONDS: Final = 5.0
"""The seconds before `_END_SECONDS` that are reserved for sending alerts."""


class _Answer:
    """Holds the report of a check and prints it once: at the end of the check or of its time limit."""

    def __init__(self, write: Callable[[Report], str], *, is_openmetrics: bool) -> None:
        self.report: Report | None = None
        """The report to print; None until the config is read."""
        self._write = write
        self._is_openmetrics = is_openmetrics
        self._turn = threading.Lock()
        self._is_printed = False

    def finish(self) -> int:
        """Print the report if it is not printed yet; returns the exit status of the check."""
        report = self.report
        if report is None:
            print_message("zbtui: The config, or the folder that it is in, did not answer in time.")
            return EXIT_STATUS_BY_LEVEL[Level.UNKNOWN]
        # Another thread may be stuck in printing, if nobody reads its output.
        if self._turn.acquire(timeout=_END_SECONDS / 2):
            try:
                if not self._is_printed:
                    self._is_printed = True
                    self._print(report)
            finally:
                self._turn.release()
        return EXIT_STATUS_BY_LEVEL[report.level]

    def _print(self, report: Report) -> None:
        if self._is_openmetrics and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # OpenMetrics requires both
        print(self._write(report), flush=True)


def check_once(args: argparse.Namespace) -> int:
    """Poll each org once, print the report and send alerts; returns the exit status."""
    limit = (args.timeout or DEFAULT_TIMEOUT).total_seconds()
    # The time limit begins with the process, whose age is roughly the CPU time that it has used.
    began = time.monotonic() - min(time.process_time(), limit / 4)
    write = formatter_for(args.format or "text", coloured=supports_colour(sys.stdout, os.environ))
    answer = _Answer(write, is_openmetrics=args.format == "openmetrics")

    def seconds_left(reserved: float) -> float:
        """Return the seconds to the end of the limit, less `reserved` (at most a third of the limit)."""
        return max(began + limit - min(reserved, limit / 3) - time.monotonic(), 0)

    with ending_within(seconds_left(0), answer.finish):
        paths = paths_from_arguments(args)
        file = make_config_file(paths)
        config = file.load()
        chosen = _chosen_orgs(args.names, config)
        only = replace(config, orgs=chosen or config.orgs)
        answer.report = _nothing_known(only)
        log_to_file(paths.log)

        async def check() -> None:
            async with open_org_service(paths, file) as org_service:
                watch = make_watch(org_service, only)
                alerts = watch.alerts if args.notify else None
                if alerts:
                    _warn_without_channel(config)
                seconds = seconds_left(_END_SECONDS + _ALERT_SECONDS if alerts else _END_SECONDS)
                max_age, names = args.max_age or timedelta(), [org.name for org in only.orgs]
                answer.report = await check_orgs(watch.fleet, names, max_age=max_age, seconds=seconds)
                if alerts:
                    await _send_alerts(answer.report, watch, covers_all_orgs=not chosen)
                cache_problem = watch.org_service.stores.credentials.cache_problem
                alert_problems = alerts.problems if alerts else ()
                for problem in (watch.fleet.journal_problem, cache_problem, *alert_problems):
                    if problem:
                        print_problem(problem)
                answer.finish()

        run_event_loop(check())
    return answer.finish()


def _nothing_known(config: Config) -> Report:
    """Return the report for the case that no org answers in time."""
    now = SystemClock().now()
    return report_on(
        [apply_failure(Snapshot(org), NO_ANSWER_IN_TIME, now) for org in config.orgs], config.policy, now
    )


async def _send_alerts(report: Report, watch: Watch, *, covers_all_orgs: bool) -> None:
    snapshots, fleet = [result.snapshot for result in report.results], watch.fleet
    await watch.alerts.evaluate(snapshots, fleet.policy, fleet.verdicts, covers_all_orgs=covers_all_orgs)
    await watch.alerts.deliver()


def stream_changes(args: argparse.Namespace) -> int:
    """Watch until stopped, and print a line of JSON for each change; returns the exit status."""
    for option, value in (
        ("--format", args.format),
        ("--timeout", args.timeout),
        ("--max-age", args.max_age),
    ):
        if value not in (None, "json"):
            message = "A watch goes on, and tells each change as a line of JSON."
            raise ProblemError(Problem("config", message, f"Leave out {option}."))
    paths = paths_from_arguments(args)
    file = make_config_file(paths)
    config = file.load()
    names = [org.name for org in _chosen_orgs(args.names, config)]
    log_to_file(paths.log)

    async def stream() -> None:
        async with open_org_service(paths, file) as org_service:
            watch = make_watch(org_service, config)  # the whole config, which may change
            if args.notify:
                _warn_without_channel(config)
            await _run_change_stream(watch, names, watch.alerts if args.notify else None)

    run_event_loop(stream())
    return 0


def _chosen_orgs(names: Sequence[str], config: Config) -> tuple[Org, ...]:
    return tuple(find_org(config, name) for name in dict.fromkeys(names))


def _warn_without_channel(config: Config) -> None:
    if not (config.settings.alerts.on_change or config.settings.alerts.webhook):
        print_message(
            "zbtui: Nobody is notified: [alerts] in the config has neither on_change nor webhook."
        )


async def _run_change_stream(watch: Watch, names: Sequence[str], alerts: AlertDispatcher | None) -> None:
    def write(line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            silence_stdout()
            raise

    clock = watch.org_service.clock
    watcher = ChangeStream(
        watch.config,
        watch.fleet,
        clock,
        write,
        print_problem,
        names=names,
        alerts=alerts,
        cache_problem=lambda: watch.org_service.stores.credentials.cache_problem,
        reader_is_gone=lambda: reader_is_gone(sys.stdout),
    )
    stop = StopSignal(clock)
    with stopped_by_signals(stop):
        await watcher.run(stop)

"""The command line: one function per command, which imports only what the command needs.

Data goes to stdout, everything else to stderr. No secret is ever an argument.
"""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from zbtui.arguments import EXIT_WRONG_USAGE, Command, make_parser
from zbtui.ask import is_terminal, print_message, print_problem, silence_stdout
from zbtui.model.problem import Problem, ProblemError
from zbtui.presentation.ascii_text import replace_unencodable
from zbtui.wiring import (
    make_config_file,
    make_credential_store,
    make_watch,
    open_org_service,
    paths_from_arguments,
    run_with_org_service,
)

if TYPE_CHECKING:
    from zbtui.model.org import Org
    from zbtui.onboarding import OrgService
    from zbtui.store.screen_memory import ScreenMemory
    from zbtui.wiring import Watch

EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130
_ERROR_HANDLER: Final = "zbtui-ascii"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (by default the arguments of this process); returns the exit status."""
    _occupy_closed_streams()
    # Our glyphs, and the names of orgs, may have characters that the stream cannot encode.
    codecs.register_error(_ERROR_HANDLER, replace_unencodable)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERROR_HANDLER)
    args = argparse.Namespace()
    try:
        return _run_command(argv, args)
    except ProblemError as error:
        print_message(f"zbtui: {error.problem.message} {error.problem.hint}{_retry_text(error.problem)}")
        return EXIT_WRONG_USAGE if error.problem.kind == "config" else EXIT_FAILED
    except KeyboardInterrupt:
        print_message("")  # ends the line of the prompt
        return EXIT_INTERRUPTED
    except EOFError:
        print_message("zbtui: Nothing was typed; nothing was changed.")
        return EXIT_FAILED
    except OSError as error:
        silence_stdout()
        if not isinstance(error, BrokenPipeError):  # the reader closed the pipe: no error
            print_message(f"zbtui: {error.strerror}.")
        return _failure_exit_status(args)
    except Exception as error:
        from zbtui.model.crash import describe_crash

        print_message(describe_crash(error))
        return _failure_exit_status(args)


def _occupy_closed_streams() -> None:
    """Open the null device for each closed standard stream.

    Otherwise the next file opened, such as the journal, would take the number of stdout or stderr.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def _run_command(argv: Sequence[str] | None, args: argparse.Namespace) -> int:
    """Parse the arguments, run the command and return its exit status.

    The parsed arguments are stored in `args`, so that the caller can read them after an error.
    """
    try:
        make_parser(_COMMANDS).parse_args(argv, args)
        command: Callable[[argparse.Namespace], int] = args.command
        return command(args)
    finally:
        # Flush here: at exit, Python would print an error if the reader is gone.
        if sys.stdout is not None:
            sys.stdout.flush()


def _retry_text(problem: Problem) -> str:
    """Return a sentence on how long to wait before a retry; empty if there is nothing to wait for."""
    if problem.retry_at is None:
        return ""
    from datetime import UTC, datetime

    from zbtui.model.time_format import countdown

    wait = problem.retry_at - datetime.now(UTC)
    return f" Try again in {countdown(wait)}." if wait.total_seconds() > 0 else ""


def _failure_exit_status(args: argparse.Namespace) -> int:
    """Return the exit status after an error: 3 (unknown) for `check`, whose 1 means a warning; else 1."""
    return EXIT_WRONG_USAGE if getattr(args, "command", None) is _check else EXIT_FAILED


# Commands


def _watch(args: argparse.Namespace) -> int:
    from zbtui.store.log import log_to_file
    from zbtui.store.screen_memory import ScreenMemory
    from zbtui.store.worker import run_event_loop

    paths = paths_from_arguments(args)
    file = make_config_file(paths)
    config = file.load()
    _prepare_terminal()
    log_to_file(paths.log)

    async def watch() -> int | str | None:
        async with open_org_service(paths, file) as org_service:
            return await _run_app(make_watch(org_service, config), memory=ScreenMemory(paths.screen))

    outcome = run_event_loop(watch())
    from zbtui.tui.app import DEMO_REQUESTED

    if outcome == DEMO_REQUESTED:
        return _demo(make_parser(_COMMANDS).parse_args(["demo"]))
    return outcome if isinstance(outcome, int) else 0


def _demo(args: argparse.Namespace) -> int:
    _prepare_terminal()

    from zbtui.store.log import disable_logging
    from zbtui.store.worker import run_event_loop

    disable_logging()

    async def watch() -> int | str | None:
        from zbtui.demo.demo_session import open_demo

        async with open_demo(args.orgs, args.speed, args.seed, replay=args.replay) as demo_watch:
            return await _run_app(demo_watch, "replay" if args.replay else "demo: all invented")

    outcome = run_event_loop(watch())
    return outcome if isinstance(outcome, int) else 0


async def _run_app(
    watch: Watch, label: str | None = None, memory: ScreenMemory | None = None
) -> int | str | None:
    from zbtui.tui.app import ZbtuiApp

    app = ZbtuiApp(*watch, label, memory)
    try:
        outcome = await app.run_async()
    finally:
        await watch.org_service.finish_tasks()
        if memory is not None:
            await memory.close()
    return app.return_code if app.return_code else outcome


def _add(args: argparse.Namespace) -> int:
    keys = ("name", "data_center", "client_id", "soid", "accounts_url", "api_url")
    table = {key: value for key in keys if (value := getattr(args, key)) is not None}

    async def add(org_service: OrgService) -> int:
        from zbtui import manage

        return await manage.add_org(
            org_service, table, args.grant, args.port, verify=not args.no_verify, assume_yes=args.yes
        )

    return run_with_org_service(args, add)


def _sign_in(args: argparse.Namespace) -> int:
    keys = ("data_center", "client_id", "soid")
    changed = {key: value for key in keys if (value := getattr(args, key)) is not None}

    async def sign_in(org_service: OrgService) -> int:
        from zbtui import manage

        return await manage.sign_in_again(
            org_service, args.name, changed, args.grant, args.port, assume_yes=args.yes
        )

    return run_with_org_service(args, sign_in)


def _remove(args: argparse.Namespace) -> int:
    async def remove(org_service: OrgService) -> int:
        from zbtui import manage

        return await manage.remove_org(org_service, args.name, assume_yes=args.yes, revoke=args.revoke)

    return run_with_org_service(args, remove)


def _list(args: argparse.Namespace) -> int:
    orgs = make_config_file(paths_from_arguments(args)).load().orgs
    if args.json:
        import json

        from zbtui.config.parsing import ORG_KEYS, org_to_table
        from zbtui.model.watch_policy import POLICY_KEYS

        defaults = dict.fromkeys((*ORG_KEYS, *POLICY_KEYS)) | {"mute": False, "tags": []}
        body = {"schema": 1, "orgs": [defaults | org_to_table(org) for org in orgs]}
        print(json.dumps(body, indent=2))
        return 0
    if not orgs:
        print_message("No org is under watch yet: see zbtui add --help, or try zbtui demo.")
    widest = max((len(org.name) for org in orgs), default=0)
    for org in orgs:
        print(f"{org.name:<{widest}}  {org.data_center:<6}  {org.grant:<18}  {org.client_id}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from zbtui.check_command import check_once, stream_changes

    return stream_changes(args) if args.watch else check_once(args)


def _events(args: argparse.Namespace) -> int:
    from zbtui.check.columns import supports_colour
    from zbtui.check.event_format import event_json_line, event_rows
    from zbtui.clock import SystemClock
    from zbtui.config.parsing import find_org
    from zbtui.health.events import Event
    from zbtui.store.journal import open_journal
    from zbtui.store.worker import run_event_loop

    paths = paths_from_arguments(args)
    since = SystemClock().now() - args.since if args.since else None

    async def read() -> tuple[list[Event], bool, Problem | None]:
        orgs: tuple[Org, ...] = ()
        with suppress(ProblemError):  # the events can be shown without the config
            orgs = make_config_file(paths).load().orgs
        journal = open_journal(paths.journal, folders=paths.fallbacks)
        try:
            events = await journal.events.read(args.name, since, args.most, orgs)
            is_known = bool(events or await journal.events.read(args.name, None, 1, orgs))
            return events, is_known, journal.problem
        finally:
            await journal.close()

    events, is_known, problem = run_event_loop(read())
    if problem:
        print_problem(problem)
        return EXIT_FAILED
    if args.name is not None and not is_known:
        find_org(make_config_file(paths).load(), args.name)  # raises if no org ever had this name
    if not events:
        print_message(f"zbtui: Nothing has changed {'in that time' if is_known else 'yet'}.")
    if args.json:
        for event in events:
            print(event_json_line(event))
    elif events:
        print(event_rows(events, coloured=supports_colour(sys.stdout, os.environ)))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    if args.capture is not None:
        from zbtui.manage import capture_org

        for option, is_given in (("--json", args.json), ("--find-data-center", args.find_data_center)):
            if is_given:
                message = "--capture records answers in a file, and examines nothing."
                raise ProblemError(Problem("config", message, f"Leave out {option}."))
        return run_with_org_service(
            args, lambda org_service: capture_org(org_service, args.names, args.capture)
        )
    from contextlib import aclosing

    from zbtui.doctor import Doctor, Finding, exit_code, finding_lines, findings_as_json, findings_summary
    from zbtui.store.plain_keyring import find_plain_keyring
    from zbtui.store.worker import run_event_loop

    paths = paths_from_arguments(args)
    file = make_config_file(paths)

    async def examine() -> list[Finding]:
        async with open_org_service(paths, file) as org_service:
            stores, keyring = org_service.stores, make_credential_store(paths)
            doctor = Doctor(
                file.load,
                keyring,
                keyring.probe,
                stores.journal,
                org_service.http,
                org_service.clock,
                file.name,
                str(paths.journal),
                find_plain_keyring=lambda: find_plain_keyring(os.environ),
                distrust_config=file.distrust,
            )
            findings: list[Finding] = []
            checks = doctor.examine(tuple(args.names), search_data_centers=args.find_data_center)
            async with aclosing(checks):
                async for finding in checks:
                    if not args.json:
                        lines = finding_lines(finding, findings[-1] if findings else None)
                        print("\n".join(lines), flush=True)
                    findings.append(finding)
            return findings

    findings = run_event_loop(examine())
    print(findings_as_json(findings) if args.json else findings_summary(findings))
    return exit_code(findings)


def _test_alerts(args: argparse.Namespace) -> int:
    from zbtui.alerts.channel_test import ChannelAnswer, answers_as_json, send_test_alert
    from zbtui.store.worker import run_event_loop

    file = make_config_file(paths_from_arguments(args))
    settings, distrust = file.load().settings.alerts, file.distrust()
    if distrust:
        raise ProblemError(distrust)
    if not (settings.on_change or settings.webhook):
        message = "Nobody is notified: [alerts] in the config has neither on_change nor webhook."
        raise ProblemError(Problem("config", message, "Name a program or an address there."))

    async def send() -> list[ChannelAnswer]:
        from zbtui.clock import SystemClock
        from zbtui.zoho.http import HttpClient

        async with HttpClient() as http:
            return await send_test_alert(settings, http, SystemClock())

    answers = run_event_loop(send())
    lines = [f"{one.channel}  {one.text}" for one in answers]
    print(answers_as_json(answers) if args.json else "\n".join(lines))
    return EXIT_FAILED if any(isinstance(one.answer, Problem) for one in answers) else 0


def _paths(args: argparse.Namespace) -> int:
    paths = paths_from_arguments(args)
    for name, path in (("config", paths.config), ("journal", paths.journal), ("log", paths.log)):
        print(f"{name:<8} {path}")
    return 0


def _prepare_terminal() -> None:
    """Prepare the terminal for Textual. Raises a `ProblemError` if the screen cannot be shown."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        wrong = Problem("config", "The screen needs a terminal.", "Without one, use zbtui check.")
        raise ProblemError(wrong)
    if os.environ.get("TERM") == "dumb":
        message = "This terminal cannot show the screen: it is a dumb one, by TERM."
        raise ProblemError(Problem("config", message, "Use zbtui check, or another terminal."))
    if not is_terminal(sys.stderr):
        # Textual paints to `__stderr__`; our messages still go to stderr.
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(
            name, None
        )  # some shells export them, but do not update them when the terminal's size changes


_COMMANDS: Final[dict[str, Command]] = {
    "watch": _watch,
    "demo": _demo,
    "add": _add,
    "sign-in": _sign_in,
    "list": _list,
    "remove": _remove,
    "check": _check,
    "events": _events,
    "doctor": _doctor,
    "alerts": _test_alerts,
    "paths": _paths,
}

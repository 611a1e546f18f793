"""The command line: parses, builds the parts, hands over. Imports what a command needs when it needs it.

Data goes to stdout, everything else to stderr. No secret is ever an argument.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from zbtui.arguments import WRONG_USAGE, Command, make_parser
from zbtui.ask import is_terminal, say
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.parts import (
    config_file,
    find_paths_of,
    make_watch,
    open_credentials,
    open_desk,
    with_desk,
)

if TYPE_CHECKING:
    from zbtui.alerts.desk import AlertDesk
    from zbtui.onboard import Desk
    from zbtui.parts import Watch
    from zbtui.store.screen_memory import ScreenMemory

FAILED: Final = 1
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    # What Zoho or the user named may not be in this terminal's character set.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    args = argparse.Namespace()
    try:
        return _run(argv, args)
    except TroubleError as error:
        say(f"zbtui: {error.trouble.message} {error.trouble.hint}{_until(error.trouble)}")
        return WRONG_USAGE if error.trouble.kind == "config" else FAILED
    except KeyboardInterrupt:
        say("")  # the prompt that was left
        return INTERRUPTED
    except EOFError:
        say("zbtui: Nothing was typed; nothing was changed.")
        return FAILED
    except OSError as error:
        _hush_stdout()
        if not isinstance(error, BrokenPipeError):  # whoever read it has had enough
            say(f"zbtui: {error.strerror}.")
        return _failed(args)
    except Exception as error:
        from zbtui.core.crash import describe

        say(describe(error))
        return _failed(args)


def _run(argv: Sequence[str] | None, args: argparse.Namespace) -> int:
    """Fills in `args`: what was asked for is known even where it fails."""
    try:
        make_parser(_COMMANDS).parse_args(argv, args)
        command: Callable[[argparse.Namespace], int] = args.command
        return command(args)
    finally:
        # Here, not when Python ends: it would tell of a reader that has gone.
        if sys.stdout is not None:
            sys.stdout.flush()


def _hush_stdout() -> None:
    """It cannot be written to, and Python must not try to once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(trouble: Trouble) -> None:
    say(f"zbtui: {trouble.message} {trouble.hint}")


def _until(trouble: Trouble) -> str:
    """How long nobody may ask again, where that is known."""
    if trouble.retry_at is None:
        return ""
    from datetime import UTC, datetime

    from zbtui.core.timefmt import countdown

    ahead = trouble.retry_at - datetime.now(UTC)
    return f" Try again in {countdown(ahead)}." if ahead.total_seconds() > 0 else ""


def _failed(args: argparse.Namespace) -> int:
    """A check that did not come to an end is unknown, not a warning."""
    return WRONG_USAGE if getattr(args, "command", None) is _check else FAILED


# Commands


def _watch(args: argparse.Namespace) -> int:
    from zbtui.store.log import log_to
    from zbtui.store.screen_memory import ScreenMemory
    from zbtui.store.worker import run

    paths = find_paths_of(args)
    file = config_file(paths)
    config = file.load()
    _need_terminal()
    log_to(paths.log)

    async def watch() -> int | str | None:
        async with open_desk(paths, file) as desk:
            return await _run_app(make_watch(desk, config), memory=ScreenMemory(paths.screen))

    outcome = run(watch())
    from zbtui.tui.app import DEMO

    if outcome == DEMO:
        return _demo(make_parser(_COMMANDS).parse_args(["demo"]))
    return outcome if isinstance(outcome, int) else 0


def _demo(args: argparse.Namespace) -> int:
    _need_terminal()

    from zbtui.store.log import log_nowhere
    from zbtui.store.worker import run

    log_nowhere()

    async def watch() -> int | str | None:
        from zbtui.demo.household import open_demo

        async with open_demo(args.orgs, args.speed, args.seed) as watched:
            return await _run_app(watched, "demo: all invented")

    outcome = run(watch())
    return outcome if isinstance(outcome, int) else 0


async def _run_app(
    watch: Watch, label: str | None = None, memory: ScreenMemory | None = None
) -> int | str | None:
    from zbtui.tui.app import ZbtuiApp

    app = ZbtuiApp(*watch, label, memory)
    try:
        outcome = await app.run_async()
    finally:
        await watch.desk.finish()
        if memory is not None:
            await memory.close()
    return app.return_code if app.return_code else outcome


def _add(args: argparse.Namespace) -> int:
    keys = ("name", "data_center", "client_id", "soid", "accounts_url", "api_url")
    table = {key: value for key in keys if (value := getattr(args, key)) is not None}

    async def add(desk: Desk) -> int:
        from zbtui import manage

        return await manage.add(
            desk, table, args.grant, args.port, verified=not args.no_verify, sure=args.yes
        )

    return with_desk(args, add)


def _sign_in(args: argparse.Namespace) -> int:
    keys = ("data_center", "client_id", "soid")
    changed = {key: value for key in keys if (value := getattr(args, key)) is not None}

    async def sign_in(desk: Desk) -> int:
        from zbtui import manage

        return await manage.sign_in_again(desk, args.name, changed, args.grant, args.port, sure=args.yes)

    return with_desk(args, sign_in)


def _remove(args: argparse.Namespace) -> int:
    async def remove(desk: Desk) -> int:
        from zbtui import manage

        return await manage.remove(desk, args.name, sure=args.yes, revoking=args.revoke)

    return with_desk(args, remove)


def _list(args: argparse.Namespace) -> int:
    orgs = config_file(find_paths_of(args)).load().orgs
    if args.json:
        import json

        from zbtui.config.parsing import ORG_KEYS, org_table
        from zbtui.core.org import POLICY_KEYS

        nothing = dict.fromkeys((*ORG_KEYS, *POLICY_KEYS)) | {"mute": False, "tags": []}
        body = {"schema": 1, "orgs": [nothing | org_table(org) for org in orgs]}
        print(json.dumps(body, indent=2))
        return 0
    if not orgs:
        say("No org is under watch yet: see zbtui add --help, or try zbtui demo.")
    widest = max((len(org.name) for org in orgs), default=0)
    for org in orgs:
        print(f"{org.name:<{widest}}  {org.data_center:<6}  {org.grant:<18}  {org.client_id}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from zbtui.check import EXIT_CODES, Report, check, writer_of
    from zbtui.check.columns import takes_colour
    from zbtui.config.parsing import find_org
    from zbtui.store.log import log_to
    from zbtui.store.worker import run

    if args.watch and args.format not in (None, "json"):
        wrong = Trouble("config", "A watch tells each change as a line of JSON.", "Leave out --format.")
        raise TroubleError(wrong)
    write = writer_of(args.format or "text", coloured=takes_colour(sys.stdout, os.environ))
    paths = find_paths_of(args)
    file = config_file(paths)
    config = file.load()
    chosen = tuple(find_org(config, name) for name in dict.fromkeys(args.names))
    log_to(paths.log)

    async def look() -> Report | None:
        async with open_desk(paths, file) as desk:
            # A watch goes by the whole config, which may change; one look needs no more than its orgs.
            watched = config if args.watch or not chosen else replace(config, orgs=chosen)
            watch = make_watch(desk, watched)
            fleet, alerts = watch.fleet, watch.alerts if args.notify else None
            if alerts and not (config.settings.alerts.on_change or config.settings.alerts.webhook):
                say("zbtui: Nobody is notified: [alerts] in the config has neither on_change nor webhook.")
            if args.watch:
                await _keep_checking(watch, [org.name for org in chosen], alerts)
                return None
            report = await check(fleet, [org.name for org in chosen or config.orgs])
            if alerts:
                seen = [finding.snapshot for finding in report.findings]
                await alerts.consider(seen, fleet.policy, fleet.verdicts, whole=not chosen)
                await alerts.deliver()
            for trouble in (fleet.journal_trouble, *(alerts.troubles if alerts else ())):
                if trouble:
                    _tell(trouble)
            return report

    report = run(look())
    if report is None:
        return 0
    if args.format == "openmetrics" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # the format has no other
    print(write(report))
    return EXIT_CODES[report.level]


async def _keep_checking(watch: Watch, names: Sequence[str], alerts: AlertDesk | None) -> None:
    from zbtui.check.stopping import is_gone, stopped_by_signals
    from zbtui.check.watching import Watcher
    from zbtui.clock import Stop

    def write(line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError:
            _hush_stdout()
            raise

    clock = watch.desk.clock
    watcher = Watcher(
        watch.config,
        watch.fleet,
        clock,
        write,
        _tell,
        names=names,
        alerts=alerts,
        is_gone=lambda: is_gone(sys.stdout),
    )
    stop = Stop(clock)
    with stopped_by_signals(stop):
        await watcher.run(stop)


def _events(args: argparse.Namespace) -> int:
    from zbtui.check.columns import takes_colour
    from zbtui.check.events import as_line, as_rows
    from zbtui.clock import SystemClock
    from zbtui.config.parsing import find_org
    from zbtui.core.event import Event
    from zbtui.store.journal import open_journal
    from zbtui.store.worker import run

    paths = find_paths_of(args)
    since = SystemClock().now() - args.since if args.since else None

    async def read() -> tuple[list[Event], bool, Trouble | None]:
        journal = open_journal(paths.journal, folders=paths.fallbacks)
        try:
            events = await journal.events.read(args.name, since, args.most)
            is_known = bool(events or await journal.events.read(args.name, None, 1))
            return events, is_known, journal.trouble
        finally:
            await journal.close()

    events, is_known, trouble = run(read())
    if trouble:
        _tell(trouble)
        return FAILED
    if args.name is not None and not is_known:
        find_org(config_file(paths).load(), args.name)  # or else nobody of that name was ever watched
    if not events:
        say("zbtui: Nothing has changed in that time." if is_known else "zbtui: Nothing has changed yet.")
    if args.json:
        for event in events:
            print(as_line(event))
    elif events:
        print(as_rows(events, coloured=takes_colour(sys.stdout, os.environ)))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from contextlib import aclosing

    from zbtui.doctor import Doctor, Finding, as_json, exit_code, lines_of, summary
    from zbtui.store.worker import run

    paths = find_paths_of(args)
    file = config_file(paths)

    async def examine() -> list[Finding]:
        async with open_desk(paths, file) as desk:
            home, keyring = desk.household, open_credentials(paths)
            doctor = Doctor(
                file.load,
                keyring,
                keyring.probe,
                home.journal,
                desk.http,
                desk.clock,
                str(paths.config),
                str(paths.journal),
            )
            findings: list[Finding] = []
            walk = doctor.examine(tuple(args.names), searching=args.find_data_center)
            async with aclosing(walk):
                async for finding in walk:
                    if not args.json:
                        print("\n".join(lines_of(finding, findings[-1] if findings else None)), flush=True)
                    findings.append(finding)
            return findings

    findings = run(examine())
    print(as_json(findings) if args.json else summary(findings))
    return exit_code(findings)


def _paths(args: argparse.Namespace) -> int:
    paths = find_paths_of(args)
    for name, path in (("config", paths.config), ("journal", paths.journal), ("log", paths.log)):
        print(f"{name:<8} {path}")
    return 0


def _need_terminal() -> None:
    if not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise TroubleError(
            Trouble("config", "The screen needs a terminal.", "Without one, use zbtui check.")
        )


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
    "paths": _paths,
}

"""The command line: parses, builds the parts, hands over. Imports what a command needs when it needs it.

Data goes to stdout, everything else to stderr. No secret is ever an argument.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, NoReturn

from zbtui import __version__
from zbtui.ask import is_terminal, read_sign_in
from zbtui.core.org import GRANTS
from zbtui.core.trouble import TroubleError

if TYPE_CHECKING:
    from zbtui.onboard import Household
    from zbtui.store.config import Config, Rules
    from zbtui.store.memory import Credentials
    from zbtui.store.paths import Paths
    from zbtui.watch.fleet import Fleet

FAILED: Final = 1
WRONG_USAGE: Final = 3
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
        _say(f"zbtui: {error.trouble.message} {error.trouble.hint}")
        return WRONG_USAGE if error.trouble.kind == "config" else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except EOFError:
        _say("zbtui: Nothing was typed; nothing was changed.")
        return FAILED
    except OSError as error:
        # The output cannot be written, and Python must not try to once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever read it has had enough
            _say(f"zbtui: {error.strerror}.")
        return _failed(args)
    except Exception as error:
        from zbtui.core.crash import describe

        _say(describe(error))
        return _failed(args)


def _run(argv: Sequence[str] | None, args: argparse.Namespace) -> int:
    """Fills in `args`: what was asked for is known even where it fails."""
    try:
        _parser().parse_args(argv, args)
        command: Callable[[argparse.Namespace], int] = args.command
        return command(args)
    finally:
        # Here, not when Python ends: it would tell of a reader that has gone.
        if sys.stdout is not None:
            sys.stdout.flush()


def _failed(args: argparse.Namespace) -> int:
    """A check that did not come to an end is unknown, not a warning."""
    return WRONG_USAGE if getattr(args, "command", None) is _check else FAILED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong usage ends with 3, as with monitoring plug-ins."""
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"zbtui: {message}\n")


def _parser() -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument(
        "--config", metavar="FILE", default=argparse.SUPPRESS, help="the config file (else $ZBTUI_CONFIG)"
    )
    parser: argparse.ArgumentParser = _Parser(
        prog="zbtui",
        description="Watch the Zoho CRM data backups of many orgs at once. Without a command: watch.",
        parents=[shared],
    )
    parser.add_argument("--version", action="version", version=f"zbtui {__version__}")
    parser.set_defaults(command=_watch)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, act: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(
            name, parents=[shared], help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        made.set_defaults(command=act)
        return made

    demo = command("demo", _demo, "watch invented orgs on a simulated Zoho; nothing is written")
    demo.add_argument("--orgs", type=_count(20_000), default=0, metavar="N", help="how many orgs")
    demo.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="how fast they live (1)")
    demo.add_argument("--seed", type=int, default=0, metavar="S", help="other orgs beyond the first few")

    add = command("add", _add, "put an org under watch; secrets are asked for, or read as JSON from stdin")
    add.add_argument("name", metavar="NAME", help="what to call the org")
    add.add_argument(
        "--data-center", required=True, metavar="DC", help="as the address ends: crm.zoho.eu is eu"
    )
    add.add_argument("--client-id", required=True, metavar="ID", help="of the client in Zoho's API console")
    add.add_argument("--grant", choices=GRANTS, default=GRANTS[0], help=f"how to sign in ({GRANTS[0]})")
    add.add_argument("--soid", metavar="ID", help="ZohoCRM.{org number}, for client-credentials")
    add.add_argument("--accounts-url", metavar="URL", help="for --data-center custom")
    add.add_argument("--api-url", metavar="URL", help="for --data-center custom")
    add.add_argument("--no-verify", action="store_true", help="save without asking Zoho first")

    listing = command("list", _list, "the orgs under watch")
    listing.add_argument("--json", action="store_true", help="as JSON")

    remove = command("remove", _remove, "take an org off watch and delete its credentials")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--yes", action="store_true", help="do not ask")

    check = command("check", _check, "look once, print, exit 0 ok / 1 warning / 2 critical / 3 unknown")
    check.add_argument("names", nargs="*", metavar="NAME", help="only these orgs")
    check.add_argument("--format", choices=("text", "json"), default="text")

    command("paths", _paths, "where config, journal and log are")
    return parser


def _count(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(f"a whole number from 1 to {most} is needed")
        return int(text)

    return parse


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0001 <= speed <= 20:
        raise argparse.ArgumentTypeError("a number from 0.0001 to 20 is needed")
    return speed


# Commands


def _watch(args: argparse.Namespace) -> int:
    from zbtui.store.config import watch_config
    from zbtui.store.log import log_to

    paths, rules = _find_paths(args), _rules()
    config = _load(paths, rules)
    _need_terminal()
    log_to(paths.log)

    async def watch() -> int | str | None:
        async with _open_fleet(paths, config, reload=watch_config(paths.config, rules)) as fleet:
            return await _run_app(fleet)

    outcome = asyncio.run(watch())
    if outcome == "demo":
        return _demo(_parser().parse_args(["demo"]))
    return outcome if isinstance(outcome, int) else 0


def _demo(args: argparse.Namespace) -> int:
    _need_terminal()

    async def watch() -> int | str | None:
        from zbtui.demo.household import open_demo

        async with open_demo(args.orgs, args.speed, args.seed) as fleet:
            return await _run_app(fleet, "demo: all invented")

    outcome = asyncio.run(watch())
    return outcome if isinstance(outcome, int) else 0


async def _run_app(fleet: Fleet, label: str | None = None) -> int | str | None:
    from zbtui.tui.app import ZbtuiApp

    app = ZbtuiApp(fleet, label)
    outcome = await app.run_async()
    return app.return_code if app.return_code else outcome


def _add(args: argparse.Namespace) -> int:
    from zbtui.store.config import check_free, make_org

    paths, rules = _find_paths(args), _rules()
    keys = ("name", "data_center", "client_id", "grant", "soid", "accounts_url", "api_url")
    given = {key: value for key in keys if (value := getattr(args, key)) is not None}
    org = make_org(given, rules)
    check_free(_load(paths, rules), org.name)
    sign_in = read_sign_in(needs_refresh_token=org.grant == "refresh-token")

    async def add(household: Household) -> None:
        from datetime import UTC, datetime

        from zbtui.core.explain import label
        from zbtui.onboard import put_under_watch
        from zbtui.zoho.http import Http

        async with Http() as http:
            looked = await put_under_watch(
                household, http, org, sign_in, datetime.now(UTC), verified=not args.no_verify
            )
        backup = looked.backup if looked else None
        seen = "not verified" if looked is None else (backup.status if backup else "no backup is set up")
        _say(f"{org.name} ({label(org.data_center)}) is under watch: {seen}.")

    return _with_household(paths, rules, add)


def _remove(args: argparse.Namespace) -> int:
    from zbtui.store.config import find_org

    paths, rules = _find_paths(args), _rules()
    find_org(_load(paths, rules), args.name)
    if not args.yes:
        if not is_terminal(sys.stdin):
            _say("Not removed: nobody is there to confirm it. Add --yes.")
            return WRONG_USAGE
        _say(f"Take {args.name} off watch and delete its credentials from the keyring? [y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            _say("Nothing was changed.")
            return FAILED

    async def remove(household: Household) -> None:
        from zbtui.onboard import take_off_watch

        await take_off_watch(household, args.name)
        _say(f"{args.name} is no longer under watch; its refresh token stays valid at Zoho until revoked.")

    return _with_household(paths, rules, remove)


def _list(args: argparse.Namespace) -> int:
    orgs = _load(_find_paths(args), _rules()).orgs
    if args.json:
        import json
        from dataclasses import asdict

        body = {"schema": 1, "orgs": [asdict(org) for org in orgs]}
        print(json.dumps(body, indent=2))
        return 0
    if not orgs:
        _say("No org is under watch yet: see zbtui add --help, or try zbtui demo.")
    widest = max((len(org.name) for org in orgs), default=0)
    for org in orgs:
        print(f"{org.name:<{widest}}  {org.data_center:<6}  {org.grant:<18}  {org.client_id}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from zbtui.check import EXIT_CODES, Report, as_json, as_text, check
    from zbtui.store.config import find_org
    from zbtui.store.log import log_to

    paths = _find_paths(args)
    config = _load(paths, _rules())
    names = [find_org(config, name).name for name in dict.fromkeys(args.names)]
    log_to(paths.log)

    async def run() -> Report:
        async with _open_fleet(paths, config) as fleet:
            report = await check(fleet, names or [org.name for org in config.orgs])
            if trouble := fleet.journal_trouble:
                _say(f"zbtui: {trouble.message} {trouble.hint}")
            return report

    report = asyncio.run(run())
    print(as_json(report) if args.format == "json" else as_text(report))
    return EXIT_CODES[report.level]


def _paths(args: argparse.Namespace) -> int:
    paths = _find_paths(args)
    for name, path in (("config", paths.config), ("journal", paths.journal), ("log", paths.log)):
        print(f"{name:<8} {path}")
    return 0


# Parts


def _find_paths(args: argparse.Namespace) -> Paths:
    from zbtui.store.paths import find_paths

    return find_paths(getattr(args, "config", None), os.environ)


def _rules() -> Rules:
    from zbtui.store.config import Rules
    from zbtui.zoho.datacenter import DATA_CENTERS, check_custom_url, is_loopback

    return Rules(frozenset(DATA_CENTERS), check_custom_url, is_loopback)


def _load(paths: Paths, rules: Rules) -> Config:
    from zbtui.store.config import load_config

    return load_config(paths.config, rules)


def _credentials(paths: Paths) -> Credentials:
    from zbtui.store.credentials import ALLOW_INSECURE, KeyringCredentials

    return KeyringCredentials(paths.locks, allow_insecure=os.environ.get(ALLOW_INSECURE) == "1")


def _open_fleet(
    paths: Paths, config: Config, reload: Callable[[], Config | None] = lambda: None
) -> AbstractAsyncContextManager[Fleet]:
    from zbtui.store.journal import open_journal
    from zbtui.watch.clock import SystemClock
    from zbtui.watch.opening import open_fleet

    journal = open_journal(paths.journal)
    return open_fleet(config, _credentials(paths), journal, SystemClock(), reload=reload)


def _with_household(
    paths: Paths, rules: Rules, act: Callable[[Household], Coroutine[Any, Any, None]]
) -> int:
    from zbtui.onboard import Household
    from zbtui.store.journal import open_journal

    async def run() -> None:
        journal = open_journal(paths.journal)
        lock = paths.locks / "config.lock"
        try:
            await act(Household(paths.config, lock, rules, _credentials(paths), journal))
        finally:
            await journal.close()

    asyncio.run(run())
    return 0


def _need_terminal() -> None:
    from zbtui.core.trouble import Trouble

    if not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise TroubleError(
            Trouble("config", "The screen needs a terminal.", "Without one, use zbtui check.")
        )


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)

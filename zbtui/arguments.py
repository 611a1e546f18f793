"""The arguments of the command line, and how wrong usage is reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, NoReturn

from zbtui import __version__
from zbtui.model.org import SIGN_IN_METHODS
from zbtui.model.time_format import parse_duration
from zbtui.presentation.sign_in_guide import DEFAULT_REDIRECT_PORT

EXIT_WRONG_USAGE: Final = 3
"""The exit status for wrong usage: 3, as in monitoring plug-ins, where 3 also means "unknown"."""

Command = Callable[[argparse.Namespace], int]
"""A function that runs a command with the parsed arguments, and returns the exit status."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the usage and exit with `EXIT_WRONG_USAGE`."""
        if sys.stderr is not None:  # else argparse would take stdout
            self.print_usage(sys.stderr)
        self.exit(EXIT_WRONG_USAGE, f"zbtui: {message}\n")


def make_parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Build the parser of the whole command line; `commands` holds the function of each command by name.

    Without a command, `watch` runs.
    """
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
    parser.set_defaults(command=commands["watch"])
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = subcommands.add_parser(
            name, parents=[shared], help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        made.set_defaults(command=commands[name])
        return made

    demo = command("demo", "watch invented orgs on a simulated Zoho; nothing is written")
    demo.add_argument(
        "--orgs", type=_whole_number_up_to(20_000), default=0, metavar="N", help="how many orgs"
    )
    demo.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="how fast they live (1)")
    demo.add_argument("--seed", type=int, default=0, metavar="S", help="other orgs beyond the first few")
    demo.add_argument(
        "--replay", metavar="FILE", help="one org, which answers as in a file of doctor --capture"
    )

    add = command("add", "put an org under watch; secrets are asked for, or read as JSON from stdin")
    add.add_argument("name", metavar="NAME", help="what to call the org")
    add.add_argument(
        "--data-center", required=True, metavar="DC", help="as the address ends: crm.zoho.eu is eu"
    )
    add.add_argument("--client-id", required=True, metavar="ID", help="of the client in Zoho's API console")
    _add_sign_in_options(add)
    add.add_argument("--accounts-url", metavar="URL", help="for --data-center custom")
    add.add_argument("--api-url", metavar="URL", help="for --data-center custom")
    add.add_argument("--no-verify", action="store_true", help="save without asking Zoho first")

    sign_in = command("sign-in", "sign an org in again: its credentials are replaced")
    sign_in.add_argument("name", metavar="NAME")
    sign_in.add_argument("--data-center", metavar="DC", help="another one than now")
    sign_in.add_argument("--client-id", metavar="ID", help="another one than now")
    _add_sign_in_options(sign_in)

    listing = command("list", "the orgs under watch")
    listing.add_argument("--json", action="store_true", help="as JSON")

    remove = command("remove", "take an org off watch and delete its credentials")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.add_argument("--revoke", action="store_true", help="revoke its refresh token at Zoho, too")

    check = command("check", "look once, print, exit 0 ok / 1 warning / 2 critical / 3 unknown")
    check.add_argument("names", nargs="*", metavar="NAME", help="only these orgs")
    check.add_argument("--format", choices=("text", "json", "openmetrics"), help="text, if not said")
    check.add_argument(
        "--timeout",
        type=_duration,
        metavar="SPAN",
        help="print what is known by then, the rest as unknown (60s)",
    )
    check.add_argument(
        "--max-age",
        type=_duration,
        metavar="SPAN",
        help="where any zbtui has looked within this span, such as 5m, take its answer (15s)",
    )
    check.add_argument("--watch", action="store_true", help="go on, with a line of JSON for each change")
    check.add_argument(
        "--notify", action="store_true", help="send what changed to the command and the webhook of [alerts]"
    )

    events = command("events", "what has changed, as the journal keeps it, oldest first")
    events.add_argument("name", nargs="?", metavar="NAME", help="of this org only, under watch or not")
    events.add_argument(
        "--since", type=_duration, metavar="SPAN", help="not longer ago than this, such as 7d"
    )
    events.add_argument(
        "--most", type=_whole_number_up_to(10_000_000), metavar="N", help="only the newest so many"
    )
    events.add_argument("--json", action="store_true", help="as JSON, one object a line")

    doctor = command("doctor", "walk clock, keyring, config, journal, network, alerts and each org")
    doctor.add_argument("names", nargs="*", metavar="NAME", help="only these orgs")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.add_argument(
        "--find-data-center",
        action="store_true",
        help="where a sign-in is refused, try Zoho's other data centers, once each",
    )
    doctor.add_argument(
        "--capture",
        metavar="FILE",
        help="instead, keep what Zoho answers for one org in a new file, without what identifies it",
    )

    alerts = command("alerts", "test who is alerted").add_subparsers(metavar="ACT", required=True)
    test = alerts.add_parser(
        "test",
        parents=[shared],
        help="send one test alert through each channel of [alerts]; exit 0 if all took it",
        description="Send one test alert through each channel of [alerts], and print what came back.",
    )
    test.add_argument("--json", action="store_true", help="as JSON")

    command("paths", "where config, journal and log are")
    return parser


def _add_sign_in_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--grant", choices=SIGN_IN_METHODS, help="how to sign in; else asked for")
    command.add_argument("--soid", metavar="ID", help="ZohoCRM.{org number}, for client-credentials")
    command.add_argument(
        "--port",
        type=_whole_number_up_to(65535),
        default=DEFAULT_REDIRECT_PORT,
        metavar="N",
        help=f"of this machine, that the browser comes back to ({DEFAULT_REDIRECT_PORT})",
    )
    command.add_argument("--yes", action="store_true", help="do not ask whether it is the right org")


def _whole_number_up_to(maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= maximum):
            raise argparse.ArgumentTypeError(f"a whole number from 1 to {maximum} is needed")
        return int(text)

    return parse


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"needed is {error}") from None


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0001 <= speed <= 20:
        raise argparse.ArgumentTypeError("a number from 0.0001 to 20 is needed")
    return speed

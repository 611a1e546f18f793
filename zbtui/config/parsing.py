"""Parses the text of the config file (TOML) strictly, and reports a mistake with its line."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from zbtui.config.settings import Config, Settings
from zbtui.config.values import (
    InvalidValueError,
    check_address,
    check_bool,
    check_known_keys,
    check_links_warn,
    check_one_of,
    check_tags,
    check_text,
    read_alerts,
    read_durations,
    read_keys,
    read_policy,
    read_retention,
)
from zbtui.model.org import ACCENTS, CUSTOM_DATA_CENTER, GRANTS, Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.model.time_format import format_duration
from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy
from zbtui.zoho_api.data_centers import DATA_CENTERS, custom_url_error, is_loopback

MAX_CLIENT_ID_LENGTH: Final = 200
MAX_NAME_LENGTH: Final = 60
ORG_KEYS: Final = tuple(key.name for key in fields(Org) if key.name != "policy_overrides")
_MIN_INTERVAL: Final = timedelta(seconds=15)
_MIN_INTERVAL_ON_LOOPBACK: Final = timedelta(seconds=1)
_SOID: Final = re.compile(r"ZohoCRM\.[0-9]{1,20}")
TABLE_HEADER: Final = re.compile(r"\s*\[")
ORG_HEADER: Final = re.compile(r"\s*\[\[\s*org\s*\]\]")
_CHECKS: Final[Mapping[str, Callable[[str, object], None]]] = {
    "mute": check_bool,
    "links_warn": check_links_warn,
    "tags": check_tags,
    "accent": partial(check_one_of, words=ACCENTS),
}
"""The functions that check the values of those `[[org]]` keys that do not hold arbitrary text."""
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""The characters that cannot be seen in a name.

They are Unicode's default ignorable characters, and the blank Braille pattern.
"""
_NAME: Final = re.compile(r"[\s\[]*[\"']?([\w-]+)")

T = TypeVar("T")


def parse_config(text: str, name: str) -> Config:
    """Parse the text of a config file. `name` is the file's name, for the messages of errors.

    Raises a `ProblemError` of kind `config` for the first mistake.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits raises ValueError
        raise config_error(f"{name}: not valid TOML ({clean(str(error))}).", "Correct that line.") from None
    source = _Source(text, name)
    source.read(None, lambda: check_known_keys(document, ("watch", "alerts", "journal", "keys", "org")))
    policy = source.read("watch", lambda: read_policy(document))
    alerts = source.read("alerts", lambda: read_alerts(document))
    keep = source.read("journal", lambda: read_retention(document))
    keys = source.read("keys", lambda: read_keys(document))
    orgs = _read_orgs(source, document.get("org", []))
    local = all(is_loopback(org.api_url or "") for org in orgs)
    source.read("watch", lambda: _check_intervals(policy, local=local))
    return Config(policy, orgs, Settings(alerts, keep, keys))


def name_error(name: str) -> str | None:
    """Return what is wrong with an org's name, as the rest of a sentence, or None if the name is valid."""
    if not name:
        return "must not be empty"
    if name != clean(name, MAX_NAME_LENGTH):
        return (
            f"must be one line of at most {MAX_NAME_LENGTH} printable characters, without spaces around it"
        )
    if hidden := _INVISIBLE.search(name):
        return f"has a character that cannot be seen (U+{ord(hidden[0]):04X})"
    if name.startswith("-"):
        return "must not begin with a dash, which the command line would take for an option"
    return None


def folded_name(name: str) -> str:
    """Return a name in a form for comparisons, without differences of case and of similar characters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def find_org(config: Config, org_name: str) -> Org:
    """Return the org with this name. Raises a `ProblemError` if the config has no such org."""
    for org in config.orgs:
        if org.name == org_name:
            return org
    names = [org.name for org in config.orgs]
    known = f"Under watch: {', '.join(names)}." if names else "No org is under watch yet: see zbtui add."
    raise config_error(f"No org is called {clean(org_name, MAX_NAME_LENGTH)!r}.", known)


def check_name_is_free(config: Config, org_name: str, edited_name: str | None = None) -> None:
    """Raise a `ProblemError` if the config has an org whose name is the same as `org_name`.

    Case and similar characters make no difference. The org named `edited_name` is left out, so that the
    case of its own name can be changed.
    """
    same = folded_name(org_name)
    others = (org for org in config.orgs if org.name != edited_name)
    if org := next((org for org in others if folded_name(org.name) == same), None):
        raise config_error(
            f"An org called {org.name!r} is already under watch.",
            "Choose another name, or take that one off watch first.",
        )


def org_to_table(org: Org) -> dict[str, Any]:
    """Return the keys and values of an org's `[[org]]` table; keys with empty values are left out."""
    named = {key: value for key in ORG_KEYS if (value := getattr(org, key))}
    if org.tags:
        named["tags"] = list(org.tags)
    return named | {key: format_duration(span) for key, span in org.policy_overrides}


def org_from_table(table: Mapping[str, Any]) -> Org:
    """Parse an org from the keys of an `[[org]]` table. Raises a `ProblemError` of kind `config`."""
    try:
        return _read_org(table)
    except InvalidValueError as wrong:
        raise config_error(f"{wrong.message[:1].upper()}{wrong.message[1:]}.", wrong.hint) from None


@dataclass(frozen=True, slots=True)
class _Source:
    """The text and the name of a config file, which errors with line numbers need."""

    text: str
    name: str

    def read(self, table: int | str | None, read: Callable[[], T]) -> T:
        """Call `read` and return its result; turn its error into a `ProblemError` with file and line.

        `table` is the table that `read` reads: its name, the index of an `[[org]]` table, or None for the
        lines above all tables.
        """
        try:
            return read()
        except InvalidValueError as wrong:
            line = _find_line(self.text, table, wrong.key)
            where = f"{self.name}, line {line}" if line else self.name
            raise config_error(f"{where}: {wrong.message}.", wrong.hint) from None


def _read_orgs(source: _Source, tables: object) -> tuple[Org, ...]:
    orgs: dict[str, Org] = {}

    def check() -> list[Mapping[str, Any]]:
        if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
            raise InvalidValueError("org is not a list of tables", "Begin each org with [[org]].")
        return tables

    def add(table: Mapping[str, Any]) -> None:
        org = _read_org(table)
        if (before := orgs.setdefault(folded_name(org.name), org)) is not org:
            wrong = f"the name {org.name!r} is given twice"
            if before.name != org.name:
                wrong = f"the name {org.name!r} cannot be told from {before.name!r}"
            raise InvalidValueError(wrong, "Each needs its own.", "name")

    for index, table in enumerate(source.read("org", check)):
        source.read(index, partial(add, table))
    return tuple(orgs.values())


def _check_intervals(policy: WatchPolicy, *, local: bool) -> None:
    shortest = _MIN_INTERVAL_ON_LOOPBACK if local else _MIN_INTERVAL
    for key in ("every", "near_every"):
        if getattr(policy, key) < shortest:
            raise InvalidValueError(
                f"{key} is under {shortest.seconds}s", "Zoho counts every call: look less often.", key
            )


def _read_org(table: Mapping[str, Any]) -> Org:
    check_known_keys(table, (*ORG_KEYS, *POLICY_KEYS))
    for key, value in table.items():
        _CHECKS.get(key, check_text)(key, value)
    for key in ("name", "data_center", "client_id"):
        if key not in table:
            raise InvalidValueError(f"an org has no {key}", f'Add a line {key} = "…" to this org.')
    if wrong := name_error(table["name"]):
        raise InvalidValueError(
            f"the name {clean(table['name'], 40)!r} {wrong}", "Choose another name.", "name"
        )
    if wrong := _client_id_error(table["client_id"]):
        hint = "Copy it from Zoho's API console: it begins with 1000."
        raise InvalidValueError(f"the client id {wrong}", hint, "client_id")
    _check_data_center(table)
    _check_grant(table)
    durations = read_durations(table, POLICY_KEYS)
    values = {key: table[key] for key in ORG_KEYS if key in table}
    values["tags"] = tuple(values.get("tags", ()))
    if isinstance(is_warning := values.get("links_warn"), bool):
        values["links_warn"] = None if is_warning else "never"
    org = Org(**values, policy_overrides=tuple(durations.items()))
    _check_intervals(replace(WatchPolicy(), **durations), local=is_loopback(org.api_url or ""))
    return org


def _client_id_error(client_id: str) -> str | None:
    if not client_id:
        return "is missing"
    if not re.fullmatch(r"[\x21-\x7e]+", client_id):
        return "has characters that none has"
    return "is longer than any" if len(client_id) > MAX_CLIENT_ID_LENGTH else None


def _check_data_center(table: Mapping[str, Any]) -> None:
    chosen = table["data_center"]
    if chosen != CUSTOM_DATA_CENTER and chosen not in DATA_CENTERS:
        raise InvalidValueError(
            f"there is no data center {clean(chosen, 20)!r}",
            f"Use one of {' '.join(sorted(DATA_CENTERS))}, or custom.",
            "data_center",
        )
    for key in ("accounts_url", "api_url"):
        if chosen != CUSTOM_DATA_CENTER and key in table:
            raise InvalidValueError(
                f'{key} is for data_center = "custom" only', "Take one of the two out.", key
            )
        if chosen == CUSTOM_DATA_CENTER and key not in table:
            raise InvalidValueError(
                f"a custom data center needs {key}",
                f'It begins with https://, as in {key} = "https://…".',
                "data_center",
            )
        if chosen == CUSTOM_DATA_CENTER:
            check_address(key, table[key], custom_url_error)


def _check_grant(table: Mapping[str, Any]) -> None:
    grant = table.get("grant", "refresh-token")
    if grant not in GRANTS:
        raise InvalidValueError(
            f"there is no grant {clean(grant, 30)!r}", f"Use {' or '.join(GRANTS)}.", "grant"
        )
    if (grant == "client-credentials") != ("soid" in table):
        raise InvalidValueError(
            "soid and the grant client-credentials go together",
            "Give both, or neither; soid is ZohoCRM. and the org's number.",
            "grant" if "grant" in table else "soid",
        )
    if "soid" in table and not _SOID.fullmatch(table["soid"]):
        raise InvalidValueError(
            "soid is not ZohoCRM. and the org's number", "As in ZohoCRM.20098765432.", "soid"
        )


def _find_line(text: str, table: int | str | None, key: str | None) -> int | None:
    """Return the line number of a key, else that of its table's header, else None.

    This function is needed since tomllib does not report lines. `table` is the table's name, the index of
    an `[[org]]` table, or None for the lines above all tables.
    """
    first = None
    for number, (line, current, header) in enumerate(_lines_with_tables(text), start=1):
        if key and current == table and _assigns_key(line, key):
            return number
        if first is None and header is not None and header == table:
            first = number
    return first


def _lines_with_tables(text: str) -> Iterator[tuple[str, int | str | None, int | str | None]]:
    """Yield each line, the table that the line is in, and the table that the line begins.

    A table is its name or the index of an `[[org]]` table; None means no table.
    """
    current: int | str | None = None
    orgs = 0
    for line in text.splitlines():
        is_header = bool(TABLE_HEADER.match(line))
        name = _NAME.match(line) if is_header or current is None else None
        header: int | str | None = name[1] if name else None
        if ORG_HEADER.match(line):
            header, orgs = orgs, orgs + 1
        yield line, None if is_header else current, header
        current = header if is_header else current


def _assigns_key(line: str, key: str) -> bool:
    """Return whether a line gives `key` a value, or is the header of a table of that name."""
    # Each blank can match in one place only; otherwise, matching a long line would take very long.
    return bool(re.match(rf"[\s\[\"']*{re.escape(key)}[\s\]\"']*(=|\]|\.|$)", line))


def config_error(message: str, hint: str) -> ProblemError:
    return ProblemError(Problem("config", message, hint, final=True))

"""The config's text (TOML), read strictly: every mistake is told with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Final

from zbtui.core.org import CUSTOM, GRANTS, POLICY_KEYS, Org, Policy
from zbtui.core.text import clean
from zbtui.core.timefmt import parse_duration, spell_duration
from zbtui.core.trouble import Trouble, TroubleError

LONGEST_NAME: Final = 60
ORG_KEYS: Final = tuple(key.name for key in fields(Org) if key.name != "own_policy")
_SHORTEST_EVERY: Final = timedelta(seconds=15)
_SHORTEST_ON_LOOPBACK: Final = timedelta(seconds=1)
_SOID: Final = re.compile(r"ZohoCRM\.[0-9]{1,20}")
HEADER: Final = re.compile(r"\s*\[")
ORG_HEADER: Final = re.compile(r"\s*\[\[\s*org\s*\]\]")


@dataclass(frozen=True, slots=True)
class Config:
    """What is configured; without a file, nothing is."""

    policy: Policy = field(default_factory=Policy)
    orgs: tuple[Org, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the config must know of data centers; passed in, for the store does not know Zoho."""

    data_centers: frozenset[str]
    check_custom_url: Callable[[str], str | None]
    """What is wrong with a URL, or None."""
    is_loopback: Callable[[str], bool]


class _Wrong(Exception):
    """One thing wrong, and the key it is about."""

    def __init__(self, what: str, cure: str, key: str | None = None) -> None:
        super().__init__(what)
        self.what, self.cure, self.key = what, cure, key


def parse_config(text: str, name: str, rules: Rules) -> Config:
    """A config's text; `name` is the file's, for the error."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits
        raise refused(f"{name}: not valid TOML ({clean(str(error))}).", "Correct that line.") from None
    try:
        _only(document, {"watch", "org"})
        policy = _read_policy(document.get("watch", {}))
    except _Wrong as wrong:
        raise _at(name, _line(text, None, wrong.key) or _line(text, None, "watch"), wrong) from None
    tables = document.get("org", [])
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise _at(
            name,
            _line(text, None, "org"),
            _Wrong("org is not a list of tables", "Begin each org with [[org]]."),
        )
    orgs: list[Org] = []
    names: set[str] = set()
    for index, table in enumerate(tables):
        try:
            org = _read_org(table, rules)
            if org.name in names:
                raise _Wrong(f"the name {org.name!r} is given twice", "Each needs its own.", "name")
        except _Wrong as wrong:
            raise _at(name, _line(text, index, wrong.key), wrong) from None
        orgs.append(org)
        names.add(org.name)
    local = all(rules.is_loopback(org.api_url or "") for org in orgs)
    try:
        _check_pace(policy, local=local)
    except _Wrong as wrong:
        raise _at(name, _line(text, None, wrong.key), wrong) from None
    return Config(policy, tuple(orgs))


def check_name(name: str) -> str | None:
    """What is wrong with an org's name; None: nothing."""
    if not name:
        return "must not be empty"
    if name != clean(name, LONGEST_NAME):
        return f"must be one line of at most {LONGEST_NAME} printable characters, without spaces around it"
    if name.startswith("-"):
        return "must not begin with a dash, which the command line would take for an option"
    return None


def find_org(config: Config, org_name: str) -> Org:
    """The org of that name.

    Raises:
        TroubleError: there is none.
    """
    for org in config.orgs:
        if org.name == org_name:
            return org
    names = [org.name for org in config.orgs]
    known = f"Under watch: {', '.join(names)}." if names else "No org is under watch yet: see zbtui add."
    raise refused(f"No org is called {clean(org_name, LONGEST_NAME)!r}.", known)


def check_free(config: Config, org_name: str) -> None:
    """Raises:
    TroubleError: an org of that name is under watch already.
    """
    if any(org.name == org_name for org in config.orgs):
        raise refused(
            f"An org called {org_name!r} is already under watch.",
            "Choose another name, or take that one off watch first.",
        )


def org_table(org: Org) -> dict[str, str]:
    """An org's keys and values, as its `[[org]]` table has them."""
    named = {key: value for key in ORG_KEYS if (value := getattr(org, key)) is not None}
    return named | {key: spell_duration(span) for key, span in org.own_policy}


def make_org(table: Mapping[str, Any], rules: Rules) -> Org:
    """An org from its keys, as an `[[org]]` table has them.

    Raises:
        TroubleError: of kind `config`.
    """
    try:
        return _read_org(table, rules)
    except _Wrong as wrong:
        raise refused(f"{wrong.what[:1].upper()}{wrong.what[1:]}.", wrong.cure) from None


def _read_policy(table: object) -> Policy:
    if not isinstance(table, dict):
        raise _Wrong("watch is not a table", "Begin it with [watch].", "watch")
    _only(table, set(POLICY_KEYS))
    return Policy(**_read_spans(table))


def _read_spans(table: Mapping[str, Any]) -> dict[str, timedelta]:
    spans: dict[str, timedelta] = {}
    for key in POLICY_KEYS:
        if key in table:
            value = table[key]
            try:
                spans[key] = parse_duration(value if isinstance(value, str) else "")
            except ValueError as error:
                quoted = "" if isinstance(value, str) else ", in quotes"
                raise _Wrong(f"{key} is not a span of time", f"Write {error}{quoted}.", key) from None
    return spans


def _check_pace(policy: Policy, *, local: bool) -> None:
    shortest = _SHORTEST_ON_LOOPBACK if local else _SHORTEST_EVERY
    for key in ("every", "near_every"):
        if getattr(policy, key) < shortest:
            raise _Wrong(
                f"{key} is under {shortest.seconds}s", "Zoho counts every call: look less often.", key
            )


def _read_org(table: Mapping[str, Any], rules: Rules) -> Org:
    _only(table, {*ORG_KEYS, *POLICY_KEYS})
    for key, value in table.items():
        if not isinstance(value, str):
            raise _Wrong(f"{key} is not text", "Put it in quotes.", key)
    for key in ("name", "data_center", "client_id"):
        if key not in table:
            raise _Wrong(f"an org has no {key}", f'Add a line {key} = "…" to this org.')
    if wrong := check_name(table["name"]):
        raise _Wrong(f"the name {clean(table['name'], 40)!r} {wrong}", "Choose another name.", "name")
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", table["client_id"]):
        raise _Wrong(
            "the client id has characters that none has",
            "Copy it from Zoho's API console: it begins with 1000.",
            "client_id",
        )
    _check_data_center(table, rules)
    _check_grant(table)
    spans = _read_spans(table)
    org = Org(**{key: table[key] for key in ORG_KEYS if key in table}, own_policy=tuple(spans.items()))
    _check_pace(replace(Policy(), **spans), local=rules.is_loopback(org.api_url or ""))
    return org


def _check_data_center(table: Mapping[str, Any], rules: Rules) -> None:
    chosen = table["data_center"]
    if chosen != CUSTOM and chosen not in rules.data_centers:
        raise _Wrong(
            f"there is no data center {clean(chosen, 20)!r}",
            f"Use one of {' '.join(sorted(rules.data_centers))}, or custom.",
            "data_center",
        )
    for key in ("accounts_url", "api_url"):
        if chosen != CUSTOM and key in table:
            raise _Wrong(f'{key} is for data_center = "custom" only', "Take one of the two out.", key)
        if chosen == CUSTOM and key not in table:
            raise _Wrong(
                f"a custom data center needs {key}",
                f'It begins with https://, as in {key} = "https://…".',
                "data_center",
            )
        if chosen == CUSTOM and (wrong := rules.check_custom_url(table[key])):
            raise _Wrong(f"{key} {wrong}", "Correct the address.", key)


def _check_grant(table: Mapping[str, Any]) -> None:
    grant = table.get("grant", "refresh-token")
    if grant not in GRANTS:
        raise _Wrong(f"there is no grant {clean(grant, 30)!r}", f"Use {' or '.join(GRANTS)}.", "grant")
    if (grant == "client-credentials") != ("soid" in table):
        raise _Wrong(
            "soid and the grant client-credentials go together",
            "Give both, or neither; soid is ZohoCRM. and the org's number.",
            "grant" if "grant" in table else "soid",
        )
    if "soid" in table and not _SOID.fullmatch(table["soid"]):
        raise _Wrong("soid is not ZohoCRM. and the org's number", "As in ZohoCRM.20098765432.", "soid")


def _only(table: Mapping[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise _Wrong(f"unknown key {clean(key, 40)!r}", f"Known here: {', '.join(sorted(known))}.", key)


def _line(text: str, index: int | None, key: str | None) -> int | None:
    """The line of a key: in the `index`th [[org]], or (None) outside of them. tomllib does not tell."""
    name = key and re.compile(rf"\s*[\[\"']*\s*{re.escape(key)}\s*[\]\"']*\s*(=|\]|\.|$)")
    org, inside, header = -1, False, None
    for number, line in enumerate(text.splitlines(), start=1):
        if HEADER.match(line):
            inside = bool(ORG_HEADER.match(line))
            org += inside
            if inside and org == index:
                header = number
        here = inside and org == index if index is not None else not inside
        if here and name and name.match(line):
            return number
    return header


def _at(name: str, line: int | None, wrong: _Wrong) -> TroubleError:
    where = f"{name}, line {line}" if line else name
    return refused(f"{where}: {wrong.what}.", wrong.cure)


def refused(message: str, hint: str) -> TroubleError:
    return TroubleError(Trouble("config", message, hint, final=True))

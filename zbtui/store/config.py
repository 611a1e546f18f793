"""The config file (TOML): read strictly, edited so that comments and order survive. Never a secret."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from zbtui.core.org import CUSTOM, GRANTS, Org, Policy
from zbtui.core.text import clean
from zbtui.core.timefmt import parse_duration
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.paths import make_private_folder, write_atomically

LONGEST_NAME: Final = 60
_LARGEST: Final = 10 << 20
_SHORTEST_EVERY: Final = timedelta(seconds=15)
_SHORTEST_ON_LOOPBACK: Final = timedelta(seconds=1)
_SOID: Final = re.compile(r"ZohoCRM\.[0-9]{1,20}")
_HEADER: Final = re.compile(r"\s*\[")
_ORG_HEADER: Final = re.compile(r"\s*\[\[\s*org\s*\]\]")
_NEW_FILE: Final = "# The orgs that zbtui watches. Their secrets are in the OS keyring, never in here.\n"


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


def load_config(path: Path, rules: Rules) -> Config:
    """The config at `path`; a missing file is an empty config.

    Raises:
        TroubleError: of kind `config`, naming file and line; nothing was written.
    """
    text = _read(path)
    return Config() if text is None else parse_config(text, str(path), rules)


def parse_config(text: str, name: str, rules: Rules) -> Config:
    """A config's text; `name` is the file's, for the error."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits
        raise _refused(f"{name}: not valid TOML ({clean(str(error))}).", "Correct that line.") from None
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
    try:
        _check_pace(policy, orgs, rules)
    except _Wrong as wrong:
        raise _at(name, _line(text, None, wrong.key), wrong) from None
    return Config(policy, tuple(orgs))


def watch_config(path: Path, rules: Rules) -> Callable[[], Config | None]:
    """A function that gives the config when its file has changed since the last call, else None.

    It raises what `load_config` raises, once for each change.
    """

    def stamp() -> tuple[int, int] | None:
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    known = stamp()

    def reload() -> Config | None:
        nonlocal known
        now = stamp()
        # Many editors take the file away for a moment: what is not there says nothing.
        if now is None or now == known:
            return None
        known = now
        return load_config(path, rules)

    return reload


def add_org(path: Path, lock: Path, org: Org, rules: Rules) -> None:
    """Write one more `[[org]]` at the end of the file.

    Raises:
        TroubleError: nothing was changed.
    """

    def edit(text: str, config: Config) -> tuple[str, tuple[Org, ...]]:
        import tomlkit  # here, because only edits need it

        check_free(config, org.name)
        table = tomlkit.table()
        for key in fields(org):
            if (value := getattr(org, key.name)) is not None:
                table[key.name] = value
        orgs = tomlkit.aot()
        orgs.append(table)
        addition = tomlkit.document().add("org", orgs).as_string()
        # At the very end: whatever the file holds, no line of it moves.
        before = text or _NEW_FILE
        gap = "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        return before + gap + addition, (*config.orgs, org)

    _edit(path, lock, rules, edit)


def remove_org(path: Path, lock: Path, org_name: str, rules: Rules) -> None:
    """Take one `[[org]]` out, and the comment right above it.

    Raises:
        TroubleError: nothing was changed.
    """

    def edit(text: str, config: Config) -> tuple[str, tuple[Org, ...]]:
        index = config.orgs.index(find_org(config, org_name))
        return _without_org(text, index), config.orgs[:index] + config.orgs[index + 1 :]

    _edit(path, lock, rules, edit)


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
    raise _refused(f"No org is called {clean(org_name, LONGEST_NAME)!r}.", known)


def check_free(config: Config, org_name: str) -> None:
    """Raises:
    TroubleError: an org of that name is under watch already.
    """
    if any(org.name == org_name for org in config.orgs):
        raise _refused(
            f"An org called {org_name!r} is already under watch.",
            f"Choose another name, or take it out first: zbtui remove {org_name}.",
        )


def make_org(table: Mapping[str, Any], rules: Rules) -> Org:
    """An org from its keys, as an `[[org]]` table has them.

    Raises:
        TroubleError: of kind `config`.
    """
    try:
        return _read_org(table, rules)
    except _Wrong as wrong:
        raise _refused(f"{wrong.what[:1].upper()}{wrong.what[1:]}.", wrong.cure) from None


def _read(path: Path) -> str | None:
    """The file's text; None: there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise _refused(f"{path}: larger than 10 MiB.", "Check that this is zbtui's config.")
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(f"{path}: cannot be read ({error.strerror}).", "Check its rights.") from None
    except UnicodeDecodeError:
        raise _refused(f"{path}: not text in UTF-8.", "Save it as UTF-8.") from None


def _edit(
    path: Path, lock: Path, rules: Rules, edit: Callable[[str, Config], tuple[str, tuple[Org, ...]]]
) -> None:
    """Read, change and write under a lock: two edits at once lose nothing."""
    from filelock import FileLock, Timeout  # here, because only edits need it

    try:
        make_private_folder(lock.parent)
        with FileLock(lock, timeout=5, mode=0o600):
            text = _read(path) or ""
            config = parse_config(text, str(path), rules)
            edited, expected = edit(text, config)
            if not _is_toml(edited) or parse_config(edited, str(path), rules) != Config(
                config.policy, expected
            ):
                raise _refused(
                    f"{path}: written in a way that cannot be edited safely; nothing was changed.",
                    "Give each org a table of its own that begins with [[org]], or edit it by hand.",
                )
            write_atomically(path, edited)
    except Timeout:
        raise _refused(
            f"{path}: another zbtui process is editing it.", "Try again when that one is done."
        ) from None
    except OSError as error:
        raise _refused(
            f"{path}: cannot be written ({error.strerror}).", "Check the rights of file and folder."
        ) from None


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _without_org(text: str, index: int) -> str:
    lines = text.splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    starts = [number for number in headers if _ORG_HEADER.match(lines[number])]
    if index >= len(starts):
        return text
    start = starts[index]
    following = next((number for number in headers if number > start), len(lines))
    end = _end_of_org(lines, start, following)
    before, after = lines[: _above_comment(lines, start)], lines[end:]
    while after and not after[0].strip() and not (before and before[-1].strip()):
        del after[0]
    return "".join(before + after)


def _end_of_org(lines: list[str], start: int, following: int) -> int:
    """Where an org's own lines end. A comment that stands apart from them speaks of something else."""
    own = max(number for number in range(start, following) if _is_said(lines[number])) + 1
    end = own
    while end < following and lines[end].lstrip().startswith("#"):
        end += 1
    return own if end == following < len(lines) else end


def _is_said(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _above_comment(lines: list[str], number: int) -> int:
    """Up over the comment right above a header: it speaks of what comes after it."""
    while number > 0 and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number


def _read_policy(table: object) -> Policy:
    if not isinstance(table, dict):
        raise _Wrong("watch is not a table", "Begin it with [watch].", "watch")
    names = {key.name for key in fields(Policy)}
    _only(table, names)
    spans: dict[str, timedelta] = {}
    for key, value in table.items():
        try:
            spans[key] = parse_duration(value) if isinstance(value, str) else parse_duration("")
        except ValueError as error:
            raise _Wrong(f"{key} is not a span of time", f"Write {error}, in quotes.", key) from None
    return Policy(**spans)


def _check_pace(policy: Policy, orgs: list[Org], rules: Rules) -> None:
    local = all(rules.is_loopback(org.api_url or "") for org in orgs)
    shortest = _SHORTEST_ON_LOOPBACK if local else _SHORTEST_EVERY
    for key in ("every", "near_every"):
        if getattr(policy, key) < shortest:
            raise _Wrong(
                f"{key} is under {shortest.seconds}s", "Zoho counts every call: look less often.", key
            )


def _read_org(table: Mapping[str, Any], rules: Rules) -> Org:
    _only(table, {key.name for key in fields(Org)})
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
            "client_id has characters that no client id has",
            "Copy it from Zoho's API console: it begins with 1000.",
            "client_id",
        )
    _check_data_center(table, rules)
    _check_grant(table)
    return Org(**table)


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
            raise _Wrong(f"a custom data center needs {key}", f'Add {key} = "https://…".', "data_center")
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
        if _HEADER.match(line):
            inside = bool(_ORG_HEADER.match(line))
            org += inside
            if inside and org == index:
                header = number
        here = inside and org == index if index is not None else not inside
        if here and name and name.match(line):
            return number
    return header


def _at(name: str, line: int | None, wrong: _Wrong) -> TroubleError:
    where = f"{name}, line {line}" if line else name
    return _refused(f"{where}: {wrong.what}.", wrong.cure)


def _refused(message: str, hint: str) -> TroubleError:
    return TroubleError(Trouble("config", message, hint, final=True))

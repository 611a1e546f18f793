"""Reads all tables of the config except `[[org]]`, and checks the values of the keys of all tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final, TypeGuard

from zbtui.config.settings import JournalRetention
from zbtui.health.alert_settings import DESKTOP_NOTIFICATIONS, AlertSettings
from zbtui.model.org import LINKS_WARNINGS
from zbtui.model.text import clean
from zbtui.model.time_format import parse_duration
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy
from zbtui.presentation.custom_keys import InvalidKeymapError, Keymap, parse_keymap
from zbtui.zoho_api.data_centers import webhook_url_error

_LEVELS: Final = {level.label: level for level in Level if level is not Level.OK}
_NEVER: Final = "never"
MAX_TAGS: Final = 10
MAX_TAG_LENGTH: Final = 20
_FORBIDDEN_IN_TAGS: Final = frozenset(",!:")
"""The characters that no tag can contain, since they have a meaning in the filter of orgs."""


class InvalidValueError(Exception):
    """Raised for an invalid value in the config; all `read_…` and `check_…` functions may raise this error.

    Its `key` is the config key of the value, or None if the mistake does not belong to one key.
    """

    def __init__(self, what: str, cure: str, key: str | None = None) -> None:
        super().__init__(what)
        # The message is cleaned, since it may contain names of unknown keys with control characters.
        self.message, self.hint, self.key = clean(what), cure, key


def read_policy(document: Mapping[str, Any]) -> WatchPolicy:
    """Read the `[watch]` table of a parsed config file."""
    table = _read_table(document, "watch")
    check_known_keys(table, POLICY_KEYS)
    return WatchPolicy(**read_durations(table, POLICY_KEYS))


def read_alerts(document: Mapping[str, Any]) -> AlertSettings:
    """Read the `[alerts]` table of a parsed config file."""
    table = _read_table(document, "alerts")
    check_known_keys(table, [key.name for key in fields(AlertSettings)])
    values = dict(table)
    if values.get("remind_every") == _NEVER:
        values["remind_every"] = None
    else:
        values |= read_durations(table, ("remind_every",), f', or "{_NEVER}"')
    for key, value in table.items():
        match key:
            case "least":
                check_one_of(key, value, _LEVELS)
                values[key] = _LEVELS[value]
            case "desktop":
                check_one_of(key, value, DESKTOP_NOTIFICATIONS)
            case "failed_looks":
                _check_count(key, value, 1, 100)
            case "bell":
                check_bool(key, value)
            case "on_change":
                values[key] = _read_command(key, value)
            case "webhook":
                check_text(key, value)
                check_address(key, value, webhook_url_error)
    return AlertSettings(**values)


def read_retention(document: Mapping[str, Any]) -> JournalRetention:
    """Read the `[journal]` table of a parsed config file."""
    table = _read_table(document, "journal")
    check_known_keys(table, [key.name for key in fields(JournalRetention)])
    if "most_events" in table:
        _check_count("most_events", table["most_events"], 1_000, 10_000_000)
    return JournalRetention(**{**table, **read_durations(table, ("keep",))})


def read_keys(document: Mapping[str, Any]) -> Keymap:
    """Read the `[keys]` table of a parsed config file."""
    table = _read_table(document, "keys")
    for key, value in table.items():
        if isinstance(value, dict):
            raise InvalidValueError(
                f"{key} is a table", 'Put the whole name in quotes, as in "fleet.look" = "f5".', key
            )
        check_text(key, value)
    try:
        return parse_keymap(table)
    except InvalidKeymapError as wrong:
        raise InvalidValueError(wrong.message, wrong.hint, wrong.action_id) from None


def check_known_keys(table: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise `InvalidValueError` if the table has a key that is not in `known`."""
    for key in table:
        if key not in known:
            raise InvalidValueError(
                f"unknown key {clean(key, 40)!r}", f"Known here: {', '.join(sorted(known))}.", key
            )


def read_durations(
    table: Mapping[str, Any], keys: Collection[str], others: str = ""
) -> dict[str, timedelta]:
    """Return the durations of those `keys` that the table has, by key.

    `others` names further allowed values; it is appended to the hint of the error for an invalid duration.
    """
    durations: dict[str, timedelta] = {}
    for key in keys:
        if key in table:
            value = table[key]
            try:
                durations[key] = parse_duration(value if isinstance(value, str) else "")
            except ValueError as error:
                quoted = "" if isinstance(value, str) else ", in quotes"
                raise InvalidValueError(
                    f"{key} is not a span of time", f"Write {error}{quoted}{others}.", key
                ) from None
    return durations


def check_text(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidValueError(f"{key} is not text", "Put it in quotes.", key)


def check_bool(key: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidValueError(
            f"{key} is neither true nor false", "Write one of the two, without quotes.", key
        )


def check_one_of(key: str, value: object, words: Collection[str]) -> None:
    check_text(key, value)
    if value not in words:
        raise InvalidValueError(
            f"there is no {key} {clean(str(value), 30)!r}", f"Use {' or '.join(words)}.", key
        )


def check_links_warn(key: str, value: object) -> None:
    if not isinstance(value, bool):
        check_one_of(key, value, LINKS_WARNINGS)


def check_tags(key: str, value: object) -> None:
    """Raise `InvalidValueError` unless `value` is a list of at most `MAX_TAGS` different tags.

    A tag is one short word. Tags that differ only in case are not different.
    """
    if not _is_list_of_texts(value):
        raise InvalidValueError(
            f"{key} is not a list of texts", f'Write it as in {key} = ["prod", "nordics"].', key
        )
    if len(value) > MAX_TAGS:
        raise InvalidValueError(f"{key} has more than {MAX_TAGS} tags", "Take some out.", key)
    seen = set()
    for tag in value:
        if not tag or tag != clean(tag, MAX_TAG_LENGTH) or " " in tag or _FORBIDDEN_IN_TAGS & set(tag):
            raise InvalidValueError(
                f"{clean(tag, 40)!r} is no tag",
                f"A tag is one word of at most {MAX_TAG_LENGTH} characters, without , ! and :.",
                key,
            )
        if tag.casefold() in seen:
            raise InvalidValueError(f"the tag {tag!r} is given twice", "Once is enough.", key)
        seen.add(tag.casefold())


def check_address(key: str, url: str, check_url: Callable[[str], str | None]) -> None:
    """Raise `InvalidValueError` if `check_url` finds the URL invalid.

    `check_url` returns what is wrong with a URL, or None if the URL is valid.
    """
    if wrong := check_url(url):
        raise InvalidValueError(f"{key} {wrong}", "Correct the address.", key)


def _read_table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise InvalidValueError(f"{name} is not a table", f"Begin it with [{name}].")
    return table


def _check_count(key: str, value: object, minimum: int, maximum: int) -> None:
    if type(value) is not int or not minimum <= value <= maximum:
        raise InvalidValueError(
            f"{key} is no number from {minimum} to {maximum}", "Write one, without quotes.", key
        )


def _is_list_of_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _read_command(key: str, value: object) -> tuple[str, ...]:
    if not _is_list_of_texts(value):
        raise InvalidValueError(
            f"{key} is not a list of texts", f'Write it as in {key} = ["notify-send", "zbtui"].', key
        )
    if value and not value[0]:
        raise InvalidValueError(f"{key} names no program", "Its first text is the program to run.", key)
    if any("\0" in part for part in value):
        raise InvalidValueError(f"{key} has a null character, which no program takes", "Take it out.", key)
    return tuple(value)

"""Reads and edits the config file, which never contains a secret. Edits keep its comments and its order."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from zbtui.config.parsing import (
    ORG_HEADER,
    ORG_KEYS,
    TABLE_HEADER,
    check_name_is_free,
    config_error,
    find_org,
    org_to_table,
    parse_config,
)
from zbtui.config.settings import Config
from zbtui.model.org import Org, merge_edit
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.model.watch_policy import POLICY_KEYS
from zbtui.private_files import try_to_write, writable_by_others, write_atomically
from zbtui.process_lock import LOCAL_DISK_HINT, NoLocksError, process_lock

_MAX_BYTES: Final = 10 << 20
_BOM: Final = "\ufeff"
_LOCK_TIMEOUT_SECONDS: Final = 1.0
"""How long to wait while another process edits the file, which usually takes a few milliseconds."""
SETTLES_AFTER_SECONDS: Final = 5.0
"""How long a file is taken as half written after a change, since an editor may still write to it."""
_NEW_FILE_HEADER: Final = (
    "# The orgs that zbtui watches. Their secrets are in the OS keyring, never in here.\n"
)


class ConfigFile:
    """A `ConfigStore` in the file `path`. Each method may raise a `ProblemError` of kind `config`."""

    def __init__(self, path: Path, lock: Path) -> None:
        """Use the config file `path`. Edits use the lock file `lock`, whose folder is made if missing."""
        self.path = path
        self._lock = lock
        self._known = self._stamp()
        self._written: tuple[int, int] | None = None
        """The modification time and size of the file after the last edit by this process."""

    @property
    def name(self) -> str:
        """The absolute path of the file; a symbolic link is not followed, since its target may change."""
        return str(self.path.parent.resolve() / self.path.name)

    def is_settled(self, now: datetime) -> bool:
        """Return whether the file is unchanged for some seconds, or was last changed by this process.

        If the file is missing, the time of the last change of its folder is used instead.
        """
        stamp = self._stamp()
        if stamp is not None and stamp == self._written:
            return True
        try:
            changed = (self.path if stamp else self.path.parent).stat().st_mtime
        except OSError:
            return True
        # `abs`: a file with a time in the future would otherwise stay unsettled until then.
        return abs(now.timestamp() - changed) >= SETTLES_AFTER_SECONDS

    def distrust(self) -> Problem | None:
        """Return a problem if other users can write the file, else None.

        The alert channels of such a config are not used.
        """
        open_to_others = writable_by_others(self.path)
        if open_to_others is None:
            return None
        where = clean(str(open_to_others), 200)
        return Problem(
            "config",
            f"Others may write {where}: the config's on_change is not run, its webhook gets nothing.",
            f"See that on_change and webhook are yours, then: chown $USER {where}; chmod go-w {where}",
        )

    def load(self) -> Config:
        """Read the file and return its config; if the file is missing, return an empty config."""
        text = _read(self.path)
        return Config() if text is None else parse_config(_without_bom_and_crlf(text), str(self.path))

    def load_if_changed(self) -> Config | None:
        """Read and return the config if its file has changed since the last call, else return None.

        An invalid file raises a `ProblemError` once per change. An unreadable file raises it at each call,
        since the rights of the file may change without a change of its modification time.
        """
        now = self._stamp()
        # Many editors remove the file for a moment, so a missing file is no change.
        if now is None or now == self._known:
            return None
        self._known = now
        try:
            return self.load()
        except _UnreadableError:
            self._known = None
            raise

    def add(self, org: Org, *, rehearse: bool = False) -> None:
        """Append an `[[org]]` table to the file.

        If `rehearse` is set, check only whether this is possible.
        """

        def edit(text: str, config: Config) -> tuple[str, tuple[Org, ...]]:
            import tomlkit  # imported here, as only edits need it

            check_name_is_free(config, org.name)
            table = tomlkit.table()
            for key, value in org_to_table(org).items():
                table[key] = value
            orgs = tomlkit.aot()
            orgs.append(table)
            addition = tomlkit.document().add("org", orgs).as_string()
            # Appended as text, so that no line of the file moves.
            before = text or _NEW_FILE_HEADER
            gap = "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
            return before + gap + addition, (*config.orgs, org)

        self._edit(edit, rehearse)

    def remove(self, org_name: str, *, rehearse: bool = False) -> None:
        """Remove an `[[org]]` table and the comments directly above and below it.

        If `rehearse` is set, check only whether this is possible.
        """

        def edit(text: str, config: Config) -> tuple[str, tuple[Org, ...]]:
            index = config.orgs.index(find_org(config, org_name))
            return _without_org(text, index), config.orgs[:index] + config.orgs[index + 1 :]

        self._edit(edit, rehearse)

    def replace(
        self, org_name: str, org: Org, original: Org | None = None, *, rehearse: bool = False
    ) -> None:
        """Change the `[[org]]` table of `org_name`, in place, as `org` was changed from `original`.

        Other changes of the table since `original` was read stay. If `original` is None, the current table
        counts as the original. If `rehearse` is set, check only whether the change is possible.
        """

        def edit(text: str, config: Config) -> tuple[str, tuple[Org, ...]]:
            before = find_org(config, org_name)
            after = merge_edit(before, original or before, org)
            if after.name != org_name:
                check_name_is_free(config, after.name, org_name)
            edited = _with_org(text, config.orgs.index(before), before, after)
            return edited, tuple(after if one is before else one for one in config.orgs)

        self._edit(edit, rehearse)

    def announce_change(self) -> None:
        """Make all zbtui processes reload the config, since credentials have changed."""
        with suppress(OSError):
            os.utime(self.path)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _edit(self, edit: Callable[[str, Config], tuple[str, tuple[Org, ...]]], rehearse: bool) -> None:
        """Read, change and write the file under a lock, so that concurrent edits lose nothing.

        `edit` takes the file's text and the config in it; it returns the new text, and the orgs that the
        new text should contain. An unchanged text is not written, as the file may be read-only. If
        `rehearse` is set, nothing is written, but a file that cannot be written raises a `ProblemError`.
        """
        path = self.path
        with self._editing() as original:
            text = _without_bom_and_crlf(original or "")
            config = parse_config(text, str(path))
            edited, orgs = edit(text, config)
            if not self._parses_to(edited, replace(config, orgs=orgs)):
                raise config_error(
                    f"{path}: written in a way that cannot be edited safely; nothing was changed.",
                    "Give each org a table of its own that begins with [[org]], or edit it by hand.",
                )
            if edited != text and rehearse:
                try_to_write(path)
            elif edited != text:
                write_atomically(path, _with_bom_and_crlf_of(original or "", edited))
                self._written = self._stamp()

    @contextmanager
    def _editing(self) -> Iterator[str | None]:
        """Yield the file's text, or None if there is no file; other processes cannot edit it meanwhile."""
        from filelock import Timeout  # imported here, as only edits need it

        path = self.path
        try:
            with process_lock(self._lock).acquire(timeout=_LOCK_TIMEOUT_SECONDS):
                yield _read(path)
        except Timeout:
            raise config_error(
                f"{path}: another zbtui process is editing it.", "Try again when that one is done."
            ) from None
        except NoLocksError as error:
            raise config_error(f"{path}: not edited, as {error.strerror}.", LOCAL_DISK_HINT) from None
        except OSError as error:
            raise config_error(
                f"{path}: cannot be written ({error.strerror}).", "Check the rights of file and folder."
            ) from None

    def _parses_to(self, text: str, expected: Config) -> bool:
        try:
            tomllib.loads(text)
        except (ValueError, RecursionError):
            return False
        return parse_config(text, str(self.path)) == expected


class _UnreadableError(ProblemError):
    """Raised if the config file exists, but cannot be read."""


def _read(path: Path) -> str | None:
    """Return the exact text of a file, or None if the file does not exist."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise config_error(f"{path}: larger than 10 MiB.", "Check that this is zbtui's config.")
        return data.decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = config_error(f"{path}: cannot be read ({error.strerror}).", "Check its rights.").problem
        raise _UnreadableError(problem) from None
    except UnicodeDecodeError:
        raise config_error(f"{path}: not text in UTF-8.", "Save it as UTF-8.") from None


def _without_bom_and_crlf(text: str) -> str:
    return text.removeprefix(_BOM).replace("\r\n", "\n")


def _with_bom_and_crlf_of(original: str, edited: str) -> str:
    """Return the edited text with the byte order mark and the line ends of the original text."""
    first_line = original.partition("\n")[0]
    if first_line.endswith("\r"):
        edited = edited.replace("\n", "\r\n")
    return _BOM + edited if original.startswith(_BOM) else edited


def _with_org(text: str, index: int, before: Org, org: Org) -> str:
    """Return `text` with those keys of the `index`th org changed that differ between `before` and `org`."""
    import tomlkit

    lines = text.splitlines(keepends=True)
    found = _find_org(lines, index)
    if found is None:
        return text
    # Only the org's lines are parsed, so that no new key lands below the comment of the next org.
    start, end, _ = found
    try:
        document = tomlkit.parse("".join(lines[start:end]))
    except ValueError:  # the line that was taken as a header is inside a multi-line string
        return text
    after_table, before_table = org_to_table(org), org_to_table(before)
    for key in (*ORG_KEYS, *POLICY_KEYS):
        table = document["org"][0]
        if after_table.get(key) == before_table.get(key):
            continue
        if key in after_table:
            table[key] = after_table[key]
        else:
            table.pop(key, None)
    return "".join((*lines[:start], document.as_string(), *lines[end:]))


def _without_org(text: str, index: int) -> str:
    lines = text.splitlines(keepends=True)
    found = _find_org(lines, index)
    if found is None:
        return text
    start, end, following = found
    before = lines[: _start_of_comment_above(lines, start)]
    after = lines[_end_of_comment_below(lines, end, following) :]
    while after and not after[0].strip() and not (before and before[-1].strip()):
        del after[0]
    return "".join(before + after)


def _find_org(lines: list[str], index: int) -> tuple[int, int, int] | None:
    """Return three line indexes of the `index`th org, or None if there is no such org.

    The first is its header, the second the line after its last key, the third the next table's header (or
    the end of the file).
    """
    headers = [number for number, line in enumerate(lines) if TABLE_HEADER.match(line)]
    starts = [number for number in headers if ORG_HEADER.match(lines[number])]
    if index >= len(starts):
        return None
    start = starts[index]
    following = next((number for number in headers if number > start), len(lines))
    end = max(number for number in range(start, following) if _is_content(lines[number])) + 1
    return start, end, following


def _end_of_comment_below(lines: list[str], org_end: int, following: int) -> int:
    """Return the index of the line after the comment that directly follows an org.

    Returns `org_end` if there is no such comment, or if it belongs to the next table's header.
    """
    end = org_end
    while end < following and lines[end].lstrip().startswith("#"):
        end += 1
    return org_end if end == following < len(lines) else end


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _start_of_comment_above(lines: list[str], number: int) -> int:
    """Return the index of the first line of the comment directly above the header in line `number`.

    Returns `number` if there is no such comment.
    """
    while number > 0 and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number

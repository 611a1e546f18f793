"""The model of the org list: which orgs are shown, in which order, with which verdicts. No widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.filter import parse_filter, searchable_texts
from zbtui.presentation.privacy import hide_names, hide_problem
from zbtui.presentation.sorting import SortOrder, sort_key

_ORDER_HOLD: Final = timedelta(seconds=10)
"""How long the orgs keep their order after a cursor move, so that none moves away from the cursor."""
_IDLE_TIMEOUT: Final = timedelta(seconds=60)
"""The time without a cursor move after which the view returns to the top of the list."""
_REJUDGE_CYCLE_TICKS: Final = 300
"""The number of ticks (one a second) within which every org is judged again, as a safeguard."""


class OrgList:
    """The model that all views share, so that they show the same orgs in the same order."""

    def __init__(self, policy: WatchPolicy, now: datetime, verdicts: VerdictCache | None = None) -> None:
        self.policy = policy
        self.now = now
        self.all_orgs: dict[str, Snapshot] = {}
        """All snapshots by org name, in the config's order; also of orgs that the filter hides."""
        self.counts: Counter[Level] = Counter()
        """The number of orgs at each level (see `counted_level`), including orgs that the filter hides."""
        self.order: list[str] = []
        """The names of the orgs that match the filter, in the order in which the views show them."""
        self.positions: dict[str, int] = {}
        """The index in `order` of each org name."""
        self.sort: SortOrder = "worst"
        self.reverse = False
        self.filter_text = ""
        """The text of the filter as the user typed it."""
        self.names_hidden = False
        self._filter = parse_filter("")
        self._aliases: dict[str, str] = {}
        self._redacted: dict[str, Snapshot] = {}
        """By org name: copies of snapshots with names replaced, made while names are hidden."""
        self._verdicts: dict[str, Verdict] = {}
        self._shared_cache = verdicts or VerdictCache()
        self._cache = self._shared_cache
        """The verdict cache in use: `_shared_cache`, or a separate cache while names are hidden."""
        self._filter_texts: dict[str, tuple[Snapshot, Verdict, dict[str | None, str]]] = {}
        """By org name: the snapshot and verdict of an org, and the searchable texts made from them."""
        self._sort_keys: dict[str, Any] = {}
        """The sort key of each org by org name, including orgs that the filter hides."""
        self._sorted_names: list[str] | None = None
        """The names of all orgs, sorted, or None if a sort key has changed since the last sort."""
        self._matching = set[str]()
        """The names of the orgs that match the filter."""
        self._order_is_outdated = False
        self._filter_is_outdated = False
        """Whether `order` contains other orgs than those that match the filter now."""
        self._rejudge_position = 0
        """The index in `all_orgs` at which the next tick continues to judge all orgs in turn."""
        self._last_moved_at: datetime | None = None

    # Queries

    def snapshot(self, name: str) -> Snapshot:
        """Return an org's snapshot by name; while names are hidden, a copy with names replaced."""
        if not self.names_hidden:
            return self.all_orgs[name]
        if name not in self._redacted:
            self._redacted[name] = self.redact(self.all_orgs[name])
        return self._redacted[name]

    def redact(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot; while names are hidden, a copy with names replaced."""
        return hide_names(snapshot, self.display_name(snapshot.org.name)) if self.names_hidden else snapshot

    def problem_text(self, problem: Problem) -> str:
        """Return the problem's message and hint as one text, without names while names are hidden."""
        shown = hide_problem(problem) if self.names_hidden else problem
        return f"{shown.message} {shown.hint}"

    def display_name(self, name: str) -> str:
        """Return the org's name, or its alias (such as `org 3`) while names are hidden."""
        return self._aliases.get(name, "an org") if self.names_hidden else name

    def verdict(self, name: str) -> Verdict:
        """Return the latest verdict on the org called `name`."""
        return self._verdicts[name]

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The latest verdicts on all orgs, by org name."""
        return self._verdicts

    @property
    def is_order_held(self) -> bool:
        """Whether the orgs still have an outdated order, because the user has just moved the cursor."""
        return self._order_is_outdated

    @property
    def hidden_counts(self) -> Counter[Level]:
        """The number of orgs at each level that the filter hides."""
        hidden = (verdict for name, verdict in self._verdicts.items() if name not in self.positions)
        return Counter(map(counted_level, hidden))

    # Changes

    def set_orgs(self, snapshots: Iterable[Snapshot], policy: WatchPolicy, now: datetime) -> None:
        """Replace all orgs, the policy and the current time; judge, filter and sort the new orgs."""
        self.policy, self.now = policy, now
        self.all_orgs = {snapshot.org.name: snapshot for snapshot in snapshots}
        self._filter_texts.clear()
        self._aliases = {name: f"org {number}" for number, name in enumerate(self.all_orgs, start=1)}
        self._judge_all()

    def update(self, snapshot: Snapshot, now: datetime) -> bool:
        """Replace the snapshot of one org and judge the org. Return False if the org is not in the list."""
        name = snapshot.org.name
        if name not in self.all_orgs:
            return False
        self._advance_to(now)
        self.all_orgs[name] = snapshot
        self._redacted.pop(name, None)
        self._rejudge([name])
        return True

    def tick(self, now: datetime, in_sight: Iterable[str]) -> None:
        """Set the current time to `now`, and judge those orgs whose verdicts may have changed.

        Orgs in sight (their names are `in_sight`) are judged at every tick, other orgs when their next
        verdict change is due. In addition, each tick judges a few orgs in turn. Judging all of thousands of
        orgs at once would be slow.
        """
        self._advance_to(now)
        due = [name for name in self.all_orgs if self._cached_verdict(name) is not self._verdicts[name]]
        batch_size = len(self.all_orgs) // _REJUDGE_CYCLE_TICKS + 1
        names = list(self.all_orgs)[self._rejudge_position : self._rejudge_position + batch_size]
        end = self._rejudge_position + batch_size
        self._rejudge_position = end if end < len(self.all_orgs) else 0
        self._rejudge(dict.fromkeys([*in_sight, *due, *names]))

    def refresh_order(self) -> bool:
        """Sort the orgs if their order is outdated. While the order is held, only apply the filter.

        Return whether `order` was renewed.
        """
        is_held = self._last_moved_at is not None and abs(self.now - self._last_moved_at) < _ORDER_HOLD
        if self._order_is_outdated and not is_held:
            self._sort()
        elif self._filter_is_outdated:
            self._apply_filter_unsorted()
        else:
            return False
        return True

    def sort_by(self, sort: SortOrder, *, reverse: bool = False) -> None:
        self.sort, self.reverse = sort, reverse
        self._update_sort_keys()
        self._sort()

    def set_filter(self, text: str) -> None:
        """Show only the orgs that match the filter `text`; an empty text matches all orgs."""
        self.filter_text, self._filter = text, parse_filter(text)
        self._update_matching()
        self._sort()

    def hide_names(self, hidden: bool) -> None:
        self.names_hidden = hidden
        self._cache = VerdictCache() if hidden else self._shared_cache
        self._redacted.clear()
        self._judge_all()

    # Idle timer

    def restart_idle_timer(self) -> None:
        """Restart the idle timer because the user has moved or acted on an org.

        This also makes the orgs keep their order for a while.
        """
        self._last_moved_at = self.now

    def extend_idle_timer(self) -> None:
        """Restart the idle timer if it runs; called while another screen is open or a filter is typed."""
        if self._last_moved_at is not None:
            self._last_moved_at = self.now

    @property
    def is_user_active(self) -> bool:
        """Whether the user has moved or acted on an org, and the idle timer has not expired since."""
        return self._last_moved_at is not None

    def expire_idle_timer(self) -> bool:
        """Stop the idle timer if the idle timeout is over. Return whether this call has stopped it."""
        if self._last_moved_at is None or self.now - self._last_moved_at <= _IDLE_TIMEOUT:
            return False
        self._last_moved_at = None
        return True

    # Order

    def _advance_to(self, now: datetime) -> None:
        clock_was_set_back, self.now = now < self.now, now
        if clock_was_set_back:  # verdicts of the later time no longer hold
            self._rejudge(self.all_orgs)

    def _judge_all(self) -> None:
        self._verdicts = {name: self._judge(name) for name in self.all_orgs}
        self.counts = Counter(map(counted_level, self._verdicts.values()))
        self._update_sort_keys()
        self._update_matching()
        self._sort()

    def _rejudge(self, names: Iterable[str]) -> None:
        for name in names:
            before = self._verdicts[name]
            after = self._verdicts[name] = self._judge(name)
            if before.level is not after.level or before.stale != after.stale:
                self.counts[counted_level(before)] -= 1
                self.counts[counted_level(after)] += 1
            if (matches := self._matches_filter(name)) is not (name in self._matching):
                self._matching ^= {name}
                self._filter_is_outdated = self._order_is_outdated = True
            key = self._sort_key_of(name)
            if key != self._sort_keys[name]:
                self._sort_keys[name], self._sorted_names = key, None
                self._order_is_outdated |= matches

    def _judge(self, name: str) -> Verdict:
        return self._cache.judge(self.snapshot(name), self.policy, self.now)

    def _cached_verdict(self, name: str) -> Verdict | None:
        return self._cache.find(self.snapshot(name), self.policy, self.now)

    def _update_sort_keys(self) -> None:
        self._sort_keys = {name: self._sort_key_of(name) for name in self.all_orgs}
        self._sorted_names = None

    def _update_matching(self) -> None:
        self._matching = set(filter(self._matches_filter, self.all_orgs))

    def _sort_key_of(self, name: str) -> Any:
        return sort_key(self.sort, self.all_orgs[name], self._verdicts[name], self.now)

    def _matches_filter(self, name: str) -> bool:
        return not self._filter.terms or self._filter.matches(self._filter_texts_of(name))

    def _filter_texts_of(self, name: str) -> dict[str | None, str]:
        snapshot, verdict = self.all_orgs[name], self._verdicts[name]
        cached = self._filter_texts.get(name)
        if cached is None or cached[0] is not snapshot or cached[1] is not verdict:
            cached = self._filter_texts[name] = snapshot, verdict, searchable_texts(snapshot, verdict)
        return cached[2]

    def _sort(self) -> None:
        if self._sorted_names is None:
            by_key = self._sort_keys.__getitem__
            self._sorted_names = sorted(self.all_orgs, key=by_key, reverse=self.reverse)
        self._set_order([name for name in self._sorted_names if name in self._matching])
        self._order_is_outdated = False

    def _apply_filter_unsorted(self) -> None:
        """Apply the filter without sorting: orgs that newly match stay at the end until the next sort."""
        matching, shown = self._matching, self.positions
        added = [name for name in self.all_orgs if name in matching and name not in shown]
        self._set_order([name for name in self.order if name in matching] + added)

    def _set_order(self, order: list[str]) -> None:
        self.order = order
        self.positions = {name: index for index, name in enumerate(order)}
        self._filter_is_outdated = False


def counted_level(verdict: Verdict) -> Level:
    """Return the level under which an org with this verdict is counted: a stale ok counts as unknown."""
    return Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level

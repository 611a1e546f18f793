"""The orgs as the screen shows them: which, in which order, judged how. Plain Python: no widget in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.filter import parse_filter, searchable_texts
from zbtui.presentation.privacy import hide_names, hide_problem
from zbtui.presentation.sorting import SortOrder, sort_key

_ORDER_HOLD: Final = timedelta(seconds=10)
"""After a move the order stays for so long: nothing jumps away under the cursor."""
_IDLE_TIMEOUT: Final = timedelta(seconds=60)
"""After so long without a move the screen shows the top again."""
_REJUDGE_CYCLE_TICKS: Final = 300
"""Ticks within which each org that is out of sight is judged anew, though nothing should have turned."""


class OrgList:
    """All views of a screen share one, so that they show the same orgs in the same order."""

    def __init__(self, policy: WatchPolicy, now: datetime, verdicts: VerdictCache | None = None) -> None:
        self.policy = policy
        self.now = now
        self.all_orgs: dict[str, Snapshot] = {}
        """By name, in the config's order, whether shown or not."""
        self.counts: Counter[Level] = Counter()
        """How many of all orgs are at each level, as it counts."""
        self.order: list[str] = []
        """The names of those that the filter lets through, sorted."""
        self.positions: dict[str, int] = {}
        """Each one's place in the order."""
        self.sort: SortOrder = "worst"
        self.reverse = False
        self.filter_text = ""
        """The filter, as it was typed."""
        self.names_hidden = False
        """Whether names and ids are hidden."""
        self._filter = parse_filter("")
        self._aliases: dict[str, str] = {}
        self._redacted: dict[str, Snapshot] = {}
        """As they may be shown, while names are hidden."""
        self._verdicts: dict[str, Verdict] = {}
        self._shared = self._cache = verdicts or VerdictCache()
        """While names are hidden, `_cache` is another one."""
        self._filter_texts: dict[str, tuple[Snapshot, Verdict, dict[str | None, str]]] = {}
        """What the filter looks through, and of what it was made."""
        self._sort_keys: dict[str, Any] = {}
        """By what each is sorted, whether shown or not."""
        self._sorted_names: list[str] | None = None
        """All of them, sorted; None: some key is another one since."""
        self._matching = set[str]()
        """Those that the filter lets through."""
        self._order_is_stale = False
        self._filter_is_stale = False
        """Whether the filter hides one that is shown, or lets one through that is not."""
        self._rejudge_position = 0
        """The place among all orgs up to which those out of sight were judged anew."""
        self._last_moved_at: datetime | None = None

    # What it tells

    def snapshot(self, name: str) -> Snapshot:
        """What is known of an org, as it may be shown."""
        if not self.names_hidden:
            return self.all_orgs[name]
        if name not in self._redacted:
            self._redacted[name] = self.as_shown(self.all_orgs[name])
        return self._redacted[name]

    def as_shown(self, snapshot: Snapshot) -> Snapshot:
        """This one, or the same without names."""
        return hide_names(snapshot, self.called(snapshot.org.name)) if self.names_hidden else snapshot

    def in_words(self, problem: Problem) -> str:
        """A problem as it may be shown."""
        shown = hide_problem(problem) if self.names_hidden else problem
        return f"{shown.message} {shown.hint}"

    def called(self, name: str) -> str:
        """What an org may be called on the screen."""
        return self._aliases.get(name, "an org") if self.names_hidden else name

    def verdict(self, name: str) -> Verdict:
        """As of the last tick."""
        return self._verdicts[name]

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """Of all orgs, by name."""
        return self._verdicts

    @property
    def is_order_held(self) -> bool:
        """Whether the order is an older one, so that nothing jumps away from whoever moved."""
        return self._order_is_stale

    @property
    def hidden_counts(self) -> Counter[Level]:
        """How many orgs at each level the filter hides."""
        shown = self.positions
        return Counter(counted_level(one) for name, one in self._verdicts.items() if name not in shown)

    # What it is told

    def set_orgs(self, snapshots: Iterable[Snapshot], policy: WatchPolicy, now: datetime) -> None:
        """These orgs there are, and no others."""
        self.policy, self.now = policy, now
        self.all_orgs = {snapshot.org.name: snapshot for snapshot in snapshots}
        self._filter_texts.clear()
        self._aliases = {name: f"org {place}" for place, name in enumerate(self.all_orgs, start=1)}
        self._judge_all()

    def update(self, snapshot: Snapshot, now: datetime) -> bool:
        """Something about one org is known anew. Whether it is among them."""
        name = snapshot.org.name
        if name not in self.all_orgs:
            return False
        self._advance_to(now)
        self.all_orgs[name] = snapshot
        self._redacted.pop(name, None)
        self._rejudge([name])
        return True

    def tick(self, now: datetime, in_sight: Iterable[str]) -> None:
        """The time went on: judge anew.

        What is in sight is judged each time; what is not, when its time has come. Of the rest a part, so
        that thousands cost no more than a few.
        """
        self._advance_to(now)
        turned = [name for name in self.all_orgs if self._found(name) is not self._verdicts[name]]
        part = len(self.all_orgs) // _REJUDGE_CYCLE_TICKS + 1
        names = list(self.all_orgs)[self._rejudge_position : self._rejudge_position + part]
        self._rejudge_position = (
            self._rejudge_position + part if self._rejudge_position + part < len(self.all_orgs) else 0
        )
        self._rejudge(dict.fromkeys([*in_sight, *turned, *names]))

    def refresh_order(self) -> bool:
        """Sort anew where that is due; while the order rests, only let in and out. Whether it was done."""
        resting = self._last_moved_at is not None and abs(self.now - self._last_moved_at) < _ORDER_HOLD
        if self._order_is_stale and not resting:
            self._sort()
        elif self._filter_is_stale:
            self._apply_filter_unsorted()
        else:
            return False
        return True

    def sort_by(self, sort: SortOrder, *, reverse: bool = False) -> None:
        self.sort, self.reverse = sort, reverse
        self._update_sort_keys()
        self._sort()

    def set_filter(self, text: str) -> None:
        """Show only what this filter lets through; an empty one lets all through."""
        self.filter_text, self._filter = text, parse_filter(text)
        self._update_matching()
        self._sort()

    def hide_names(self, hidden: bool) -> None:
        self.names_hidden = hidden
        self._cache = VerdictCache() if hidden else self._shared
        self._redacted.clear()
        self._judge_all()

    # Rest

    def restart_idle_timer(self) -> None:
        """Somebody moved, or does something with an org: the order rests for a while."""
        self._last_moved_at = self.now

    def extend_idle_timer(self) -> None:
        """Somebody is busy elsewhere, with what the cursor is on."""
        if self._last_moved_at is not None:
            self._last_moved_at = self.now

    @property
    def is_user_active(self) -> bool:
        """Somebody has moved, and was not left alone since."""
        return self._last_moved_at is not None

    def expire_idle_timer(self) -> bool:
        """Whether nobody has moved for a while; then it is as if nobody ever had."""
        if self._last_moved_at is None or self.now - self._last_moved_at <= _IDLE_TIMEOUT:
            return False
        self._last_moved_at = None
        return True

    # Order

    def _advance_to(self, now: datetime) -> None:
        is_back, self.now = now < self.now, now
        if is_back:  # the clock was set back: what had turned by then has not
            self._rejudge(self.all_orgs)

    def _judge_all(self) -> None:
        self._verdicts = {name: self._judge(name) for name in self.all_orgs}
        self.counts = Counter(counted_level(verdict) for verdict in self._verdicts.values())
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
            if (lets := self._matches_filter(name)) is not (name in self._matching):
                self._matching ^= {name}
                self._filter_is_stale = self._order_is_stale = True
            key = self._sort_key_of(name)
            if key != self._sort_keys[name]:
                self._sort_keys[name], self._sorted_names = key, None
                self._order_is_stale |= lets

    def _judge(self, name: str) -> Verdict:
        return self._cache.judge(self.snapshot(name), self.policy, self.now)

    def _found(self, name: str) -> Verdict | None:
        return self._cache.find(self.snapshot(name), self.policy, self.now)

    def _update_sort_keys(self) -> None:
        self._sort_keys, self._sorted_names = (
            {name: self._sort_key_of(name) for name in self.all_orgs},
            None,
        )

    def _update_matching(self) -> None:
        self._matching = (
            set(filter(self._matches_filter, self.all_orgs)) if self._filter.terms else set(self.all_orgs)
        )

    def _sort_key_of(self, name: str) -> Any:
        return sort_key(self.sort, self.all_orgs[name], self._verdicts[name], self.now)

    def _matches_filter(self, name: str) -> bool:
        return not self._filter.terms or self._filter.matches(self._filter_texts_of(name))

    def _filter_texts_of(self, name: str) -> dict[str | None, str]:
        snapshot, verdict = self.all_orgs[name], self._verdicts[name]
        known = self._filter_texts.get(name)
        if known is None or known[0] is not snapshot or known[1] is not verdict:
            known = self._filter_texts[name] = snapshot, verdict, searchable_texts(snapshot, verdict)
        return known[2]

    def _sort(self) -> None:
        if self._sorted_names is None:
            self._sorted_names = sorted(
                self.all_orgs, key=self._sort_keys.__getitem__, reverse=self.reverse
            )
        self._set_order([name for name in self._sorted_names if name in self._matching])
        self._order_is_stale = False

    def _apply_filter_unsorted(self) -> None:
        """What the filter says, at once; those who come stand last until all are sorted."""
        let, shown = self._matching, self.positions
        come = [name for name in self.all_orgs if name in let and name not in shown]
        self._set_order([name for name in self.order if name in let] + come)

    def _set_order(self, order: list[str]) -> None:
        self.order = order
        self.positions = {name: place for place, name in enumerate(order)}
        self._filter_is_stale = False


def counted_level(verdict: Verdict) -> Level:
    """What an org counts as: what could not be confirmed is not well."""
    return Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level

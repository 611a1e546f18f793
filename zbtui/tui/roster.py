"""The orgs as the screen shows them: which, in which order, judged how. Plain Python: no widget in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.core.finding import parse_filter, texts_of
from zbtui.core.ordering import Sort, sort_key
from zbtui.core.org import Policy
from zbtui.core.privacy import hide_names, hide_problem
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level, Verdict
from zbtui.core.verdict_cache import VerdictCache

_ORDER_RESTS: Final = timedelta(seconds=10)
"""After a move the order stays for so long: nothing jumps away under the cursor."""
_LEFT_ALONE: Final = timedelta(seconds=60)
"""After so long without a move the screen shows the top again."""
_JUDGED_EVERY: Final = 300
"""Ticks within which each org that is out of sight is judged anew, though nothing should have turned."""


class Roster:
    """All views of a screen share one, so that they show the same orgs in the same order."""

    def __init__(self, policy: Policy, now: datetime, verdicts: VerdictCache | None = None) -> None:
        self.policy = policy
        self.now = now
        self.everyone: dict[str, Snapshot] = {}
        """By name, in the config's order, whether shown or not."""
        self.counts: Counter[Level] = Counter()
        """How many of all orgs are at each level, as it counts."""
        self.order: list[str] = []
        """The names of those that the filter lets through, sorted."""
        self.index: dict[str, int] = {}
        """Each one's place in the order."""
        self.sort: Sort = "worst"
        self.reverse = False
        self.find = ""
        """The filter, as it was typed."""
        self.names_hidden = False
        """Whether names and ids are hidden."""
        self._filter = parse_filter("")
        self._aliases: dict[str, str] = {}
        self._shown: dict[str, Snapshot] = {}
        """As they may be shown, while names are hidden."""
        self._verdicts: dict[str, Verdict] = {}
        self._shared = self._cache = verdicts or VerdictCache()
        """While names are hidden, `_cache` is another one."""
        self._texts: dict[str, tuple[Snapshot, Verdict, dict[str | None, str]]] = {}
        """What the filter looks through, and of what it was made."""
        self._keys: dict[str, Any] = {}
        """By what each is sorted, whether shown or not."""
        self._ranks: list[str] | None = None
        """All of them, sorted; None: some key is another one since."""
        self._let = set[str]()
        """Those that the filter lets through."""
        self._unsorted = False
        self._untrue = False
        """Whether the filter hides one that is shown, or lets one through that is not."""
        self._judged = 0
        """The place among all orgs up to which those out of sight were judged anew."""
        self._moved_at: datetime | None = None

    # What it tells

    def snapshot(self, name: str) -> Snapshot:
        """What is known of an org, as it may be shown."""
        if not self.names_hidden:
            return self.everyone[name]
        if name not in self._shown:
            self._shown[name] = self.as_shown(self.everyone[name])
        return self._shown[name]

    def as_shown(self, snapshot: Snapshot) -> Snapshot:
        """This one, or the same without names."""
        return hide_names(snapshot, self.called(snapshot.org.name)) if self.names_hidden else snapshot

    def in_words(self, problem: Trouble) -> str:
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
    def is_resting(self) -> bool:
        """Whether the order is an older one, so that nothing jumps away from whoever moved."""
        return self._unsorted

    @property
    def hidden(self) -> Counter[Level]:
        """How many orgs at each level the filter hides."""
        shown = self.index
        return Counter(counted(one) for name, one in self._verdicts.items() if name not in shown)

    # What it is told

    def set_orgs(self, snapshots: Iterable[Snapshot], policy: Policy, now: datetime) -> None:
        """These orgs there are, and no others."""
        self.policy, self.now = policy, now
        self.everyone = {snapshot.org.name: snapshot for snapshot in snapshots}
        self._texts.clear()
        self._aliases = {name: f"org {place}" for place, name in enumerate(self.everyone, start=1)}
        self._judge_all()

    def update(self, snapshot: Snapshot, now: datetime) -> bool:
        """Something about one org is known anew. Whether it is among them."""
        name = snapshot.org.name
        if name not in self.everyone:
            return False
        self._go_on_to(now)
        self.everyone[name] = snapshot
        self._shown.pop(name, None)
        self._rejudge([name])
        return True

    def tick(self, now: datetime, in_sight: Iterable[str]) -> None:
        """The time went on: judge anew.

        What is in sight is judged each time; what is not, when its time has come. Of the rest a part, so
        that thousands cost no more than a few.
        """
        self._go_on_to(now)
        turned = [name for name in self.everyone if self._found(name) is not self._verdicts[name]]
        part = len(self.everyone) // _JUDGED_EVERY + 1
        names = list(self.everyone)[self._judged : self._judged + part]
        self._judged = self._judged + part if self._judged + part < len(self.everyone) else 0
        self._rejudge(dict.fromkeys([*in_sight, *turned, *names]))

    def settle(self) -> bool:
        """Sort anew where that is due; while the order rests, only let in and out. Whether it was done."""
        resting = self._moved_at is not None and abs(self.now - self._moved_at) < _ORDER_RESTS
        if self._unsorted and not resting:
            self._sort()
        elif self._untrue:
            self._let_in_and_out()
        else:
            return False
        return True

    def sort_by(self, sort: Sort, *, reverse: bool = False) -> None:
        self.sort, self.reverse = sort, reverse
        self._key_all()
        self._sort()

    def search(self, text: str) -> None:
        """Show only what this filter lets through; an empty one lets all through."""
        self.find, self._filter = text, parse_filter(text)
        self._filter_all()
        self._sort()

    def hide_names(self, hidden: bool) -> None:
        self.names_hidden = hidden
        self._cache = VerdictCache() if hidden else self._shared
        self._shown.clear()
        self._judge_all()

    # Rest

    def touch(self) -> None:
        """Somebody moved, or does something with an org: the order rests for a while."""
        self._moved_at = self.now

    def stay(self) -> None:
        """Somebody is busy elsewhere, with what the cursor is on."""
        if self._moved_at is not None:
            self._moved_at = self.now

    @property
    def is_touched(self) -> bool:
        """Somebody has moved, and was not left alone since."""
        return self._moved_at is not None

    def let_go(self) -> bool:
        """Whether nobody has moved for a while; then it is as if nobody ever had."""
        if self._moved_at is None or self.now - self._moved_at <= _LEFT_ALONE:
            return False
        self._moved_at = None
        return True

    # Order

    def _go_on_to(self, now: datetime) -> None:
        is_back, self.now = now < self.now, now
        if is_back:  # the clock was set back: what had turned by then has not
            self._rejudge(self.everyone)

    def _judge_all(self) -> None:
        self._verdicts = {name: self._judge(name) for name in self.everyone}
        self.counts = Counter(counted(verdict) for verdict in self._verdicts.values())
        self._key_all()
        self._filter_all()
        self._sort()

    def _rejudge(self, names: Iterable[str]) -> None:
        for name in names:
            before = self._verdicts[name]
            after = self._verdicts[name] = self._judge(name)
            if before.level is not after.level or before.stale != after.stale:
                self.counts[counted(before)] -= 1
                self.counts[counted(after)] += 1
            if (lets := self._lets(name)) is not (name in self._let):
                self._let ^= {name}
                self._untrue = self._unsorted = True
            key = self._key(name)
            if key != self._keys[name]:
                self._keys[name], self._ranks = key, None
                self._unsorted |= lets

    def _judge(self, name: str) -> Verdict:
        return self._cache.judge(self.snapshot(name), self.policy, self.now)

    def _found(self, name: str) -> Verdict | None:
        return self._cache.find(self.snapshot(name), self.policy, self.now)

    def _key_all(self) -> None:
        self._keys, self._ranks = {name: self._key(name) for name in self.everyone}, None

    def _filter_all(self) -> None:
        self._let = set(filter(self._lets, self.everyone)) if self._filter.words else set(self.everyone)

    def _key(self, name: str) -> Any:
        return sort_key(self.sort, self.everyone[name], self._verdicts[name], self.now)

    def _lets(self, name: str) -> bool:
        return not self._filter.words or self._filter.matches(self._texts_of(name))

    def _texts_of(self, name: str) -> dict[str | None, str]:
        snapshot, verdict = self.everyone[name], self._verdicts[name]
        known = self._texts.get(name)
        if known is None or known[0] is not snapshot or known[1] is not verdict:
            known = self._texts[name] = snapshot, verdict, texts_of(snapshot, verdict)
        return known[2]

    def _sort(self) -> None:
        if self._ranks is None:
            self._ranks = sorted(self.everyone, key=self._keys.__getitem__, reverse=self.reverse)
        self._put([name for name in self._ranks if name in self._let])
        self._unsorted = False

    def _let_in_and_out(self) -> None:
        """What the filter says, at once; those who come stand last until all are sorted."""
        let, shown = self._let, self.index
        come = [name for name in self.everyone if name in let and name not in shown]
        self._put([name for name in self.order if name in let] + come)

    def _put(self, order: list[str]) -> None:
        self.order = order
        self.index = {name: place for place, name in enumerate(order)}
        self._untrue = False


def counted(verdict: Verdict) -> Level:
    """What an org counts as: what could not be confirmed is not well."""
    return Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level

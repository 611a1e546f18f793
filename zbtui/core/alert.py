"""Whom to alert of what, and when: pure. What was told so far is a ledger that is handed in and out.

Each change of verdict is told once, and its end too; what lasts is told again after a while. An outage
of this machine's network is one alert, not one for each org.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from zbtui.core.alert_settings import AlertSettings
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import rough
from zbtui.core.trouble import Kind as TroubleKind
from zbtui.core.verdict import Level, Verdict

Kind = Literal["alarm", "reminder", "recovery", "outage", "outage_over"]

ALL: Final = ""
"""Instead of an org's name: the alert is about all of them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When to alert."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    every: timedelta = timedelta(minutes=5)
    """Within this each org is looked at once: so long an "out of reach" waits for the others'."""
    whole: bool = True
    """Whether all orgs are observed: of a part of them, nobody can tell that none can be reached."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of an org."""

    verdict: str
    level: Level
    told_at: datetime | None
    """None: nothing was, for it is well."""
    looked_at: datetime | None = None
    """When the look was made that showed it first: what was seen before that is no news."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was told so far."""

    orgs: Mapping[str, Told] = field(default_factory=dict)
    outage_since: datetime | None = None
    """When it was first told that no org can be reached, while that lasts."""
    outage_told_at: datetime | None = None
    """When it was last told."""
    outage_over: datetime | None = None
    """When the last one ended."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell."""

    at: datetime
    kind: Kind
    org: str
    """`ALL` for an outage."""
    before: str | None
    """The verdict that was told before; None: there was none."""
    verdict: str
    level: Level
    headline: str
    hint: str | None

    @property
    def title(self) -> str:
        """`acme: failed`, in one line."""
        match self.kind:
            case "recovery" if self.level is Level.OK:
                return f"{self.org}: well again"
            case "recovery":
                return f"{self.org}: now {spoken(self.verdict)}"
            case "reminder" if self.org:
                return f"{self.org}: still {spoken(self.verdict)}"
            case "outage" | "reminder":
                return "No org can be reached"
            case "outage_over":
                return "Orgs can be reached again"
            case _:
                return f"{self.org}: {spoken(self.verdict)}"


def spoken(verdict: str) -> str:
    """A verdict's name as people say it."""
    return _SPOKEN.get(verdict) or verdict.replace("_", " ")


_SPOKEN: Final = {"none": "no backup", "one_off": "a single backup"}


_SHARED: Final[frozenset[TroubleKind]] = frozenset({"network", "keyring", "server", "contract"})


@dataclass(frozen=True, slots=True)
class Observation:
    """What one org is at."""

    snapshot: Snapshot
    verdict: Verdict

    @property
    def org(self) -> str:
        return self.snapshot.org.name

    @property
    def looked_at(self) -> datetime | None:
        """When it was last looked at; None: not since the program started."""
        kept = self.snapshot.polls.restored and self.snapshot.polls.problem is None
        return None if kept else self.snapshot.polls.attempted_at

    @property
    def is_unreachable(self) -> bool:
        """Its last look failed for something that it may share with all others: the network, the
        keyring, Zoho out of order, or somebody else who answers in its place.
        """
        return self.snapshot.polls.problem is not None and self.snapshot.polls.problem.kind in _SHARED

    @property
    def is_reached(self) -> bool:
        """Its last look brought an answer of Zoho's, if only a refusal."""
        trouble = self.snapshot.polls.problem
        return trouble is None or (trouble.http_status is not None and not self.is_unreachable)

    @property
    def is_asked(self) -> bool:
        """It is looked at again by itself, and soon."""
        trouble = self.snapshot.polls.problem
        return not self.snapshot.activity.paused and not (trouble and (trouble.final or trouble.is_barred))

    def is_looked_at_since(self, moment: datetime | None) -> bool:
        """Whether it was after `moment`; None: whether it was at all."""
        return self.looked_at is not None and (moment is None or self.looked_at > moment)


def decide(
    ledger: Ledger, observations: Sequence[Observation], rules: Rules, now: datetime
) -> tuple[Ledger, tuple[Alert, ...]]:
    """What is to be told now, and the ledger once it is.

    Args:
        observations: of all orgs that this process watches.
    """
    ledger, alerts, fleet = _by_now(ledger, now), list[Alert](), _survey(observations)
    if rules.whole:
        ledger, alerts = _decide_outage(ledger, observations, fleet, rules, now)
    orgs = dict(ledger.orgs)
    by = ledger
    if not rules.whole and ledger.outage_since and any(at > ledger.outage_since for at in fleet.reached):
        by = replace(ledger, outage_since=None)  # over, for all that a part of the orgs can tell
    for one in observations:
        if one.snapshot.org.mute or one.snapshot.activity.paused or not _tells(one, by, fleet, rules, now):
            continue
        before = orgs.get(one.org)
        if _is_outdated(one, before):
            continue
        told, alert = _decide_org(before, one, rules, now)
        orgs[one.org] = told
        if alert:
            alerts.append(alert)
    return replace(ledger, orgs=orgs), tuple(alerts)


def _is_outdated(one: Observation, before: Told | None) -> bool:
    """Whether what was told comes of a later look: another process's."""
    told = before.looked_at if before else None
    return told is not None and one.looked_at is not None and one.looked_at < told


def _by_now(ledger: Ledger, now: datetime) -> Ledger:
    """The ledger; moments that are yet to come are now's: the clock was set back since."""

    def known(moment: datetime | None) -> datetime | None:
        return min(moment, now) if moment else None

    return Ledger(
        {
            org: replace(told, told_at=known(told.told_at), looked_at=known(told.looked_at))
            for org, told in ledger.orgs.items()
        },
        known(ledger.outage_since),
        known(ledger.outage_told_at),
        known(ledger.outage_over),
    )


def _decide_outage(
    ledger: Ledger, observations: Sequence[Observation], fleet: _Fleet, rules: Rules, now: datetime
) -> tuple[Ledger, list[Alert]]:
    """One alert for an outage that takes all orgs, and one for its end."""
    since = ledger.outage_since
    if since is None:
        out = _find_outage(ledger, observations, fleet, rules, now)
        if not out:
            return ledger, []
        ledger = replace(ledger, outage_since=now, outage_told_at=now, outage_over=None)
        return ledger, [_outage("outage", out, now)]
    reached = [one for one in observations if one.is_reached and one.is_looked_at_since(since)]
    if reached:
        return replace(ledger, outage_since=None, outage_told_at=None, outage_over=now), [
            _outage_over(reached[0], since, now)
        ]
    out = [one for one in observations if one.is_asked and one.is_unreachable]
    if not out or not _is_due(ledger.outage_told_at or since, rules, now):
        return ledger, []
    return replace(ledger, outage_told_at=now), [_outage("reminder", out, now)]


def _find_outage(
    ledger: Ledger, observations: Sequence[Observation], fleet: _Fleet, rules: Rules, now: datetime
) -> list[Observation]:
    """The orgs of an outage that is still to be told: all that are asked, two at least; else none."""
    if rules.settings.least > Level.UNKNOWN:
        return []
    asked = [one for one in observations if one.is_asked]
    out = [one for one in asked if one.is_unreachable and one.is_looked_at_since(ledger.outage_over)]
    began = [
        _began(one, ledger, now)
        for one in out
        if not (one.snapshot.org.mute or _already_told(ledger, one)) and _lasts(one, ledger, rules, now)
    ]
    answered = fleet.reached[-1] if fleet.reached else None
    unanswered = [moment for moment in began if answered is None or answered <= moment]
    if len(out) < 2 or not unanswered:
        return []
    names = {one.org for one in out}
    rest = [one for one in asked if one.org not in names]
    unseen = any(one.looked_at is None for one in rest)
    return [] if _is_awaited(bool(rest), unseen, min(unanswered), rules, now) else out


def _lasts(one: Observation, ledger: Ledger, rules: Rules, now: datetime) -> bool:
    """Whether it has been out of reach for long enough; after an outage that counts anew."""
    began, over = one.snapshot.polls.failing_since or now, ledger.outage_over
    anew = over is None or began > over or now - over > rules.every * 2
    return anew and one.snapshot.polls.failures >= rules.settings.failed_looks


def _began(one: Observation, ledger: Ledger, now: datetime) -> datetime:
    """Since when it is out of reach, not counting an outage that is over."""
    began = min(one.snapshot.polls.failing_since or now, now)
    return max(began, ledger.outage_over) if ledger.outage_over else began


def _is_awaited(others: bool, unseen: bool, began: datetime, rules: Rules, now: datetime) -> bool:
    """Whether it is still to be seen if the others are out of reach too.

    Args:
        others: whether there are any; each is asked within its interval.
        unseen: whether one of them was not looked at yet: the program has just started.
    """
    return unseen or (others and now - began <= rules.every * 2)


def _outage(kind: Kind, out: Sequence[Observation], now: datetime) -> Alert:
    troubles = [one.snapshot.polls.problem for one in out if one.snapshot.polls.problem]
    network = all(trouble.kind == "network" for trouble in troubles)
    why = "is this machine online?" if network else troubles[0].message
    headline = f"none of {len(out)} orgs can be looked at: {why}"
    hint = None if network else troubles[0].hint
    return Alert(now, kind, ALL, None, "cannot_look", Level.UNKNOWN, headline, hint)


def _outage_over(reached: Observation, since: datetime, now: datetime) -> Alert:
    headline = f"{reached.org} answers, {rough(now - since)} after that was told"
    return Alert(now, "outage_over", ALL, "cannot_look", reached.verdict.name, Level.OK, headline, None)


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What tells of an org that is out of reach whether the others are, too."""

    reached: tuple[datetime, ...]
    """When looks brought an answer, in order."""
    asked: int
    """How many orgs are looked at again by themselves."""
    unseen: bool
    """Whether one of these was not looked at yet."""


def _survey(observations: Sequence[Observation]) -> _Fleet:
    asked = [one for one in observations if one.is_asked]
    return _Fleet(
        tuple(sorted(one.looked_at for one in observations if one.is_reached and one.looked_at)),
        len(asked),
        any(one.looked_at is None for one in asked),
    )


def _tells(one: Observation, ledger: Ledger, fleet: _Fleet, rules: Rules, now: datetime) -> bool:
    """Whether an observation is one to go by: seen lately, or out of reach for long enough."""
    verdict, snapshot = one.verdict, one.snapshot
    if verdict.name == "waiting" or verdict.stale:
        return False
    if Level.UNKNOWN is verdict.level < rules.settings.least:
        return False  # not to be told; and what was told is not over, for all that is known
    trouble, failures = snapshot.polls.problem, snapshot.polls.failures
    if trouble is None:  # then it is the history that cannot be read
        trouble = snapshot.polls.history_problem
        failures = snapshot.polls.history_failures
    if verdict.name != "cannot_look" or trouble is None or trouble.final:
        return True
    if failures < rules.settings.failed_looks:
        return False
    if not one.is_unreachable:
        return True
    return ledger.outage_since is None and _is_by_itself(one, ledger, fleet, rules, now)


def _is_by_itself(one: Observation, ledger: Ledger, fleet: _Fleet, rules: Rules, now: datetime) -> bool:
    """Whether it is out of reach while another is not, or there is none to tell it by."""
    at, began = one.looked_at, _began(one, ledger, now)
    if at is None or not (one.is_looked_at_since(ledger.outage_over) and _lasts(one, ledger, rules, now)):
        return False
    # Not later than its own last look: after a short outage others may be asked again before it is.
    if bisect_right(fleet.reached, began) < bisect_right(fleet.reached, at):
        return True
    return not _is_awaited(fleet.asked > one.is_asked, fleet.unseen, began, rules, now)


def _already_told(ledger: Ledger, one: Observation) -> bool:
    told = ledger.orgs.get(one.org)
    return told is not None and told.verdict == one.verdict.name and told.told_at is not None


def _decide_org(
    before: Told | None, one: Observation, rules: Rules, now: datetime
) -> tuple[Told, Alert | None]:
    verdict = one.verdict
    bad = verdict.level >= rules.settings.least
    told_at = before.told_at if before else None
    same = before is not None and before.verdict == verdict.name

    def alert(kind: Kind) -> Alert:
        was = before.verdict if before else None
        return Alert(now, kind, one.org, was, verdict.name, verdict.level, verdict.headline, verdict.hint)

    told = Told(verdict.name, verdict.level, now if bad else None, one.looked_at)
    if not bad and told_at is not None:
        # Files that died undownloaded are no good news.
        died = (
            before is not None and before.verdict == "links_expiring" and one.snapshot.links_are_gone(now)
        )
        return told, None if died else alert("recovery")
    if not bad:
        return before if before and same else told, None
    if before is None or told_at is None or not same:
        return told, alert("alarm")
    return (told, alert("reminder")) if _is_due(told_at, rules, now) else (before, None)


def _is_due(told_at: datetime, rules: Rules, now: datetime) -> bool:
    """Whether it is time to tell again what lasts."""
    return rules.settings.remind_every is not None and now - told_at >= rules.settings.remind_every

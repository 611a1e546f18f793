"""Names and ids hidden: the state of an org stays, whose it is does not."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import DAY, NOW, OFFLINE, ORG, POLICY, ahead, company, history, row, snapshots, tried
from zbtui.core.backup import Requester
from zbtui.core.company import Company
from zbtui.core.judge import judge
from zbtui.core.links import Links
from zbtui.core.org import Org
from zbtui.core.runs import History, summarize
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import LOCKOUT, Trouble
from zbtui.core.veil import HIDDEN, veil, veil_text
from zbtui.tui.widgets.detail import detail_rows
from zbtui.tui.widgets.panel import draw_panel

ALIAS = "org 1"
PLANTED = "qzx"
"""Begins each planted text, and is in none of ours."""


def texts_in(thing: object) -> list[str]:
    """Every text that is anywhere in it."""
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, (tuple, list)):
        return [text for part in thing for text in texts_in(part)]
    if is_dataclass(thing):
        return [text for key in fields(thing) for text in texts_in(getattr(thing, key.name))]
    return []


@st.composite
def planted(draw: st.DrawFn) -> Snapshot:
    """Any snapshot, with a text of its own in each place that is to be hidden; one may be in another."""
    known, numbers = draw(snapshots()), count(1)
    nested = draw(st.booleans())

    def secret() -> str:
        number = next(numbers)
        # As "acme" is in "acme Ltd.": what is planted first is in all that follow.
        return f"{PLANTED}{'1 Sons of ' if nested and number > 1 else ''}{PLANTED}{number}"

    def someone() -> Requester:
        return Requester(secret(), secret(), secret())

    org = Org(
        secret(),
        draw(st.sampled_from(["eu", "custom"])),
        secret(),
        soid=f"ZohoCRM.{secret()}",
        accounts_url=f"https://{secret().replace(' ', '-')}.example",
        api_url=f"https://{secret().replace(' ', '-')}.example:8443/path",
        tags=(secret(), secret()),
    )
    backup = known.backup and replace(known.backup, id=secret(), requester=someone())
    whose = known.company and replace(known.company, name=secret(), number=secret(), country=secret())
    past = known.history and summarize(
        replace(entry, id=secret(), file_name=secret(), done_by=someone())
        for entry in known.history.entries
    )
    known = replace(known, org=org, backup=backup, company=whose, history=past)
    told = [text for text in texts_in((org, backup, whose, past)) if PLANTED in text]

    def trouble() -> Trouble:
        first, second, third = (draw(st.sampled_from(told)) for _ in range(3))
        return Trouble(
            draw(st.sampled_from(["network", "keyring", "config"])),
            f"{first.upper()}cannot use zbtui:{second}, or {third}'s.",
            f"Ask ({second}).",
            code=f"NO_{third}",
        )

    return replace(
        known,
        trouble=trouble() if known.trouble else None,
        past_trouble=trouble() if known.past_trouble else None,
    )


@tried
@given(planted())
def test_nothing_that_is_hidden_is_in_any_text(snapshot: Snapshot) -> None:
    hidden = veil(snapshot, ALIAS)
    verdict = judge(hidden, POLICY, NOW)
    panel = draw_panel(hidden, verdict, NOW, 76, zone=UTC)
    rows = detail_rows(hidden, verdict, NOW, [], UTC)
    for text in texts_in([hidden, verdict, panel, rows]):
        assert PLANTED not in text.lower()


@tried
@given(snapshots() | planted())
def test_judged_it_is_what_it_is_without_the_veil(snapshot: Snapshot) -> None:
    plain, hidden = judge(snapshot, POLICY, NOW), judge(veil(snapshot, ALIAS), POLICY, NOW)
    assert (hidden.name, hidden.level, hidden.stale) == (plain.name, plain.level, plain.stale)


@tried
@given(snapshots() | planted())
def test_what_the_history_amounts_to_stays(snapshot: Snapshot) -> None:
    before, after = snapshot.history or History(), veil(snapshot, ALIAS).history or History()
    assert after.runs == before.runs
    assert [entry.at for entry in after.entries] == [entry.at for entry in before.entries]
    for key in ("last_finished", "last_completed", "last_failed", "under_way"):
        was, has = getattr(before, key), getattr(after, key)
        assert (was and (was.at, was.state)) == (has and (has.at, has.state))
        assert has is None or after.latest_time_of(has) == before.latest_time_of(was)


def test_status_dates_plan_and_place_stay() -> None:
    rows = history(row("completed", NOW - DAY))
    known = ahead(DAY, history=rows, company=company(), links=Links(2, 1, NOW + 5 * DAY))
    hidden = veil(known, ALIAS)
    assert hidden.backup
    assert known.backup
    for key in ("status", "scheduled_date", "start_date", "rrule", "next_run", "first_run"):
        assert getattr(hidden.backup, key) == getattr(known.backup, key)
    assert hidden.org.data_center == known.org.data_center
    assert hidden.links == known.links
    assert hidden.company == Company(HIDDEN, HIDDEN, HIDDEN, "enterprise", "production")


def test_it_is_called_by_its_alias_and_keeps_its_accent() -> None:
    known = replace(ahead(DAY), org=replace(ORG, accent="blue", mute=True, tags=("prod",)))
    assert veil(known, ALIAS).org == Org(ALIAS, "eu", HIDDEN, accent="blue", mute=True)


def test_what_is_not_known_is_not_called_hidden() -> None:
    nobody = Requester(None, None, "7")
    known = ahead(DAY)
    assert known.backup
    hidden = veil(replace(known, backup=replace(known.backup, id=None, requester=nobody)), ALIAS)
    assert hidden.backup
    assert hidden.backup.id is None
    assert hidden.backup.requester == Requester(None, None, HIDDEN)
    assert hidden.company is None
    assert hidden.org.soid is None


def test_a_sentence_that_names_nobody_stays_as_it_is() -> None:
    assert veil(ahead(DAY, trouble=OFFLINE), ALIAS).trouble == OFFLINE


def test_a_lock_out_is_still_one() -> None:
    locked = Trouble("throttled", "Locked.", "Wait.", LOCKOUT, 200, retry_at=NOW + DAY)
    known = replace(ahead(DAY, trouble=locked), org=replace(ORG, name="Denied"))
    assert veil(known, ALIAS).trouble == locked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("acme is under watch.", "org 1 is under watch."),
        ("The entry zbtui:ACME is gone.", "The entry zbtui:org 1 is gone."),
        ("acme_2026.zip", "org 1.zip"),
        ("Nordlys Tools AB, by Mara Lindqvist", "hidden, by hidden"),
        ("1000.ACME is refused", "hidden is refused"),
        ("Zoho is out of order.", "Zoho is out of order."),
    ],
)
def test_a_text_tells_neither_the_org_nor_its_people(text: str, told: str) -> None:
    assert veil_text(text, ahead(DAY, company=company()), ALIAS) == told


def test_a_short_name_is_not_taken_out_of_the_middle_of_words() -> None:
    known = replace(ahead(DAY), org=replace(ORG, name="us"))
    assert veil_text("The status of us (us_1) is unknown.", known, ALIAS) == (
        "The status of org 1 (org 1) is unknown."
    )


def test_an_address_of_ones_own_is_hidden_with_its_host() -> None:
    org = replace(ORG, data_center="custom", accounts_url="https://a.corp.example", api_url="https://[bad")
    known = replace(ahead(DAY), org=org)
    assert veil_text("a.corp.example cannot be reached.", known, ALIAS) == "hidden cannot be reached."

"""The payload of an alert: environment variables of the command, and JSON for both channels."""

from __future__ import annotations

import json
import socket
from datetime import timedelta, timezone

import pytest

from tests.alerts.sample_alerts import HOSTILE_TEXTS, SAMPLE_UUID, make_stored_alert
from tests.support.samples import NOW
from zbtui.alerts.payload import alert_environment, alert_payload
from zbtui.health.alert_policy import ALL_ORGS
from zbtui.model.verdict import Level


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "m\x1bx1")


def test_the_object_has_every_part_of_the_alert() -> None:
    assert alert_payload(make_stored_alert()) == {
        "schema": 1,
        "id": SAMPLE_UUID,
        "host": "mx1",
        "at": "2026-11-23T11:20:00+00:00",
        "kind": "alarm",
        "org": "acme",
        "before": "scheduled",
        "verdict": "failed",
        "level": "critical",
        "title": "acme: failed",
        "headline": "The backup failed",
        "hint": "See Zoho: Setup",
        "text": "acme: failed: The backup failed",
    }


def test_the_variables_say_the_same() -> None:
    assert alert_environment(make_stored_alert()) == {
        "ZBTUI_ALERT_ID": SAMPLE_UUID,
        "ZBTUI_HOST": "mx1",
        "ZBTUI_KIND": "alarm",
        "ZBTUI_ORG": "acme",
        "ZBTUI_VERDICT": "failed",
        "ZBTUI_LEVEL": "critical",
        "ZBTUI_BEFORE": "scheduled",
        "ZBTUI_TITLE": "acme: failed",
        "ZBTUI_HEADLINE": "The backup failed",
        "ZBTUI_HINT": "See Zoho: Setup",
    }


def test_what_there_is_not_is_null_there_and_empty_here() -> None:
    outage = make_stored_alert(
        org=ALL_ORGS, kind="outage", previous_verdict=None, hint=None, verdict="cannot_tell"
    )
    body = alert_payload(outage)
    assert (body["org"], body["before"], body["hint"]) == (None, None, None)
    assert body["title"] == "No org can be reached"
    variables = alert_environment(outage)
    assert (variables["ZBTUI_ORG"], variables["ZBTUI_BEFORE"], variables["ZBTUI_HINT"]) == ("", "", "")


def test_every_alert_has_the_same_keys() -> None:
    others = [
        make_stored_alert(org=ALL_ORGS, kind="outage_over", level=Level.OK),
        make_stored_alert(kind="recovery", hint=None),
    ]
    for other in others:
        assert alert_payload(other).keys() == alert_payload(make_stored_alert()).keys()
        assert alert_environment(other).keys() == alert_environment(make_stored_alert()).keys()


def test_the_moment_is_in_whole_seconds_and_says_its_zone() -> None:
    at = (NOW + timedelta(microseconds=9)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert alert_payload(make_stored_alert(at=at))["at"] == "2026-11-23T16:50:00+05:30"


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_text_is_changed(text: str) -> None:
    said = make_stored_alert(headline=text, hint=text)
    assert json.loads(json.dumps(alert_payload(said)))["headline"] == text
    assert alert_environment(said)["ZBTUI_HINT"] == text

"""The webhook: a real server that is told of an alert, and a URL of which only the host is ever named."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.alerts.build import HOSTILE, kept
from tests.core.build import NOW, SECOND
from tests.support.faulty import Answer, closed_port, faulty, hangs, reply, resets, sends
from tests.zoho.canned import Canned, all_that_it_tells
from zbtui.alerts.message import alert_as_json
from zbtui.alerts.webhook import post
from zbtui.core.data_centers import check_webhook_url
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.zoho import http as room
from zbtui.zoho.http import MAX_BODY, Http

SECRET = "T0P/s3cr3t-path"


async def trouble_of(url: str) -> Trouble:
    """Why an alert does not reach a webhook; what its URL keeps secret is told by nothing."""
    async with Http() as http:
        with pytest.raises(TroubleError) as caught:
            await post(http, f"{url}/{SECRET}", kept(), NOW)
    told = all_that_it_tells(caught.value)
    assert "s3cr3t" not in told
    return caught.value.trouble


async def trouble_with(answer: Answer) -> Trouble:
    async with faulty(answer) as server:
        return await trouble_of(server.url)


# What it is told


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_it_is_told_once_and_any_answer_of_the_200s_will_do(status: int) -> None:
    answer = sends(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % status)
    async with faulty(answer) as server, Http() as http:
        await post(http, f"{server.url}/{SECRET}", kept(), NOW)
    (request,) = server.heard
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /T0P/s3cr3t-path HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == alert_as_json(kept())


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_the_alert_says_comes_as_it_is(text: str) -> None:
    app = Canned()
    async with Http(app) as http:
        await post(http, "https://hooks.example/x", kept(headline=text), NOW)
    assert json.loads(app.asked[0].body)["headline"] == text


# Where it is never sent to


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "http://10.0.0.1/x",
        "http://127.0.0.1.example/x",
        "http://localhost@hooks.example/x",
        "https://user:word@hooks.example/x",
        "https://hooks.example\\@127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "hooks.example/x",
        "https://",
        "https://hooks.example/x y",
        "https://hooks.example:port/x",
        "",
    ],
)
async def test_what_the_config_refuses_is_sent_nothing(url: str) -> None:
    assert check_webhook_url(url) is not None
    app = Canned()
    async with Http(app) as http:
        with pytest.raises(TroubleError) as caught:
            await post(http, url, kept(), NOW)
    assert app.asked == []
    trouble = caught.value.trouble
    assert trouble.kind == "config"
    assert "webhook" in trouble.message
    assert "[alerts]" in trouble.hint


async def test_a_redirect_is_not_followed_and_is_a_trouble_of_the_config() -> None:
    async with faulty(sends(reply(200))) as other:
        for status in (301, 302, 303, 307, 308):
            away = reply(status, b"", f"Location: {other.url}/{SECRET}")
            trouble = await trouble_with(sends(away))
            assert trouble.kind == "config"
            assert f"HTTP {status}" in trouble.message
            assert "not followed" in trouble.message
    assert other.heard == []


# How it fails


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "contract"),
        (401, "contract"),
        (404, "contract"),
        (410, "contract"),
        (422, "contract"),
        (408, "throttled"),
        (429, "throttled"),
        (500, "server"),
        (502, "server"),
        (503, "server"),
    ],
)
async def test_any_other_answer_is_told_with_the_host_and_the_status(status: int, kind: str) -> None:
    trouble = await trouble_with(sends(reply(status, b"because of s3cr3t")))
    assert (trouble.kind, trouble.http_status) == (kind, status)
    assert trouble.message == f"The webhook at 127.0.0.1 did not take an alert: HTTP {status}."
    assert trouble.retry_at is None


@pytest.mark.parametrize("status", [429, 500, 503, 404])
@pytest.mark.parametrize(
    ("header", "wait"),
    [("120", timedelta(minutes=2)), ("0", timedelta()), ("999999999", timedelta(days=1)), ("soon", None)],
)
async def test_when_to_come_again_is_heeded(status: int, header: str, wait: timedelta | None) -> None:
    trouble = await trouble_with(sends(reply(status, b"", f"Retry-After: {header}")))
    assert trouble.retry_at == (None if wait is None else NOW + wait)


async def test_a_date_on_which_to_come_again_is_counted_by_the_clock_of_who_named_it() -> None:
    headers = ["Date: Mon, 23 Nov 2026 08:00:00 GMT", "Retry-After: Mon, 23 Nov 2026 08:00:40 GMT"]
    trouble = await trouble_with(sends(reply(503, b"", *headers)))
    assert trouble.retry_at == NOW + 40 * SECOND


async def test_each_way_that_the_wire_fails_is_told_with_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "READ_SECONDS", 0.05)
    with closed_port() as url:
        told = [await trouble_of(url)]
    told += [await trouble_with(answer) for answer in (hangs, resets, sends(b"nonsense\r\n\r\n"))]
    for trouble in told:
        assert (trouble.kind, trouble.final) == ("network", False)
        assert trouble.message.startswith("The webhook was not told of an alert: 127.0.0.1 ")
        assert "zoho" not in trouble.hint.lower()


@pytest.mark.parametrize(
    "answer",
    [reply(200, b"x" * (MAX_BODY + 1)), reply(200, b"x", "Content-Encoding: br")],
    ids=["too long", "packed"],
)
async def test_an_answer_that_is_not_read_is_no_answer(answer: bytes) -> None:
    trouble = await trouble_with(sends(answer))
    assert trouble.kind == "contract"
    assert "was not read" in trouble.message
    assert "Zoho" not in trouble.hint


async def test_no_log_at_any_level_tells_where_the_webhook_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for answer in (sends(reply(200)), sends(reply(500)), resets):
        async with faulty(answer) as server, Http() as http:
            with suppress(TroubleError):
                await post(http, f"{server.url}/{SECRET}", kept(), NOW)
        assert b"s3cr3t" in server.heard[0]
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    assert "s3cr3t" not in logged

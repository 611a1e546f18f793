"""Alerts posted to a webhook on a real server; errors show only the host of its URL."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.alerts.sample_alerts import HOSTILE_TEXTS, make_stored_alert
from tests.support.faulty_server import (
    Responder,
    http_response,
    never_answer,
    refusing_port,
    reset_connection,
    run_faulty_server,
    send_bytes,
)
from tests.support.samples import NOW, SECOND
from tests.zoho.canned_responses import CannedResponse, full_error_text
from zbtui.alerts.payload import alert_payload
from zbtui.alerts.webhook import post_alert
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho import http as http_module
from zbtui.zoho.http import MAX_BODY, HttpClient
from zbtui.zoho_api.data_centers import webhook_url_error

SECRET = "T0P/s3cr3t-path"


async def problem_of(url: str) -> Problem:
    """The problem of posting to a webhook at `url`; check that nothing shows the secret in its path."""
    async with HttpClient() as http:
        with pytest.raises(ProblemError) as caught:
            await post_alert(http, f"{url}/{SECRET}", make_stored_alert(), NOW)
    shown = full_error_text(caught.value)
    assert "s3cr3t" not in shown
    return caught.value.problem


async def problem_with(answer: Responder) -> Problem:
    async with run_faulty_server(answer) as server:
        return await problem_of(server.url)


# What is posted


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_it_is_shown_once_and_any_answer_of_the_200s_will_do(status: int) -> None:
    answer = send_bytes(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % status)
    async with run_faulty_server(answer) as server, HttpClient() as http:
        await post_alert(http, f"{server.url}/{SECRET}", make_stored_alert(), NOW)
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /T0P/s3cr3t-path HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == alert_payload(make_stored_alert())


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_what_the_alert_says_comes_as_it_is(text: str) -> None:
    app = CannedResponse()
    async with HttpClient(app) as http:
        await post_alert(http, "https://hooks.example/x", make_stored_alert(headline=text), NOW)
    assert json.loads(app.requests[0].body)["headline"] == text


# URLs that get nothing


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
    assert webhook_url_error(url) is not None
    app = CannedResponse()
    async with HttpClient(app) as http:
        with pytest.raises(ProblemError) as caught:
            await post_alert(http, url, make_stored_alert(), NOW)
    assert app.requests == []
    problem = caught.value.problem
    assert problem.kind == "config"
    assert "webhook" in problem.message
    assert "[alerts]" in problem.hint


async def test_a_redirect_is_not_followed_and_is_a_problem_of_the_config() -> None:
    async with run_faulty_server(send_bytes(http_response(200))) as other:
        for status in (301, 302, 303, 307, 308):
            away = http_response(status, b"", f"Location: {other.url}/{SECRET}")
            problem = await problem_with(send_bytes(away))
            assert problem.kind == "config"
            assert f"HTTP {status}" in problem.message
            assert "not followed" in problem.message
    assert other.requests == []


# Failures


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
async def test_any_other_answer_is_shown_with_the_host_and_the_status(status: int, kind: str) -> None:
    problem = await problem_with(send_bytes(http_response(status, b"because of s3cr3t")))
    assert (problem.kind, problem.http_status) == (kind, status)
    assert problem.message == f"The webhook at 127.0.0.1 did not take an alert: HTTP {status}."
    assert problem.retry_at is None


@pytest.mark.parametrize("status", [429, 500, 503, 404])
@pytest.mark.parametrize(
    ("header", "wait"),
    [("120", timedelta(minutes=2)), ("0", timedelta()), ("999999999", timedelta(days=1)), ("soon", None)],
)
async def test_when_to_come_again_is_heeded(status: int, header: str, wait: timedelta | None) -> None:
    problem = await problem_with(send_bytes(http_response(status, b"", f"Retry-After: {header}")))
    assert problem.retry_at == (None if wait is None else NOW + wait)


async def test_a_date_on_which_to_come_again_is_counted_by_the_clock_of_who_named_it() -> None:
    headers = ["Date: Mon, 23 Nov 2026 08:00:00 GMT", "Retry-After: Mon, 23 Nov 2026 08:00:40 GMT"]
    problem = await problem_with(send_bytes(http_response(503, b"", *headers)))
    assert problem.retry_at == NOW + 40 * SECOND


async def test_each_failure_of_the_connection_is_shown_with_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_module, "READ_SECONDS", 0.05)
    with refusing_port() as url:
        problems = [await problem_of(url)]
    problems += [
        await problem_with(answer)
        for answer in (never_answer, reset_connection, send_bytes(b"nonsense\r\n\r\n"))
    ]
    for problem in problems:
        assert (problem.kind, problem.final) == ("network", False)
        assert problem.message.startswith("The webhook was not told of an alert: 127.0.0.1 ")
        assert "zoho" not in problem.hint.lower()


@pytest.mark.parametrize(
    "answer",
    [http_response(200, b"x" * (MAX_BODY + 1)), http_response(200, b"x", "Content-Encoding: br")],
    ids=["too long", "packed"],
)
async def test_an_answer_that_is_not_read_is_no_answer(answer: bytes) -> None:
    problem = await problem_with(send_bytes(answer))
    assert problem.kind == "contract"
    assert "was not read" in problem.message
    assert "Zoho" not in problem.hint


async def test_no_log_at_any_level_shows_where_the_webhook_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for answer in (send_bytes(http_response(200)), send_bytes(http_response(500)), reset_connection):
        async with run_faulty_server(answer) as server, HttpClient() as http:
            with suppress(ProblemError):
                await post_alert(http, f"{server.url}/{SECRET}", make_stored_alert(), NOW)
        assert b"s3cr3t" in server.requests[0]
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    assert "s3cr3t" not in logged

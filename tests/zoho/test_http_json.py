"""Requests with a JSON body: what is sent, and what errors do not show of the body."""

from __future__ import annotations

import json
import logging

import pytest

from tests.support.faulty_server import (
    http_response,
    never_answer,
    reset_connection,
    run_faulty_server,
    send_bytes,
)
from tests.zoho.canned_responses import CannedResponse, full_error_text
from zbtui.model.problem import ProblemError
from zbtui.zoho.http import HttpClient

SAID = "what-only-the-other-end-may-read"


async def test_it_is_sent_as_json_in_utf_8() -> None:
    body: dict[str, object] = {"id": 7, "org": None, "title": "Ærø: “failed”", "list": [1, True]}
    async with run_faulty_server(send_bytes(http_response(204))) as server, HttpClient() as http:
        assert (await http.send("POST", f"{server.url}/hook", json=body)).status == 204
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(sent.decode("utf-8")) == body


async def test_a_request_without_a_body_has_none() -> None:
    app = CannedResponse()
    async with HttpClient(app) as http:
        await http.send("GET", "https://www.zohoapis.eu/crm")
    assert app.requests[0].body == ""
    assert "content-type" not in app.requests[0].headers


async def test_an_empty_object_is_an_object() -> None:
    app = CannedResponse()
    async with HttpClient(app) as http:
        await http.send("POST", "https://hooks.example", json={})
    assert app.requests[0].body == "{}"


async def test_a_redirect_is_shown_and_the_body_does_not_follow_it() -> None:
    async with run_faulty_server(send_bytes(http_response(200))) as other:
        away = http_response(307, b"", f"Location: {other.url}/")
        async with run_faulty_server(send_bytes(away)) as server, HttpClient() as http:
            assert (await http.send("POST", server.url, json={"said": SAID})).status == 307
    assert other.requests == []


@pytest.mark.parametrize("text", ["\udcff", "\ud800 in the middle"])
async def test_what_cannot_be_encoded_is_a_problem_and_nothing_is_sent(text: str) -> None:
    async with run_faulty_server(send_bytes(http_response(200))) as server, HttpClient() as http:
        with pytest.raises(ProblemError) as caught:
            await http.send("POST", server.url, json={"said": SAID + text})
    assert caught.value.problem.kind == "config"
    assert SAID not in full_error_text(caught.value)
    assert server.requests == []


async def test_no_log_and_no_error_holds_the_body(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zbtui.zoho.http.READ_SECONDS", 0.05)
    caplog.set_level(logging.DEBUG)
    for answer in (send_bytes(b"nonsense\r\n\r\n"), reset_connection, never_answer):
        async with run_faulty_server(answer) as server, HttpClient() as http:
            with pytest.raises(ProblemError) as caught:
                await http.send("POST", server.url, json={"said": SAID})
        assert SAID.encode() in server.requests[0]
        assert SAID not in full_error_text(caught.value)
    assert SAID not in caplog.text + "".join(repr(record.args) for record in caplog.records)

"""A body of JSON: what goes over the wire, and what an error does not tell of it."""

from __future__ import annotations

import json
import logging

import pytest

from tests.support.faulty import faulty, hangs, reply, resets, sends
from tests.zoho.canned import Canned, all_that_it_tells
from zbtui.core.trouble import TroubleError
from zbtui.zoho.http import Http

SAID = "what-only-the-other-end-may-read"


async def test_it_is_sent_as_json_in_utf_8() -> None:
    body: dict[str, object] = {"id": 7, "org": None, "title": "Ærø: “failed”", "list": [1, True]}
    async with faulty(sends(reply(204))) as server, Http() as http:
        assert (await http.send("POST", f"{server.url}/hook", json=body)).status == 204
    head, _, sent = server.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(sent.decode("utf-8")) == body


async def test_a_request_without_a_body_has_none() -> None:
    app = Canned()
    async with Http(app) as http:
        await http.send("GET", "https://www.zohoapis.eu/crm")
    assert app.asked[0].body == ""
    assert "content-type" not in app.asked[0].headers


async def test_an_empty_object_is_an_object() -> None:
    app = Canned()
    async with Http(app) as http:
        await http.send("POST", "https://hooks.example", json={})
    assert app.asked[0].body == "{}"


async def test_a_redirect_is_told_and_the_body_does_not_follow_it() -> None:
    async with faulty(sends(reply(200))) as other:
        away = reply(307, b"", f"Location: {other.url}/")
        async with faulty(sends(away)) as server, Http() as http:
            assert (await http.send("POST", server.url, json={"said": SAID})).status == 307
    assert other.heard == []


@pytest.mark.parametrize("text", ["\udcff", "\ud800 in the middle"])
async def test_what_cannot_be_encoded_is_a_trouble_and_nothing_is_sent(text: str) -> None:
    async with faulty(sends(reply(200))) as server, Http() as http:
        with pytest.raises(TroubleError) as caught:
            await http.send("POST", server.url, json={"said": SAID + text})
    assert caught.value.trouble.kind == "config"
    assert SAID not in all_that_it_tells(caught.value)
    assert server.heard == []


async def test_no_log_and_no_error_holds_the_body(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zbtui.zoho.http.READ_SECONDS", 0.05)
    caplog.set_level(logging.DEBUG)
    for answer in (sends(b"nonsense\r\n\r\n"), resets, hangs):
        async with faulty(answer) as server, Http() as http:
            with pytest.raises(TroubleError) as caught:
                await http.send("POST", server.url, json={"said": SAID})
        assert SAID.encode() in server.heard[0]
        assert SAID not in all_that_it_tells(caught.value)
    assert SAID not in caplog.text + "".join(repr(record.args) for record in caplog.records)

"""`alerts test`: one test alert through each channel, and the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command_runner import RunCommand, write_config
from tests.support.fake_clock import FakeClock
from tests.support.faulty_server import (
    FaultyServer,
    run_faulty_server,
    send_bytes,
)
from zbtui.alerts.channel_test import ChannelAnswer, send_test_alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem
from zbtui.zoho.http import HttpClient

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok\x1b[2J\nso"
SECRET = "T0P-s3cr3t-path"


def configure(home: Path, *lines: str) -> None:
    write_config(home, "[alerts]", *lines)


def test_the_command_is_given_a_test_alert_and_what_it_says_is_printed(
    empty_home: Path, run_command: RunCommand
) -> None:
    script = f"cat > {empty_home}/alert; echo thank you"
    configure(empty_home, f"on_change = {json.dumps(['/bin/sh', '-c', script])}")
    run = run_command("alerts", "test")
    assert (run.status, run.err) == (0, "")
    assert run.out == "command  ✔ /bin/sh ended with exit status 0: thank you\n"
    alert = json.loads((empty_home / "alert").read_text())
    assert (alert["kind"], alert["org"], alert["level"]) == ("test", None, "critical")
    assert "only a test" in alert["text"]
    assert not (empty_home / "xdg_state_home").exists()  # nothing is stored


def test_a_command_that_fails_is_shown_with_its_cure(empty_home: Path, run_command: RunCommand) -> None:
    configure(empty_home, 'on_change = ["/bin/sh", "-c", "echo no such number >&2; exit 3"]')
    run = run_command("alerts", "test")
    assert run.status == 1
    assert run.out.startswith("command  ✖ The command /bin/sh failed with exit status 3: no such number. ")
    (channel,) = run_command("alerts", "test", "--json").json["channels"]
    assert (channel["channel"], channel["delivered"], bool(channel["hint"])) == ("command", False, True)


@pytest.mark.parametrize("line", ["", 'desktop = "osc9"'])
def test_without_a_channel_a_message_says_that_nobody_is_notified(
    line: str, empty_home: Path, run_command: RunCommand
) -> None:
    configure(empty_home, line)
    run = run_command("alerts", "test")
    assert (run.status, run.out) == (3, "")
    assert "Nobody is notified" in run.err


def test_a_config_that_others_may_write_runs_nothing(empty_home: Path, run_command: RunCommand) -> None:
    configure(empty_home, f'on_change = ["/bin/touch", "{empty_home}/touched"]')
    (empty_home / "xdg_config_home" / "zbtui" / "config.toml").chmod(0o666)
    run = run_command("alerts", "test")
    assert (run.status, run.out) == (3, "")
    assert "Others may write" in run.err
    assert not (empty_home / "touched").exists()


def test_alerts_alone_is_wrong_usage(empty_home: Path, run_command: RunCommand) -> None:
    assert run_command("alerts").status == 3


# The webhook


async def answers_of(server: FaultyServer) -> list[ChannelAnswer]:
    async with HttpClient() as http:
        settings = AlertSettings(webhook=f"{server.url}/{SECRET}", on_change=("/bin/true",))
        return await send_test_alert(settings, http, FakeClock())


async def test_what_the_webhook_answers_is_shown_on_one_clean_line() -> None:
    async with run_faulty_server(send_bytes(TAKEN)) as server:
        command, webhook = await answers_of(server)
        assert command.text == "✔ /bin/true ended with exit status 0"
        assert webhook.text == "✔ 127.0.0.1 answered HTTP 200: ok[2J"
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["kind"] == "test"


async def test_one_that_refuses_is_a_problem_of_its_channel_alone() -> None:
    refused = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with run_faulty_server(send_bytes(refused)) as server:
        command, webhook = await answers_of(server)
        assert command.text.startswith("✔")
        assert isinstance(webhook.answer, Problem)
        assert "HTTP 404" in webhook.text


async def test_an_answer_that_repeats_the_secret_address_is_not_shown() -> None:
    body = f"no such hook: /{SECRET}".encode()
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with run_faulty_server(send_bytes(said)) as server:
        assert (await answers_of(server))[1].text == "✔ 127.0.0.1 answered HTTP 200"

"""The doctor's findings on this machine: clock, keyring, config, journal, network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backends import null

from tests.doctor.doctor_environment import DoctorEnvironment, doctor_environment, unwritable_journal
from tests.support.fake_clock import FakeClock
from tests.support.keyring_entries import delete_keyring_entries
from tests.support.secret_service import SecretService
from tests.zoho.canned_responses import CannedResponse, Message, Receive, Send
from zbtui.config.config_file import ConfigFile
from zbtui.config.settings import Config
from zbtui.doctor import FindingLevel, exit_code
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.zoho.http import AsgiApp


def without_orgs(scene: DoctorEnvironment) -> None:
    scene.orgs.clear()


def raising_loader(problem: Problem) -> Callable[[], Config]:
    def load() -> Config:
        raise ProblemError(problem)

    return load


# The order


async def test_the_machine_is_examined_first_and_then_each_org_in_the_order_of_the_config() -> None:
    async with doctor_environment("nordlys", "kestrel") as scene:
        steps = ["sign-in", "token", "data center", "scope", "permission", "history", "links", "backup"]
        assert [(one.org, one.subject) for one in await scene.findings()] == [
            (None, "clock"),
            (None, "keyring"),
            (None, "config"),
            (None, "journal"),
            (None, "network"),
            (None, "network"),
            (None, "alerts"),
            *[("nordlys", step) for step in steps],
            *[("kestrel", step) for step in steps],
        ]


async def test_a_finding_is_shown_before_the_next_one_is_there() -> None:
    seen: list[str] = []

    async def probe() -> str:
        seen.append("keyring is asked")
        return "Invented Keyring"

    async with doctor_environment() as scene:
        doctor = replace(scene.doctor, probe_keyring=probe)
        async with aclosing(doctor.examine()) as examination:
            async for finding in examination:
                seen.append(finding.subject)  # noqa: PERF401
        assert seen[:3] == ["clock", "keyring is asked", "keyring"]


async def test_closing_the_findings_stops_the_examination() -> None:
    async with (
        doctor_environment("nordlys", "kestrel") as scene,
        aclosing(scene.doctor.examine()) as examination,
    ):
        async for finding in examination:
            if finding.org:
                break
    assert len(asyncio.all_tasks()) == 1


async def test_only_the_orgs_that_are_named_are_examined() -> None:
    async with doctor_environment("nordlys", "kestrel") as scene:
        found = await scene.findings(["kestrel"])
        assert {one.org for one in found} == {None, "kestrel"}


async def test_an_org_that_is_not_there_is_shown(scene: DoctorEnvironment) -> None:
    found = await scene.findings(["nobody"])
    config, alerts = [one for one in found if one.level is not FindingLevel.OK]
    assert (config.subject, config.level) == ("config", FindingLevel.PROBLEM)
    assert (alerts.subject, alerts.code) == ("alerts", "NOT_CHECKED")
    assert "'nobody'" in config.message


async def test_all_is_well_on_a_machine_that_is() -> None:
    async with doctor_environment("nordlys", "kestrel") as scene:
        found = await scene.findings()
        assert [one.subject for one in found if one.level is not FindingLevel.OK] == [
            "alerts"
        ]  # none is set
        assert exit_code(found) == 0


# The clock


async def test_a_clock_that_is_wrong_is_a_warning() -> None:
    clock = FakeClock()
    async with doctor_environment(clock=clock) as scene:
        scene.simulator.now = lambda: clock.now() + timedelta(minutes=7)
        found = await scene.machine_findings()
        assert (found["clock"].level, found["clock"].code) == (FindingLevel.WARNING, "CLOCK_OFF")
        assert found["clock"].message == "It is 7m behind Zoho's."


# The keyring


async def test_a_keyring_that_does_not_work_is_a_problem() -> None:
    async def locked() -> str:
        raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

    async with doctor_environment() as scene:
        scene.doctor = replace(scene.doctor, probe_keyring=locked)
        found = (await scene.machine_findings())["keyring"]
        assert found.level is FindingLevel.PROBLEM
        assert (found.message, found.hint) == ("The keyring is locked.", "Unlock it.")


@pytest.fixture
def own_entries(real_keyring: SecretService) -> Iterator[SecretService]:
    yield real_keyring
    delete_keyring_entries("nordlys")


async def test_with_a_real_keyring_all_is_well(own_entries: SecretService, tmp_path: Path) -> None:
    credentials = KeyringCredentialStore(tmp_path / "locks")
    async with doctor_environment(credentials=credentials) as scene:
        scene.doctor = replace(scene.doctor, probe_keyring=credentials.probe)
        found = await scene.findings()
        assert [one.subject for one in found if one.level is not FindingLevel.OK] == [
            "alerts"
        ]  # none is set
        (finding,) = [one for one in found if one.subject == "keyring"]
        assert finding.message.startswith("SecretService Keyring")
        assert (await scene.org_findings())["token"].message.startswith("The access token in the keyring")
    assert keyring.get_password("zbtui-doctor", "probe") is None


@pytest.mark.parametrize(
    ("backend", "level"),
    [
        ("SecretService Keyring", FindingLevel.WARNING),
        ("Secret Service", FindingLevel.WARNING),
        ("KWallet", FindingLevel.OK),
    ],
)
async def test_a_keyring_with_an_empty_password_is_a_warning(
    scene: DoctorEnvironment, backend: str, level: FindingLevel
) -> None:
    async def probe() -> str:
        return backend

    file = Path("/home/ada/.local/share/keyrings/login.keyring")
    scene.doctor = replace(scene.doctor, probe_keyring=probe, find_plain_keyring=lambda: file)
    found = (await scene.machine_findings())["keyring"]
    assert found.level is level
    assert (str(file) in found.message) is (level is FindingLevel.WARNING)


async def test_a_forgetful_keyring_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", null.Keyring)
    credentials = KeyringCredentialStore(tmp_path / "locks", allow_insecure=True)
    async with doctor_environment() as scene:
        scene.doctor = replace(scene.doctor, probe_keyring=credentials.probe)
        found = (await scene.machine_findings())["keyring"]
        assert (found.level, "does not give it back" in found.message) == (FindingLevel.PROBLEM, True)


# The config


async def test_the_config_is_shown_with_its_path_and_how_many_orgs_it_has() -> None:
    async with doctor_environment("nordlys", "kestrel") as scene:
        message = (await scene.machine_findings())["config"].message
        assert message == "/home/ada/.config/zbtui/config.toml: 2 orgs."
        (config,) = [one for one in await scene.findings(["kestrel"]) if one.subject == "config"]
        assert config.message == message


async def test_without_an_org_there_is_nothing_wrong(scene: DoctorEnvironment) -> None:
    without_orgs(scene)
    found = await scene.findings()
    assert exit_code(found) == 0
    (config,) = [one for one in found if one.subject == "config"]
    assert (config.level, config.code) == (FindingLevel.REMARK, "NO_ORG")
    assert "zbtui add" in str(config.hint)


async def test_a_config_that_others_may_write_is_a_warning_with_the_cure() -> None:
    open_to_all = Problem(
        "config", "Others may write /home/ada/config.toml.", "chmod go-w /home/ada/config.toml"
    )
    async with doctor_environment() as scene:
        scene.doctor = replace(scene.doctor, distrust_config=lambda: open_to_all)
        found = [one for one in await scene.findings() if one.subject == "config"]
        assert [(one.level, one.hint) for one in found] == [
            (FindingLevel.OK, None),
            (FindingLevel.WARNING, open_to_all.hint),
        ]


async def test_a_broken_config_is_shown_with_its_line_and_the_rest_is_examined(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[org]]\nname = "acme"\ndata_center = "mars"\nclient_id = "1000.ABC"\n')
    async with doctor_environment() as scene:
        file = ConfigFile(path, tmp_path / "config.lock")
        scene.doctor = replace(scene.doctor, load_config=file.load)
        found = await scene.machine_findings()
        assert found["config"].level is FindingLevel.PROBLEM
        assert "line 3" in found["config"].message
        assert found["network"].message == "accounts.zoho.com answers."


# The journal


async def test_a_journal_that_cannot_be_kept_is_a_warning_and_the_orgs_are_examined(tmp_path: Path) -> None:
    async with doctor_environment(journal=unwritable_journal(tmp_path)) as scene:
        found = await scene.findings()
        assert [one.subject for one in found if one.level is FindingLevel.WARNING] == ["journal"]
        assert exit_code(found) == 1


# The network


async def test_each_accounts_host_is_asked_once() -> None:
    async with doctor_environment("nordlys", "tern", "kestrel") as scene:
        found = [one.message for one in await scene.findings() if one.subject == "network"]
        assert found == ["accounts.zoho.eu answers.", "accounts.zoho.uk answers."]
        asked = [one.host for one in scene.simulator.request_records if one.path == "/oauth/serverinfo"]
        assert sorted(asked) == ["accounts.zoho.eu", "accounts.zoho.uk"]


def replacing_answer(
    answer: CannedResponse | OSError, host: str = "accounts.zoho.eu"
) -> Callable[[AsgiApp], AsgiApp]:
    """Replace every answer of one host."""

    def wrap(app: AsgiApp) -> AsgiApp:
        async def serve(scope: Message, receive: Receive, send: Send) -> None:
            if dict(scope["headers"])[b"host"].decode() != host:
                await app(scope, receive, send)
            elif isinstance(answer, OSError):
                raise answer
            else:
                await answer(scope, receive, send)

        return serve

    return wrap


CAPTIVE_PORTAL = CannedResponse(
    200, b"<html>Sign in to the hotel's Wi-Fi</html>", {"Content-Type": "text/html"}
)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ConnectionRefusedError(), "accounts.zoho.eu broke the connection off before it had answered."),
        (CAPTIVE_PORTAL, "A web page came instead of Zoho's answer. (accounts.zoho.eu)"),
        (CannedResponse(503), "Zoho is out of order (HTTP 503). (accounts.zoho.eu)"),
        (
            CannedResponse(302, b"", {"Location": "https://hotel.example.com"}),
            "The answer sends elsewhere (HTTP 302); it is not followed. (accounts.zoho.eu)",
        ),
    ],
)
async def test_a_host_out_of_reach_is_a_problem(answer: CannedResponse | OSError, message: str) -> None:
    async with doctor_environment("nordlys", "kestrel", wrap_app=replacing_answer(answer)) as scene:
        found = [one for one in await scene.findings() if one.subject == "network"]
        assert [one.level for one in found] == [FindingLevel.PROBLEM, FindingLevel.OK]
        assert found[0].message == message


async def test_an_accounts_host_without_that_page_is_reached_all_the_same() -> None:
    async with doctor_environment(
        wrap_app=replacing_answer(CannedResponse(404, b"<html>Not here</html>"))
    ) as scene:
        assert (await scene.machine_findings())["network"].level is FindingLevel.OK


async def test_a_machine_without_network_is_shown_and_nothing_else_is_made_up() -> None:
    def cut(app: AsgiApp) -> AsgiApp:
        async def serve(scope: Message, receive: Receive, send: Send) -> None:
            raise ConnectionRefusedError

        return serve

    async with doctor_environment(wrap_app=cut) as scene:
        found = await scene.findings()
        findings = {(one.org, one.subject): one for one in found}
        assert findings[None, "clock"].code == "NOT_CHECKED"
        assert findings[None, "network"].level is FindingLevel.PROBLEM
        assert findings["nordlys", "sign-in"].level is FindingLevel.OK
        assert findings["nordlys", "token"].level is FindingLevel.PROBLEM
        rest = [findings["nordlys", step] for step in ("data center", "scope", "permission", "backup")]
        assert {(one.level, one.message) for one in rest} == {
            (FindingLevel.REMARK, "not checked: no token")
        }

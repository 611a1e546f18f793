"""The doctor's findings on an org: each problem has its own, and no token is used needlessly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.doctor.doctor_environment import DoctorEnvironment, doctor_environment, levels
from tests.support.simulator import sign_in_of
from tests.zoho.canned_responses import CannedResponse, Message, Receive, Send
from zbtui.config.settings import Config
from zbtui.demo.accounts import BACKUP_SCOPE, REGIONAL_CLIENT
from zbtui.doctor import (
    Finding,
    FindingLevel,
    exit_code,
    findings_as_json,
    findings_as_text,
    findings_summary,
)
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.watch.session import Session
from zbtui.zoho.client import ORG_PATH
from zbtui.zoho.http import AsgiApp

OK, REMARK, WARNING, PROBLEM = FindingLevel
STEPS = ["sign-in", "token", "data center", "scope", "permission", "history", "links", "backup"]


def answering(path: str, response: CannedResponse) -> Callable[[AsgiApp], AsgiApp]:
    """Replace Zoho's answer at one path."""

    def wrap(app: AsgiApp) -> AsgiApp:
        async def serve(scope: Message, receive: Receive, send: Send) -> None:
            await (response if scope["path"].endswith(path) else app)(scope, receive, send)

        return serve

    return wrap


SECRETS = ("demo-client-secret-", "demo-refresh-token-", "demo-access-")


def subjects_after(found: dict[str, Finding], subject: str) -> list[str]:
    """The messages of the steps after `subject`."""
    return [found[step].message for step in STEPS[STEPS.index(subject) + 1 :]]


# A healthy one


async def test_a_healthy_org_is_shown_step_by_step(scene: DoctorEnvironment) -> None:
    found = await scene.org_findings()
    assert {subject: one.message for subject, one in found.items()} == {
        "sign-in": "The keyring holds a client secret and a refresh token.",
        "token": "A new access token was got, good until 12:20.",
        "data center": "EU: www.zohoapis.eu takes the token.",
        "scope": "ZohoCRM.bulk.backup.READ and ZohoCRM.org.READ are there.",
        "permission": "The user is an administrator, with API access.",
        "history": "The past year is read: 51 rows.",
        "links": "They are read: no file can be downloaded now.",
        "backup": "Nordlys Tools AB: SCHEDULED, next backup in 6d 03:12:00.",
    }
    assert set(levels(found).values()) == {OK}


async def test_the_token_of_the_watch_is_used_and_none_is_asked_for(scene: DoctorEnvironment) -> None:
    await scene.findings()
    await scene.clock.advance(timedelta(minutes=20))
    for _ in range(30):
        found = await scene.org_findings()
    assert found["token"].message == "The access token in the keyring is good until 12:20."
    assert scene.calls.count("token 200") == 1


async def test_doctors_that_come_at_once_ask_for_one_token(scene: DoctorEnvironment) -> None:
    await asyncio.gather(*(scene.findings() for _ in range(12)))
    assert scene.calls.count("token 200") == 1


async def test_a_token_that_was_ended_is_renewed_as_the_watch_would(scene: DoctorEnvironment) -> None:
    await scene.findings()
    await scene.clock.advance(timedelta(minutes=20))
    scene.simulator.expire_tokens()
    found = await scene.org_findings()
    assert set(levels(found).values()) == {OK}
    assert found["token"].message == "A new access token was got, good until 12:40."


async def test_client_credentials_need_no_refresh_token(scene: DoctorEnvironment) -> None:
    invented = scene.simulator.world.all_orgs["nordlys"]
    scene.change_org("nordlys", grant="client-credentials", soid=invented.soid)
    await scene.credentials.write_sign_in(scene.orgs[0], SignInCredentials(Secret(invented.client_secret)))
    found = await scene.org_findings()
    assert found["sign-in"].message == "The keyring holds a client secret."
    assert set(levels(found).values()) == {OK}


@pytest.mark.parametrize(
    ("kind", "word", "level"),
    [
        ("FAILED", "FAILED", PROBLEM),
        ("STOPPED", "STOPPED", PROBLEM),
        ("NONE", "NO BACKUP", WARNING),
        ("SCHEDULED", "SCHEDULED", OK),
    ],
)
async def test_the_verdict_on_the_backup_is_that_of_check_and_decides(
    kind: str, word: str, level: FindingLevel, scene: DoctorEnvironment
) -> None:
    scene.simulator.forced_kinds["nordlys"] = kind
    found = await scene.org_findings()
    assert found["backup"].level is level
    assert f"Nordlys Tools AB: {word}, " in found["backup"].message
    assert exit_code(found.values()) == {OK: 0, WARNING: 1, PROBLEM: 2}[level]
    summary = findings_summary(list(found.values()))
    assert (f"nordlys's backup: Nordlys Tools AB: {word}, " in summary) is (level is not OK)


async def test_every_call_of_the_watch_is_made(scene: DoctorEnvironment) -> None:
    await scene.findings()
    assert scene.calls == ["token 200", "backup 200", "org 200", "history 200", "urls 204"]


@pytest.mark.parametrize(
    ("path", "subject", "level"), [("/history", "history", PROBLEM), ("/urls", "links", OK)]
)
async def test_a_call_that_fails_is_a_problem_however_good_the_details_are(
    path: str, subject: str, level: FindingLevel
) -> None:
    async with doctor_environment(wrap_app=answering(path, CannedResponse(500, b"{}"))) as scene:
        found = await scene.org_findings()
    assert found[subject].level is PROBLEM
    assert found["permission"].level is OK
    # Only the history has the result of the last backup.
    assert found["backup"].level is level
    assert exit_code(found.values()) == 2


async def test_it_is_judged_by_the_policy_of_the_config(scene: DoctorEnvironment) -> None:
    config = Config(WatchPolicy(max_age=timedelta(hours=1)), tuple(scene.orgs))
    scene.doctor = replace(scene.doctor, load_config=lambda: config)
    assert (await scene.org_findings())["backup"].code == "TOO_OLD"


async def test_the_verdict_takes_the_journal_into_account(scene: DoctorEnvironment) -> None:
    """Only earlier polls show how long a run has gone on."""
    org, doctor = scene.orgs[0], scene.doctor
    scene.simulator.forced_kinds["nordlys"] = "INPROGRESS"
    session = Session(org, doctor.http, scene.credentials, doctor.journal, scene.clock)
    seen = apply_observation(Snapshot(org), await session.poll_details(), scene.clock.now())
    await doctor.journal.save(seen)
    await scene.clock.advance(timedelta(hours=13))
    assert (await scene.org_findings())["backup"].code == "RUNNING_LONG"


# The sign-in


async def test_an_org_without_a_sign_in_is_shown_how_to_get_one(scene: DoctorEnvironment) -> None:
    await scene.credentials.delete(scene.orgs[0])
    found = await scene.org_findings()
    assert (found["sign-in"].level, found["sign-in"].code) == (PROBLEM, "NO_SIGN_IN")
    assert "zbtui sign-in nordlys" in str(found["sign-in"].hint)
    assert subjects_after(found, "sign-in") == ["not checked: no sign-in"] + ["not checked: no token"] * 6
    assert scene.calls == []


async def test_half_a_sign_in_is_none(scene: DoctorEnvironment) -> None:
    await scene.credentials.write_sign_in(scene.orgs[0], SignInCredentials(Secret("a secret alone")))
    assert (await scene.org_findings())["sign-in"].code == "NO_SIGN_IN"
    assert scene.calls == []


async def test_a_sign_in_that_is_gone_is_shown_while_its_last_token_lives() -> None:
    class Forgetful(MemoryCredentialStore):
        def forget(self) -> None:
            self._sign_ins.clear()

    credentials = Forgetful()
    async with doctor_environment(credentials=credentials) as scene:
        await scene.findings()
        credentials.forget()
        found = await scene.org_findings()
        assert levels(found) == dict.fromkeys(STEPS, OK) | {"sign-in": PROBLEM}


async def test_a_keyring_that_gives_nothing_out_is_shown_and_no_token_is_spent() -> None:
    class Locked(MemoryCredentialStore):
        async def read_sign_in(self, org: Org) -> SignInCredentials | None:
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

        async def read_access_token(self, org: Org) -> AccessToken | None:
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

    async with doctor_environment(credentials=Locked()) as scene:
        found = await scene.org_findings()
        assert (found["sign-in"].level, found["sign-in"].message) == (PROBLEM, "The keyring is locked.")
        assert subjects_after(found, "sign-in")[0] == "not checked: no sign-in"
        assert scene.calls == []


# The token


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        pytest.param(
            "invalid_client",
            "Zoho does not know this client id.",
            "Check it in the API console, and the data center (it is set to EU).",
            id="wrong data center, or client",
        ),
        pytest.param(
            "invalid_client_secret",
            "The client secret is wrong.",
            "Data centers may have secrets of their own (it is set to EU): copy it anew, sign in again.",
            id="wrong or regional secret",
        ),
        pytest.param(
            "invalid_code",
            "The refresh token is dead: revoked, or pushed out by newer ones.",
            "Sign in again. Or is EU the wrong data center?",
            id="dead refresh token",
        ),
    ],
)
async def test_a_refusal_has_a_cause(word: str, message: str, hint: str, scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = word
    found = await scene.org_findings()
    token = found["token"]
    assert (token.level, token.code, token.message, token.hint) == (PROBLEM, word, message, hint)
    assert subjects_after(found, "token") == ["not checked: no token"] * 6
    assert "--find-data-center" in str(found["data center"].hint)
    assert scene.calls == ["token 200"]


async def test_the_secret_of_another_data_center_is_shown_as_such(scene: DoctorEnvironment) -> None:
    scene.change_org("nordlys", client_id=REGIONAL_CLIENT.client_id)
    sign_in = SignInCredentials(
        Secret(REGIONAL_CLIENT.secret_for("in")), Secret("1000.demo-refresh-token-1")
    )
    await scene.credentials.write_sign_in(scene.orgs[0], sign_in)
    found = await scene.org_findings()
    assert found["token"].code == "invalid_client_secret"
    assert "secrets of their own" in str(found["token"].hint)


async def test_a_revoked_refresh_token_is_dead(scene: DoctorEnvironment) -> None:
    scene.simulator.accounts.revoke_refresh_token(scene.simulator.world.all_orgs["nordlys"].refresh_token)
    assert (await scene.org_findings())["token"].code == "invalid_code"


async def test_a_sign_in_that_died_before_its_token_is_shown_there(scene: DoctorEnvironment) -> None:
    await scene.findings()
    await scene.clock.advance(timedelta(minutes=20))
    scene.simulator.expire_tokens()
    scene.simulator.accounts.revoke_refresh_token(scene.simulator.world.all_orgs["nordlys"].refresh_token)
    found = await scene.org_findings()
    assert (found["token"].level, found["token"].code) == (PROBLEM, "invalid_code")


async def test_a_lock_out_is_a_warning_with_its_end_and_nobody_asks_again(scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = "Access Denied"
    await scene.findings()
    await scene.clock.advance(timedelta(minutes=2))
    found = await scene.org_findings()
    assert found["token"].level is WARNING
    assert "before 11:30, in 00:08:00" in found["token"].message
    assert found["data center"].hint is None  # a lock-out is no sign of a wrong data center
    assert scene.calls == ["token 200"]


async def test_the_own_budget_is_shown_with_its_end(scene: DoctorEnvironment) -> None:
    for _ in range(9):
        await scene.findings()
        await scene.credentials.delete(scene.orgs[0])
        await scene.credentials.write_sign_in(
            scene.orgs[0], sign_in_of(scene.simulator.world.all_orgs["nordlys"])
        )
    found = await scene.org_findings()
    assert (found["token"].level, found["token"].code) == (WARNING, "TOKEN_BUDGET")
    assert "before 11:31, in 00:11:00" in found["token"].message
    assert scene.calls.count("token 200") == 9


# The data center


@pytest.mark.parametrize("word", ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"])
async def test_a_fresh_token_refused_is_a_wrong_data_center(word: str, scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = word
    found = await scene.org_findings()
    place = found["data center"]
    assert (place.level, place.code) == (PROBLEM, word)
    assert "it is set to EU" in str(place.hint)
    assert "--find-data-center" in str(place.hint)
    assert subjects_after(found, "data center") == ["not checked: the token is refused"] * 5
    assert scene.calls == ["token 200", "backup 401", "backup 401"]


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("OUTAGE", PROBLEM),
        ("RESET", PROBLEM),
        ("HTML", PROBLEM),
        ("INTERNAL_ERROR", PROBLEM),
        ("INVALID_URL_PATTERN", PROBLEM),
        ("TOO_MANY_REQUESTS", WARNING),
    ],
)
async def test_an_api_host_that_gives_no_answer_leaves_the_rest_unknown(
    kind: str, level: FindingLevel, scene: DoctorEnvironment
) -> None:
    scene.simulator.forced_kinds["nordlys"] = kind
    found = await scene.org_findings()
    assert found["token"].level is OK
    assert found["data center"].level is level
    assert "--find-data-center" not in str(found["data center"].hint)
    assert subjects_after(found, "data center") == ["not checked: no answer"] * 5


# The scope


async def test_a_missing_scope_is_named(scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = "NO_SCOPE"
    found = await scene.org_findings()
    assert found["data center"].level is OK
    assert (found["scope"].level, found["scope"].code) == (PROBLEM, "OAUTH_SCOPE_MISMATCH")
    assert found["scope"].message == "The sign-in lacks the scope ZohoCRM.bulk.backup.READ."
    assert subjects_after(found, "scope") == ["not checked: the scope is missing"] * 4


async def test_where_both_scopes_are_missing_both_are_named(scene: DoctorEnvironment) -> None:
    _grant(scene, ("ZohoCRM.users.READ",))
    scope = (await scene.org_findings())["scope"]
    assert scope.level is PROBLEM
    assert "ZohoCRM.bulk.backup.READ" in scope.message
    assert "ZohoCRM.org.READ" in scope.message


async def test_without_the_orgs_scope_only_its_name_is_missing(scene: DoctorEnvironment) -> None:
    _grant(scene, (BACKUP_SCOPE,))
    found = await scene.org_findings()
    assert levels(found) == dict.fromkeys(STEPS, OK) | {"scope": REMARK}
    assert "ZohoCRM.org.READ is not" in found["scope"].message
    assert found["backup"].message.startswith("SCHEDULED, ")
    assert exit_code(found.values()) == 0


async def test_a_failed_org_call_says_nothing_of_its_scope() -> None:
    def cut(app: AsgiApp) -> AsgiApp:
        async def serve(scope: Message, receive: Receive, send: Send) -> None:
            if scope["path"] == ORG_PATH:
                raise ConnectionResetError
            await app(scope, receive, send)

        return serve

    async with doctor_environment(wrap_app=cut) as scene:
        found = await scene.org_findings()
        assert set(levels(found).values()) == {OK}
        assert found["scope"].message == "ZohoCRM.bulk.backup.READ is there."
        assert found["backup"].message.startswith("SCHEDULED, ")


def _grant(scene: DoctorEnvironment, scopes: tuple[str, ...]) -> None:
    token = scene.simulator.world.all_orgs["nordlys"].refresh_token
    scene.simulator.accounts.refresh_tokens[token].scopes = scopes


# The permission


async def test_who_is_no_administrator_is_shown(scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
    found = await scene.org_findings()
    assert (found["scope"].level, found["permission"].level) == (OK, PROBLEM)
    assert "Only an administrator may see backups" in found["permission"].message
    assert found["backup"].message == "not checked: no permission"


async def test_a_profile_without_api_access_is_distinguished_from_that(scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = "NO_API_ACCESS"
    found = await scene.org_findings()
    assert (found["scope"].level, found["permission"].level) == (OK, PROBLEM)
    assert found["permission"].message == "The user's profile has no API access."
    assert "Developer Permissions" in str(found["permission"].hint)


# Many at once


async def test_one_org_with_a_problem_says_nothing_of_another() -> None:
    async with doctor_environment("nordlys", "kestrel", "mesa-verde") as scene:
        scene.simulator.forced_kinds["kestrel"] = "invalid_code"
        found = await scene.findings()
        assert {one.org for one in found if one.level is PROBLEM} == {"kestrel"}


PROBLEM_CASES = [
    "SCHEDULED",
    "invalid_client",
    "invalid_client_secret",
    "invalid_code",
    "Access Denied",
    "INVALID_TOKEN",
    "NO_SCOPE",
    "NO_PERMISSION",
    "NO_API_ACCESS",
    "OUTAGE",
    "RESET",
    "HTML",
]


@pytest.mark.parametrize("kind", PROBLEM_CASES)
async def test_no_finding_holds_a_secret_and_no_url_does(kind: str) -> None:
    async with doctor_environment() as scene:
        scene.simulator.forced_kinds["nordlys"] = kind
        found = await scene.findings()
        said = findings_as_text(found) + findings_as_json(found) + repr(found)
        asked = "".join(request.path + request.query for request in scene.simulator.request_records)
        assert not [secret for secret in SECRETS if secret in said + asked]


@pytest.mark.parametrize("kind", PROBLEM_CASES)
async def test_whatever_is_wrong_has_a_cure(kind: str, scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = kind
    found = (await scene.org_findings()).values()
    assert all(one.hint for one in found if one.level >= WARNING)
    assert any(one.level >= WARNING for one in found) == (kind != "SCHEDULED")

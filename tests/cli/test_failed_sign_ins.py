"""Each failure of a sign-in: one sentence with a cure, and nothing changed here or at Zoho."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.command_runner import (
    ACME_CONFIG,
    CommandResult,
    RunCommand,
    add,
    assert_no_secret_in,
    run_process,
    write_config,
)
from tests.cli.sign_in_input import (
    USER_CODE,
    SignInInput,
    StderrWatcher,
    StoredState,
    free_port,
    make_sign_in_input,
    sign_in_args,
    stored_state,
)
from tests.cli.test_sign_in_methods import fast_polling
from tests.support.simulator import SimulatorServer
from zbtui.clock import SystemClock
from zbtui.model.org import SignInMethod

pytestmark = pytest.mark.usefixtures("real_keyring")

COMMENT = "# Watched for the auditors.\n"


@dataclass
class SignInScenario:
    """A user with one org under watch, about to add another org, or to sign in to the first again."""

    zoho: SimulatorServer
    home: Path
    stderr_watcher: StderrWatcher
    shell: RunCommand
    patch: pytest.MonkeyPatch
    method: SignInMethod = "code"
    again: bool = False
    brought: SignInInput = field(init=False, repr=False)
    until_the_end: ExitStack = field(default_factory=ExitStack)

    def prepare(self, method: SignInMethod, *, again: bool) -> None:
        self.method, self.again = method, again
        if again:
            add(self.shell, self.zoho, "nordlys", verified=False)
            self.config.write_text(COMMENT + self.config.read_text(encoding="utf-8"), encoding="utf-8")
        else:
            write_config(self.home, COMMENT, ACME_CONFIG)
        self.brought = make_sign_in_input(self.zoho, method)
        fast_polling(self.patch, self.zoho)
        if method == "device":
            self.stderr_watcher.on_output(
                USER_CODE, lambda code: self.zoho.simulator.decide_by_user_code(code, "nordlys")
            )
        if method == "browser":
            self.stderr_watcher.on_consent_page("nordlys")

    def run(self) -> CommandResult:
        args = sign_in_args(self.brought) if self.again else self.brought.args
        port = [] if "--port" in args or self.method != "browser" else ["--port", str(free_port())]
        return self.shell(*args, *port, stdin=self.brought.as_json)

    @property
    def config(self) -> Path:
        return self.home / "xdg_config_home" / "zbtui" / "config.toml"

    @property
    def locks(self) -> Path:
        return self.home / "xdg_state_home" / "zbtui" / "locks"

    def kept(self) -> StoredState:
        return stored_state(self.home, self.zoho)

    def later(self, minutes: float) -> None:
        """Let time go by at Zoho."""
        ahead = timedelta(minutes=minutes)
        self.zoho.simulator.now = lambda: SystemClock().now() + ahead


@pytest.fixture
def scenario(
    zoho: SimulatorServer,
    empty_home: Path,
    stderr_watcher: StderrWatcher,
    run_command: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SignInScenario]:
    made = SignInScenario(zoho, empty_home, stderr_watcher, run_command, monkeypatch)
    with made.until_the_end:
        yield made


def wrong_secret(scene: SignInScenario) -> None:
    scene.brought = scene.brought.with_secrets(client_secret="demo-client-secret-999999")


def wrong_data_center(scene: SignInScenario) -> None:
    scene.brought = make_sign_in_input(scene.zoho, scene.method, data_center="us")


def late(scene: SignInScenario) -> None:
    scene.later(minutes=11)


def second_use(scene: SignInScenario) -> None:
    args = ["twin" if arg == "nordlys" else arg for arg in scene.brought.args]
    assert scene.shell(*args, stdin=scene.brought.as_json).status == 0


def never_a_code(scene: SignInScenario) -> None:
    scene.brought = scene.brought.with_secrets(code="1000.ABCDEF")


def dead_token(scene: SignInScenario) -> None:
    scene.brought = scene.brought.with_secrets(refresh_token="1000.demo-refresh-token-999999")


def rejected(scene: SignInScenario) -> None:
    scene.stderr_watcher.clear()
    scene.stderr_watcher.on_output(
        USER_CODE, lambda code: scene.zoho.simulator.decide_by_user_code(code, None)
    )
    scene.stderr_watcher.on_consent_page(None)


def nobody_enters_it(scene: SignInScenario) -> None:
    scene.stderr_watcher.clear()
    scene.stderr_watcher.on_output(USER_CODE, lambda code: scene.later(minutes=6))


def not_for_devices(scene: SignInScenario) -> None:
    scene.brought = SignInInput(
        "device",
        [*make_sign_in_input(scene.zoho, "code").args[:-2], "--grant", "device"],
        scene.brought.secrets,
    )


def port_taken(scene: SignInScenario) -> None:
    taken = scene.until_the_end.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    args = [*scene.brought.args, "--port", str(taken.getsockname()[1])]
    scene.brought = SignInInput(scene.method, args, scene.brought.secrets)
    # `sign_in_args` keeps only the options that belong to the org.
    scene.again = False


def wrong_soid(scene: SignInScenario) -> None:
    args = ["ZohoCRM.99999999999" if arg.startswith("ZohoCRM.") else arg for arg in scene.brought.args]
    scene.brought = SignInInput(scene.method, args, scene.brought.secrets)


def without_the_backup_scope(scene: SignInScenario) -> None:
    scene.zoho.simulator.missing_scopes["nordlys"] = {"ZohoCRM.bulk.backup.READ"}


def forced_to(kind: str) -> Callable[[SignInScenario], None]:
    def force(scene: SignInScenario) -> None:
        scene.zoho.simulator.forced_kinds["nordlys"] = kind

    return force


def out_of_reach(scene: SignInScenario) -> None:
    closed = scene.until_the_end.enter_context(socket.socket())
    closed.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    args = [arg.replace(scene.zoho.url, url) for arg in scene.brought.args]
    scene.brought = SignInInput(scene.method, args, scene.brought.secrets)


def config_unwritable(scene: SignInScenario) -> None:
    lock = scene.locks / "config.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir(parents=True)


CASES = [
    ("code", wrong_secret, "The client secret is wrong."),
    ("device", wrong_secret, "The client secret is wrong."),
    ("browser", wrong_secret, "The client secret is wrong."),
    ("refresh-token", wrong_secret, "The client secret is wrong."),
    ("client-credentials", wrong_secret, "The client secret is wrong."),
    ("code", late, "The code is too old, or was used already."),
    ("code", second_use, "This code was used already, and a code works once."),
    ("code", never_a_code, "This is not a code of Zoho's"),
    ("refresh-token", dead_token, "The refresh token is dead"),
    ("device", rejected, "The sign-in was refused in the browser. Start again"),
    ("browser", rejected, "The sign-in was refused in the browser. Start again"),
    ("device", nobody_enters_it, "nobody entered it in time. Start again"),
    ("device", not_for_devices, "Add a Non-browser Application"),
    ("browser", port_taken, "of this machine is taken"),
    ("client-credentials", wrong_soid, "Check the org's number"),
    ("code", without_the_backup_scope, "only: ZohoCRM.org.READ. Ask for the scopes ZohoCRM.bulk"),
    ("device", without_the_backup_scope, "does not cover backups"),
    ("browser", without_the_backup_scope, "does not cover backups"),
    (
        "refresh-token",
        forced_to("OAUTH_SCOPE_MISMATCH"),
        "lacks the scope ZohoCRM.bulk.backup.READ. Sign in",
    ),
    (
        "code",
        forced_to("NO_PERMISSION"),
        "Only an administrator may see backups; this user is not one. Make",
    ),
    ("refresh-token", forced_to("NO_PERMISSION"), "Only an administrator may see backups"),
    ("code", forced_to("NO_API_ACCESS"), "profile has no API access. Allow it: Setup"),
    ("code", forced_to("invalid_scope"), "does not grant this client the scope"),
    ("code", forced_to("OUTAGE"), "If it lasts"),
    ("code", config_unwritable, "cannot be written"),
    ("browser", config_unwritable, "Check the rights of file and folder."),
    ("refresh-token", config_unwritable, "cannot be written"),
]
LOCAL_CASES = [
    ("code", wrong_data_center, "the data center (it is set to custom)"),
    ("device", wrong_data_center, "This user's org is in another data center (EU)."),
    ("browser", wrong_data_center, "The secret was not sent there."),
    ("refresh-token", wrong_data_center, "the data center (it is set to custom)"),
    ("client-credentials", wrong_data_center, "the data center (it is set to custom)"),
    ("code", out_of_reach, "cannot be reached"),
]
"""Only for new orgs: signing in again does not change the data center."""
MEANT_WRONG = (never_a_code, port_taken, config_unwritable)
"""Faults of input or machine, not refusals by Zoho: the exit status is 3."""


def case_id(row: tuple[SignInMethod, Callable[[SignInScenario], None], str]) -> str:
    return f"{row[0]}-{row[1].__name__}-{row[2][:20]}"


@pytest.mark.parametrize("row", [*CASES, *LOCAL_CASES], ids=case_id)
def test_an_org_that_cannot_be_added_leaves_nothing_behind_but_a_sentence_and_its_cure(
    scenario: SignInScenario, row: tuple[SignInMethod, Callable[[SignInScenario], None], str]
) -> None:
    assert_refused_without_trace(scenario, *row, again=False)


@pytest.mark.parametrize("row", [row for row in CASES if row[1] is not port_taken], ids=case_id)
def test_an_org_that_cannot_sign_in_again_goes_on_with_what_it_had(
    scenario: SignInScenario, row: tuple[SignInMethod, Callable[[SignInScenario], None], str]
) -> None:
    assert_refused_without_trace(scenario, *row, again=True)


def assert_refused_without_trace(
    scene: SignInScenario,
    method: SignInMethod,
    turn: Callable[[SignInScenario], None],
    sentence: str,
    *,
    again: bool,
) -> None:
    scene.prepare(method, again=again)
    turn(scene)
    before = scene.kept()
    run = scene.run()
    *_, last = run.err.splitlines()
    assert last.startswith("zbtui: ")
    assert sentence in last
    assert (run.status, run.out) == (3 if turn in MEANT_WRONG else 1, "")
    assert_no_secret_in(run.err.encode())
    assert scene.kept() == before


def test_the_next_check_does_not_notice_a_failed_sign_in(scenario: SignInScenario) -> None:
    scenario.prepare("code", again=True)
    without_the_backup_scope(scenario)
    assert scenario.run().status == 1
    assert scenario.shell("check").out.startswith("OK: 1 ok\n")


def test_a_secret_is_not_sent_to_a_data_center_that_the_browser_names(scenario: SignInScenario) -> None:
    scenario.prepare("browser", again=False)
    wrong_data_center(scenario)
    records = scenario.zoho.simulator.request_records
    before = len(records)
    scenario.run()
    assert {request.grant_type for request in list(records)[before:]} == {None}


def test_a_code_is_not_lost_by_a_wrong_secret(scenario: SignInScenario) -> None:
    scenario.prepare("code", again=False)
    right = scenario.brought
    wrong_secret(scenario)
    assert scenario.run().status == 1
    scenario.brought = right
    assert scenario.run().status == 0


def test_a_process_cleans_up_behind_itself(scenario: SignInScenario, zoho: SimulatorServer) -> None:
    scenario.prepare("code", again=False)
    without_the_backup_scope(scenario)
    before = scenario.kept()
    run = run_process(*scenario.brought.args, stdin=scenario.brought.as_json)
    assert run.status == 1
    assert "does not cover backups" in run.err
    assert scenario.kept() == before
    assert [request.path for request in zoho.simulator.request_records][-1].endswith(
        "/oauth/v2/token/revoke"
    )

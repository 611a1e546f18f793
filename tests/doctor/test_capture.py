"""A capture: each call of the watch, nothing that identifies the org, and a replay that is judged alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.doctor.doctor_environment import RecordingClock
from tests.support.fake_clock import START, FakeClock
from tests.support.samples import reproducible
from tests.support.simulator import make_simulator, sign_in_of
from zbtui.demo.demo_session import watched_org
from zbtui.demo.replay import REPLAYED_ORG, ReplayClock, replaying_simulator
from zbtui.demo.responses import UNCODED_ERRORS
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.doctor.capture import (
    Capture,
    CapturedAnswer,
    RecordingHttpClient,
    capture_answers,
    disguise_answers,
    parse_capture,
    read_capture,
    write_capture,
)
from zbtui.health.judge import judge
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.watch.session import Session
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.errors import OLD_ANSWER_PROBLEM

SHIFT = timedelta(weeks=-20)
EVERY_CALL = ["server-info", "token", "details", "history", "links", "org"]


@pytest.fixture
def clock() -> FakeClock:
    """A clock whose waits take no time: a new token that is refused is tried again after a pause."""
    return RecordingClock()


async def capture_of(simulator: Simulator, clock: FakeClock, name: str = "nordlys") -> Capture:
    org, journal = watched_org(simulator.world.orgs[name]), open_journal(None)
    credentials = MemoryCredentialStore()
    await credentials.write_sign_in(org, sign_in_of(simulator.world.orgs[name]))
    try:
        async with RecordingHttpClient(serve_in_process(simulator)) as http:
            return await capture_answers(org, http, credentials, journal, clock, SHIFT)
    finally:
        await journal.close()


async def verdict_on(simulator: Simulator, clock: Any, name: str) -> tuple[str, str | None]:
    """The verdict after one poll, or the kind and code of its problem."""
    org = watched_org(simulator.world.orgs[name])
    async with session_on(simulator, clock, name) as session:
        try:
            observation = await session.poll(Snapshot(org))
        except ProblemError as error:
            return error.problem.kind, error.problem.message
    snapshot = apply_observation(Snapshot(org), observation, clock.now())
    return judge(snapshot, WatchPolicy(), clock.now()).name, None


@asynccontextmanager
async def session_on(simulator: Simulator, clock: Any, name: str) -> AsyncIterator[Session]:
    org, journal, credentials = (
        watched_org(simulator.world.orgs[name]),
        open_journal(None),
        MemoryCredentialStore(),
    )
    await credentials.write_sign_in(org, sign_in_of(simulator.world.orgs[name]))
    try:
        async with HttpClient(serve_in_process(simulator)) as http:
            yield Session(org, http, credentials, journal, clock)
    finally:
        await journal.close()


async def test_each_call_of_the_watch_is_kept_once(clock: FakeClock) -> None:
    capture = await capture_of(make_simulator(clock), clock)
    assert [answer.call for answer in capture.answers] == EVERY_CALL
    assert {answer.status for answer in capture.answers} == {200, 204}
    assert {answer.date for answer in capture.answers} == {START + SHIFT}
    assert capture.data_center == "eu"


async def test_every_documented_key_is_kept(clock: FakeClock) -> None:
    simulator = make_simulator(clock)
    simulator.forced_kinds["nordlys"] = "COMPLETED"
    capture = await capture_of(simulator, clock)
    text = capture.to_json()
    world, org = simulator.world, simulator.world.orgs["nordlys"]
    documented = [*world.org_object(org), *world.backup_object(org, world.phase_at(org, START), START)]
    documented += [
        "license_details",
        "paid_type",
        "data_links",
        "attachment_links",
        "expiry_date",
        "log_time",
    ]
    documented += [
        "access_token",
        "scope",
        "api_domain",
        "expires_in",
        "locations",
        "more_records",
        "done_by",
    ]
    assert [key for key in documented if f'"{key}":' not in text] == []


@pytest.mark.parametrize("name", ["nordlys", "sakura", "kestrel", "maple", "lotus"])
async def test_nothing_of_the_org_is_in_the_file(name: str, clock: FakeClock) -> None:
    world = SimulatedWorld(START)
    # A number in which no stand-in ends.
    world.orgs[name] = org = replace(world.orgs[name], number=73_192_846_501)
    simulator = Simulator(world, clock.now)
    file_text = (await capture_of(simulator, clock, name)).to_json()
    job = simulator.world.backup_object(org, simulator.world.phase_at(org, START), START)
    identifying = [
        org.zgid,
        str(job["id"]),
        org.client_id,
        org.client_secret,
        org.refresh_token,
        "demo-access",
    ]
    identifying += [*org.company.split()[:1], *org.requester.split(), f"{org.name}.example", "2026-11-23"]
    assert [text for text in identifying if text in file_text] == []


@pytest.mark.parametrize(
    "kind",
    [
        *("SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "PAYMENT_FAILED", "NONE", "EMPTY"),
        *("ONE_OFF", "OVERDUE", "FAILED_BEFORE", "TOO_OLD", "LONG_RUN", "LINKS_EXPIRING", "HISTORY_DOWN"),
        *("SHARED_IDS", "UNDATED", "UNDATED_ONE_OFF", "ABORTED", "FUTURE_ROW", "HISTORY_GONE", "MISSED"),
        *("NO_ATTACHMENTS", "ATTACHMENTS_MISSING", "AGED_ANSWER", "OTHER_ORG"),
        *(
            "NO_PERMISSION",
            "INVALID_TOKEN",
            "TOO_MANY_REQUESTS",
            "NO_API_ACCESS",
            "HTML",
            "OUTAGE",
            "RESET",
        ),
        *("invalid_code", "invalid_client", "Access Denied", "拒绝访问"),
        *UNCODED_ERRORS,
    ],
)
async def test_a_replay_is_judged_as_the_org_was(kind: str, clock: FakeClock) -> None:
    simulator = make_simulator(clock)
    simulator.forced_kinds["nordlys"] = kind
    before = await verdict_on(simulator, clock, "nordlys")
    capture = parse_capture((await capture_of(simulator, clock)).to_json())
    simulator.accounts.access_tokens.clear()
    then = ReplayClock(capture, clock)
    kind_before, text_before = before
    kind_after, text_after = await verdict_on(replaying_simulator(capture, then), then, REPLAYED_ORG)
    assert kind_after == kind_before
    if kind not in ("ERROR_NUMBER", "拒绝访问"):  # their words or numbers are replaced in the message, too
        assert text_after == text_before


CAPTURES = sorted((Path(__file__).parent / "captures").glob("*.json"))


@pytest.mark.parametrize("file", CAPTURES, ids=lambda file: file.stem)
async def test_a_kept_capture_is_judged_as_its_name_begins(file: Path, clock: FakeClock) -> None:
    capture = read_capture(file)
    then = ReplayClock(capture, clock)
    verdict, _ = await verdict_on(replaying_simulator(capture, then), then, REPLAYED_ORG)
    assert verdict == file.stem.partition("-")[0]


async def test_an_answer_that_stood_still_lags_behind_in_the_replay_too(clock: FakeClock) -> None:
    simulator = make_simulator(clock)
    simulator.forced_kinds["nordlys"] = "OLD_ANSWER"
    await clock.advance(timedelta(hours=5))
    capture = await capture_of(simulator, clock)
    dates = {answer.call: answer.date for answer in capture.answers}
    assert dates["server-info"] == START + SHIFT + timedelta(hours=5)
    assert dates["details"] == dates["history"] == START + SHIFT
    then = ReplayClock(capture, clock)
    replayed = replaying_simulator(capture, then)
    async with session_on(replayed, then, REPLAYED_ORG) as session:
        with pytest.raises(ProblemError) as caught:
            await session.poll_details()
    assert caught.value.problem == OLD_ANSWER_PROBLEM


async def test_without_a_sign_in_there_is_nothing_to_keep(clock: FakeClock) -> None:
    simulator, journal = make_simulator(clock), open_journal(None)
    org = watched_org(simulator.world.orgs["nordlys"])
    async with RecordingHttpClient(serve_in_process(simulator)) as http:
        with pytest.raises(ProblemError, match="no sign-in"):
            await capture_answers(org, http, MemoryCredentialStore(), journal, clock, SHIFT)
    await journal.close()


# Planted words

planted = st.sampled_from(
    ["Nördlys", "ACMECORP", "hollenbeck", "高橋精密", "4915123987654", "a7f3c2e9d8b1", "מגדלור"]
)
places = st.sampled_from(["{}", "{} Ltd", "mail {}@{}.test", "https://{}.test/{}?x={}", "…{}…", "{}\u0301"])
shapes = st.sampled_from(
    [
        '{"backup":{"status":"TEXT","rrule":"TEXT","requester":{"name":"TEXT","TEXT":1}}}',
        '{"code":"TEXT","message":"TEXT","details":{"TEXT":["TEXT"]}}',
        '{"history":[{"id":"TEXT","state":"TEXT","action":"TEXT","log_time":"TEXT"}]}',
        '["TEXT"]',
        '"TEXT"',
        "<html>TEXT</html>",
        "TEXT",
        '{"broken": "TEXT',
        '\ufeff{"x":"TEXT"}',
    ]
)


@reproducible
@given(planted, places, shapes, st.sampled_from(["utf-8", "utf-16", "escaped"]))
def test_a_planted_text_is_in_no_answer(word: str, place: str, shape: str, encoding: str) -> None:
    text = shape.replace("TEXT", place.replace("{}", word))
    body = (
        json.dumps(text)[1:-1].replace('\\"', '"').encode()
        if encoding == "escaped"
        else text.encode(encoding)
    )
    names = (
        "date",
        "age",
        "retry-after",
        "cache-control",
        "content-type",
        "x-api-credits-remaining",
        "via",
        "etag",
    )
    headers = {**dict.fromkeys(names, word), word: word, "server": word, "location": f"https://{word}"}
    answers = [CapturedAnswer("details", 1, 200, headers, body), CapturedAnswer("org", 1, 200, {}, body)]
    capture = disguise_answers("eu", answers, SHIFT)
    text = capture.to_json().casefold()
    assert word.casefold() not in text
    assert word.casefold() not in json.dumps(capture.to_json()).casefold()
    assert parse_capture(capture.to_json()) == capture
    assert repr(answers).casefold().count(word.casefold()) == 0


def test_headers_that_matter_are_kept() -> None:
    headers = {
        "date": "Mon, 23 Nov 2026 11:20:00 GMT",
        "age": "86400",
        "cache-control": "private, max-age=60",
        "retry-after": "Mon, 23 Nov 2026 12:20:00 GMT",
        "content-type": "application/json;charset=UTF-8",
        "x-api-credits-remaining": "1840",
        "set-cookie": "a=b",
    }
    (answer,) = disguise_answers("eu", [CapturedAnswer("details", 1, 200, headers)], SHIFT).answers
    assert answer.headers == {
        "date": "Mon, 06 Jul 2026 11:20:00 GMT",
        "age": "86400",
        "cache-control": "private, max-age=60",
        "retry-after": "Mon, 06 Jul 2026 12:20:00 GMT",
        "content-type": "application/json;charset=UTF-8",
        "x-api-credits-remaining": "9000",
    }


def test_an_unknown_status_is_reported_beside_the_file() -> None:
    body = b'{"backup": {"status": "HIBERNATED", "requester": {"name": "Mara"}}}'
    capture = disguise_answers("eu", [CapturedAnswer("details", 1, 200, {}, body)], SHIFT)
    assert capture.unknown_words == {"HIBERNATED": "XXXXXXXXXX"}
    assert "HIBERNATED" not in capture.to_json() and "Mara" not in str(capture.unknown_words)


# The file


async def test_what_was_written_is_read_again(clock: FakeClock, tmp_path: Path) -> None:
    capture = await capture_of(make_simulator(clock), clock)
    text = write_capture(capture, tmp_path / "capture.json")
    assert (tmp_path / "capture.json").read_text("utf-8") == text
    assert read_capture(tmp_path / "capture.json") == capture


def problem_of(raised: pytest.ExceptionInfo[ProblemError]) -> Problem:
    return raised.value.problem


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ProblemError) as raised:
        write_capture(Capture("eu", ()), tmp_path / "notes")
    assert "is there already" in problem_of(raised).message
    assert (tmp_path / "notes").read_text() == "mine"
    with pytest.raises(ProblemError) as raised:
        write_capture(Capture("eu", ()), tmp_path / "none" / "capture.json")
    assert "There is no folder" in problem_of(raised).message


def _of_answer(answer: object) -> str:
    return json.dumps({"zbtui_capture": 1, "data_center": "eu", "answers": [answer]})


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", '{"zbtui_capture": 2}', '{"zbtui_capture": 1}', "[" * 100_000),
        _of_answer({"call": "rm", "status": 200, "headers": {}}),
        _of_answer({"call": "org", "status": "x", "headers": {}}),
        _of_answer({"call": "org", "status": 200, "headers": []}),
        _of_answer({"call": "org", "status": 200, "headers": {}, "text": 5}),
    ],
)
def test_what_is_no_capture_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ProblemError) as raised:
        read_capture(tmp_path / "file")
    assert "is no capture of zbtui's" in problem_of(raised).message
    with pytest.raises(ProblemError) as raised:
        read_capture(tmp_path / "missing")
    assert "cannot be read" in problem_of(raised).message

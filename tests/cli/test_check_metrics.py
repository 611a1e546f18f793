"""`check --format openmetrics` as a command, which writes a file for Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.check.missing_library import without_library
from tests.cli.command_runner import (
    ACME_CONFIG,
    RunCommand,
    add,
    assert_no_secret_in,
    run_process,
    write_config,
)
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer


def levels(text: str) -> dict[str, float]:
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {
        sample.labels["org"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "zbtui_level"
    }


def test_the_metrics_are_all_that_is_on_stdout_and_the_exit_code_is_that_of_any_check(
    real_keyring: SecretService, run_command: RunCommand, zoho: SimulatorServer
) -> None:
    add(run_command, zoho, "nordlys", "kestrel", verified=False)
    zoho.simulator.forced_kinds["kestrel"] = "FAILED"
    run = run_command("check", "--format", "openmetrics")
    assert (run.status, run.err) == (2, "")
    assert levels(run.out) == {"nordlys": 0, "kestrel": 3}
    assert_no_secret_in(run.out.encode())


def test_the_text_is_utf_8_wherever_it_is_written(empty_home: Path) -> None:
    """The formats require UTF-8; a pipe on Windows uses a code page by default."""
    write_config(empty_home, ACME_CONFIG.replace("acme", "佐藤"))
    run = run_process("check", "--format", "openmetrics", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert run.status == 3
    assert levels(run.out) == {"佐藤": 2}


def test_without_an_org_the_check_is_unknown_and_still_shows_when_it_was(
    empty_home: Path, run_command: RunCommand
) -> None:
    run = run_command("check", "--format", "openmetrics")
    assert run.status == 3
    assert levels(run.out) == {}
    assert "\nzbtui_check_timestamp_seconds " in run.out
    assert "\nzbtui_orgs 0" in run.out


def test_without_the_library_one_sentence_names_the_cure_and_nobody_is_asked(
    real_keyring: SecretService,
    run_command: RunCommand,
    zoho: SimulatorServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    without_library(monkeypatch, "prometheus_client")
    run = run_command("check", "--format", "openmetrics")
    assert (run.status, run.out) == (3, "")
    assert run.err.count("\n") == 1
    assert "pip install prometheus-client" in run.err
    assert not zoho.simulator.request_records
    assert run_command("check").status == 0

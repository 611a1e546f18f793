"""The alert rules in docs, tested by promtool on the output of `check` during faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.command_runner import RunCommand, add, write_config
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "docs" / "prometheus-rules.yml"
EVERY: Final = 5
"""Minutes between two checks."""
CHECKS: Final = 30
"""Checks while the outcome stays the same."""
CHECKED: Final = "zbtui_check_timestamp_seconds"
SEEN: Final = "zbtui_last_good_look_timestamp_seconds"

Series = tuple[str, str]
"""A metric and its labels, as Prometheus writes them."""
Expected = Mapping[str, Mapping[str, str]]
"""Labels by the alert's name."""

ORG: Final = {"org": "nordlys", "data_center": "custom"}
CRITICAL: Final = {**ORG, "severity": "critical"}
FAILED: Final[Expected] = {"ZohoBackupCritical": {**CRITICAL, "verdict": "failed"}}
OUT_OF_SIGHT: Final[Expected] = {"ZohoBackupOutOfSight": {**ORG, "severity": "warning"}}
OURS: Final = {"severity": "critical"}
ALERTS: Final = (
    "ZohoBackupCritical",
    "ZohoBackupWarning",
    "ZohoBackupOutOfSight",
    "ZbtuiCheckMissing",
    "ZbtuiNoOrgs",
    "ZbtuiFewerOrgs",
)


@dataclass
class Recording:
    """The series that Prometheus reads from the textfile collector, every five minutes."""

    folder: Path
    checks: int = 0
    series: dict[Series, dict[int, float]] = field(default_factory=dict)
    expected: list[tuple[int, Expected]] = field(default_factory=list)
    _text: str = ""
    _seen: float = 0

    def go_on(self, expected: Expected, *, at_once: Sequence[str] = ()) -> None:
        """Check once, by the README's recipe, and repeat its outcome for two and a half hours.

        `expected` are the alerts at the end; those named in `at_once` fire all the time.
        """
        subprocess.run(["sh", "-c", recipe()], cwd=self.folder, check=False, timeout=60, env=with_zbtui())
        text = (self.folder / "zbtui.prom").read_text()
        is_new, self._text, first = text != self._text, text, self.checks
        self.checks += CHECKS
        for check in range(first, self.checks):
            self._record(text, check if is_new else first - 1, check)
        self.expected += [
            (check, {name: expected[name] for name in at_once}) for check in (first, first + 1)
        ]
        self.expected.append((self.checks - 1, expected))

    def _record(self, text: str, read: int, check: int) -> None:
        samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
        seen = max((one.value for one in samples if one.name == SEEN), default=0)
        for one in samples:
            labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in one.labels.items())
            values = self.series.setdefault((one.name, labels), {})
            # promtool's time begins in 1970, and one outcome is repeated for many checks.
            if one.name == CHECKED:
                values[check] = read * EVERY * 60
            elif one.name == SEEN:
                values[check] = read * EVERY * 60 if seen != self._seen else values[check - 1]
            else:
                values[check] = one.value
        if check == self.checks - 1:
            self._seen = seen

    def write_test(self) -> Path:
        """A test for `promtool test rules`."""
        series = [
            {
                "series": f"{name}{{{labels}}}",
                "values": " ".join(str(values.get(check, "_")) for check in range(self.checks)),
            }
            for (name, labels), values in self.series.items()
        ]
        expectations = [
            {"eval_time": f"{check * EVERY}m", "alertname": name, "exp_alerts": _expected(name, labels)}
            for check, alerts in self.expected
            for name in ALERTS
            if check == self.checks - 1 or (check + 1) % CHECKS == 0 or name in alerts
            for labels in [alerts.get(name)]
        ]
        test = {"interval": f"{EVERY}m", "input_series": series, "alert_rule_test": expectations}
        path = self.folder / "test.yml"
        whole = {"rule_files": [str(RULES)], "evaluation_interval": f"{EVERY}m", "tests": [test]}
        path.write_text(json.dumps(whole))
        return path


def _expected(name: str, labels: Mapping[str, str] | None) -> list[dict[str, Any]]:
    if labels is None:
        return []
    who = f"{labels.get('org')} ({labels.get('data_center')})"
    summary = {
        "ZohoBackupCritical": f"{who}: {labels.get('verdict')}",
        "ZohoBackupOutOfSight": f"{who} cannot be looked at",
        "ZbtuiCheckMissing": "zbtui check has not come to an end for an hour: nothing is watched",
        "ZbtuiNoOrgs": "The config that zbtui check reads has no org: nothing is watched",
        "ZbtuiFewerOrgs": "zbtui watches fewer orgs than an hour ago: 0",
    }[name]
    return [{"exp_labels": dict(labels), "exp_annotations": {"summary": summary}}]


def recipe() -> str:
    """The command that the README has cron run in the collector's folder."""
    lines = (ROOT / "README.md").read_text().splitlines()
    (line,) = [line for line in lines if "check --format openmetrics >" in line]
    return line.partition("/textfile && ")[2]


def with_zbtui() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run_promtool(*args: str) -> str:
    """The output of promtool if it fails, else ""."""
    run = subprocess.run(["promtool", *args], capture_output=True, text=True, timeout=120, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_prometheus_accepts_the_rules() -> None:
    assert run_promtool("check", "rules", str(RULES)) == ""


def test_the_rules_alert_on_each_problem_and_on_nothing_else(
    real_keyring: SecretService,
    run_command: RunCommand,
    zoho: SimulatorServer,
    empty_home: Path,
    tmp_path: Path,
) -> None:
    add(run_command, zoho, "nordlys", verified=False)
    config = empty_home / "xdg_config_home" / "zbtui" / "config.toml"
    watched, kinds, recording = config.read_text(), zoho.simulator.forced_kinds, Recording(tmp_path)
    recording.go_on({})
    kinds["nordlys"] = "FAILED"
    recording.go_on(FAILED, at_once=["ZohoBackupCritical"])
    kinds["nordlys"] = "INTERNAL_ERROR"
    recording.go_on({**FAILED, **OUT_OF_SIGHT}, at_once=["ZohoBackupCritical"])
    kinds["nordlys"] = "COMPLETED"
    recording.go_on({})
    kinds["nordlys"] = "STOPPED"
    stopped = {"ZohoBackupCritical": {**CRITICAL, "verdict": "stopped"}}
    recording.go_on(stopped, at_once=["ZohoBackupCritical"])
    kinds["nordlys"] = "COMPLETED"
    recording.go_on({})
    write_config(empty_home, watched, "[[org]")
    recording.go_on({"ZbtuiCheckMissing": OURS})
    write_config(empty_home, watched)
    recording.go_on({})
    write_config(empty_home)
    recording.go_on({"ZbtuiNoOrgs": OURS})
    assert run_promtool("test", "rules", str(recording.write_test())) == ""


@pytest.mark.parametrize("missing", [CHECKED, "zbtui_orgs"])
def test_a_metric_that_was_never_written_fires_an_alert(missing: str, tmp_path: Path) -> None:
    """Nothing was ever written, or by a version without this metric."""
    recording = Recording(tmp_path, checks=CHECKS)
    for name in {CHECKED, "zbtui_orgs"} - {missing}:
        recording.series[name, ""] = {check: check * EVERY * 60 for check in range(CHECKS)}
    alert = {CHECKED: "ZbtuiCheckMissing", "zbtui_orgs": "ZbtuiNoOrgs"}[missing]
    recording.expected = [(CHECKS - 1, {alert: OURS})]
    assert run_promtool("test", "rules", str(recording.write_test())) == ""

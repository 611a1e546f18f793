"""A check as metrics, for Prometheus (the only importer of prometheus-client).

One text that is both: OpenMetrics 1.0, as it is scraped, and the classic text format 0.0.4, which is
all that node_exporter's textfile collector reads. All families are gauges for that: what OpenMetrics
calls info and stateset, the classic format has no word for. To it the closing `# EOF` is a comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from zbtui.check.report import EXIT_CODES, Finding, Report
from zbtui.core.verdict import Name

_LABELS: Final = ("org", "data_center")


def as_openmetrics(report: Report) -> str:
    """A sample for each org and each thing that is known of it; what is not known has none.

    Labels are the org's name and its data center, as configured; moments are Unix time in seconds.
    Of an org that could not be looked at, status and moments are those of the last good look.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Findings(report))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode().removesuffix("\n")


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _next_run(finding: Finding) -> float | None:
    snapshot = finding.snapshot
    # A schedule that is stopped still names a run, which will not come.
    if snapshot.zoho.backup is None or snapshot.time_to_next_run(finding.at) is None:
        return None
    return _seconds(snapshot.zoho.backup.next_run)


def _age(finding: Finding) -> float | None:
    seen = finding.snapshot.zoho.observed_at
    return (finding.at - seen).total_seconds() if seen else None


_GAUGES: Final[tuple[tuple[str, str, Callable[[Finding], float | None]], ...]] = (
    (
        "zbtui_level",
        "How bad: 0 ok, 1 warning, 2 critical, 3 unknown.",
        lambda finding: EXIT_CODES[finding.verdict.level],
    ),
    (
        "zbtui_next_run_timestamp_seconds",
        "When the next backup is to run, as Zoho names it.",
        _next_run,
    ),
    (
        "zbtui_last_completed_timestamp_seconds",
        "When a backup last ended well, within Zoho's history of a year.",
        lambda finding: _seconds(finding.snapshot.last_completed),
    ),
    (
        "zbtui_last_failed_timestamp_seconds",
        "When a backup last failed, within Zoho's history of a year.",
        lambda finding: _seconds(finding.snapshot.last_failed),
    ),
    (
        "zbtui_links_expire_timestamp_seconds",
        "The newest expiry of download links that was ever seen, past or to come.",
        lambda finding: _seconds(finding.snapshot.zoho.last_links_expiry),
    ),
    (
        "zbtui_api_credits_remaining",
        "API credits left today; Zoho tells once half of them are used.",
        lambda finding: finding.snapshot.zoho.credits_remaining,
    ),
    (
        "zbtui_poll_failures",
        "How many looks in a row have failed, up to and with this one.",
        lambda finding: finding.snapshot.polls.failures,
    ),
    (
        "zbtui_last_good_look_timestamp_seconds",
        "When the org was last looked at without trouble.",
        lambda finding: _seconds(finding.snapshot.zoho.observed_at),
    ),
    (
        "zbtui_last_good_look_age_seconds",
        "How long ago that was at this look.",
        _age,
    ),
)


class _Findings(Collector):
    """A report, as prometheus-client collects it."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, about, value_of in _GAUGES:
            gauge = GaugeMetricFamily(name, about, labels=_LABELS)
            for finding in self._report.findings:
                value = value_of(finding)
                if value is not None:
                    gauge.add_metric(_labels(finding), value)
            yield gauge
        yield self._verdicts()
        yield self._statuses()
        yield GaugeMetricFamily(
            "zbtui_check_timestamp_seconds",
            "When this check ended.",
            value=self._report.checked_at.timestamp(),
        )

    def _verdicts(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "zbtui_verdict", "1 for the verdict on the org, 0 for all others.", labels=(*_LABELS, "verdict")
        )
        for finding in self._report.findings:
            for name in get_args(Name):
                gauge.add_metric([*_labels(finding), name], finding.verdict.name == name)
        return gauge

    def _statuses(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "zbtui_status_info", "1, labelled with Zoho's own status word.", labels=(*_LABELS, "status")
        )
        for finding in self._report.findings:
            backup = finding.snapshot.zoho.backup
            if backup and backup.status:
                gauge.add_metric([*_labels(finding), backup.status], 1)
        return gauge


def _labels(finding: Finding) -> list[str]:
    return [finding.snapshot.org.name, finding.snapshot.org.data_center]

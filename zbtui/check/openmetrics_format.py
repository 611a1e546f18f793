"""Formats a check as metrics for Prometheus. Only this module imports prometheus-client.

The text is valid in two formats: OpenMetrics 1.0, for scraping, and the classic text format 0.0.4, the only
one that node_exporter's textfile collector reads. All metrics are gauges, because the classic format has no
info or stateset. In the classic format, the final `# EOF` is a comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from zbtui.check.report import OrgResult, Report
from zbtui.model.verdict import Verdict, VerdictName

_LABELS: Final = ("org", "data_center")


def report_as_openmetrics(report: Report) -> str:
    """Format a report as metrics: a sample for each org and each known value, none for unknown values.

    Labels are the org's name and data center, as configured; times are Unix time in seconds. If the poll of
    an org failed, its status and times are those of the last good poll.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ReportCollector(report))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode().removesuffix("\n")


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _next_run_seconds(result: OrgResult) -> float | None:
    snapshot = result.snapshot
    # A stopped schedule still has a next run, which will not start.
    if snapshot.zoho.backup is None or snapshot.time_to_next_run(result.judged_at) is None:
        return None
    return _seconds(snapshot.zoho.backup.next_run)


def _clock_offset_seconds(result: OrgResult) -> float | None:
    zoho = result.snapshot.zoho
    return zoho.clock_offset.total_seconds() if zoho.observed_at else None


_GAUGES: Final[tuple[tuple[str, str, Callable[[OrgResult], float | None]], ...]] = (
    (
        "zbtui_level",
        "How bad, worst last: 0 ok, 1 warning, 2 unknown, 3 critical.",
        lambda result: result.verdict.level,
    ),
    (
        "zbtui_last_known_level",
        "The level, or while that is unknown, the one of the last good look.",
        lambda result: result.last_known.level if result.last_known else None,
    ),
    (
        "zbtui_next_run_timestamp_seconds",
        "When the next backup is to run, as Zoho names it.",
        _next_run_seconds,
    ),
    (
        "zbtui_last_completed_timestamp_seconds",
        "When a backup last ended well, within Zoho's history of a year.",
        lambda result: _seconds(result.snapshot.last_completed),
    ),
    (
        "zbtui_last_failed_timestamp_seconds",
        "When a backup last failed, within Zoho's history of a year.",
        lambda result: _seconds(result.snapshot.last_failed),
    ),
    (
        "zbtui_links_expire_timestamp_seconds",
        "The newest expiry of download links that was ever seen, past or to come.",
        lambda result: _seconds(result.snapshot.zoho.last_links_expiry),
    ),
    (
        "zbtui_api_credits_remaining",
        "API credits left today; Zoho tells once half of them are used.",
        lambda result: result.snapshot.zoho.credits_remaining,
    ),
    (
        "zbtui_poll_failures",
        "How many looks in a row have failed, up to and with this one.",
        lambda result: result.snapshot.polls.failures,
    ),
    (
        "zbtui_last_good_look_timestamp_seconds",
        "When the org was last looked at without trouble.",
        lambda result: _seconds(result.snapshot.zoho.observed_at),
    ),
    (
        "zbtui_clock_offset_seconds",
        "Zoho's clock at the last good poll, less this machine's; 0 if they agree.",
        _clock_offset_seconds,
    ),
)


class _ReportCollector(Collector):
    """Gives the metrics of a report to prometheus-client."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, description, value_of in _GAUGES:
            gauge = GaugeMetricFamily(name, description, labels=_LABELS)
            for result in self._report.results:
                value = value_of(result)
                if value is not None:
                    gauge.add_metric(_label_values(result), value)
            yield gauge
        yield self._verdicts(
            "zbtui_verdict",
            "1 for the verdict on the org, 0 for all others.",
            lambda result: result.verdict,
        )
        yield self._verdicts(
            "zbtui_last_known_verdict",
            "The same for the verdict, or while that is unknown, the one of the last good look.",
            lambda result: result.last_known,
        )
        yield self._statuses()
        yield GaugeMetricFamily(
            "zbtui_orgs", "How many orgs this check has looked at.", value=len(self._report.results)
        )
        yield GaugeMetricFamily(
            "zbtui_check_timestamp_seconds",
            "When this check ended.",
            value=self._report.checked_at.timestamp(),
        )

    def _verdicts(
        self, family: str, description: str, verdict_of: Callable[[OrgResult], Verdict | None]
    ) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(family, description, labels=(*_LABELS, "verdict"))
        for result in self._report.results:
            if verdict := verdict_of(result):
                for name in get_args(VerdictName):
                    gauge.add_metric([*_label_values(result), name], verdict.name == name)
        return gauge

    def _statuses(self) -> GaugeMetricFamily:
        gauge = GaugeMetricFamily(
            "zbtui_status_info", "1, labelled with Zoho's own status word.", labels=(*_LABELS, "status")
        )
        for result in self._report.results:
            backup = result.snapshot.zoho.backup
            if backup and backup.status:
                gauge.add_metric([*_label_values(result), backup.status], 1)
        return gauge


def _label_values(result: OrgResult) -> list[str]:
    return [result.snapshot.org.name, result.snapshot.org.data_center]

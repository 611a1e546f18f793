"""The output formats of a check."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal, get_args

from zbtui.check.json_format import report_as_json
from zbtui.check.report import Report
from zbtui.check.text_format import report_as_text
from zbtui.model.problem import Problem, ProblemError

OutputFormat = Literal["text", "json", "openmetrics"]
OUTPUT_FORMATS: Final[tuple[OutputFormat, ...]] = get_args(OutputFormat)


def formatter_for(output_format: OutputFormat, *, coloured: bool = False) -> Callable[[Report], str]:
    """Return the function that formats a report in this format; `coloured` affects only `text`.

    Raises a `ProblemError` if the format is `openmetrics` and prometheus-client is not installed.
    """
    if output_format == "openmetrics":
        try:
            from zbtui.check.openmetrics_format import report_as_openmetrics
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "prometheus_client":
                raise
            message = "The metrics need prometheus-client, which is not installed."
            hint = "Install it beside zbtui: pip install prometheus-client."
            raise ProblemError(Problem("config", message, hint)) from None
        return report_as_openmetrics
    return report_as_json if output_format == "json" else partial(report_as_text, coloured=coloured)

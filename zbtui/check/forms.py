"""The forms that a check can be printed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from zbtui.check.json_text import as_json
from zbtui.check.report import Report
from zbtui.check.text import as_text
from zbtui.core.trouble import Trouble, TroubleError

Form = Literal["text", "json", "openmetrics"]
FORMS: Final[tuple[Form, ...]] = ("text", "json", "openmetrics")


def writer_of(form: Form, *, coloured: bool = False) -> Callable[[Report], str]:
    """What makes the text of a report, in this form.

    Args:
        coloured: whether text for people is to be in colour.

    Raises:
        TroubleError: the library for the metrics is not installed.
    """
    if form == "openmetrics":
        try:
            from zbtui.check.openmetrics import as_openmetrics
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "prometheus_client":
                raise
            raise TroubleError(
                Trouble(
                    "config",
                    "The metrics need prometheus-client, which is not installed.",
                    "Install it beside zbtui: pip install prometheus-client.",
                )
            ) from None
        return as_openmetrics
    return as_json if form == "json" else partial(as_text, coloured=coloured)

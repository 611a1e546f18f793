"""The output formats of `check`, and the library that one of them needs."""

from __future__ import annotations

import pytest

from tests.check.missing_library import without_library
from tests.check.sample_orgs import OK, report_of
from zbtui.check import formatter_for
from zbtui.check.formats import OUTPUT_FORMATS, OutputFormat
from zbtui.model.problem import ProblemError

FIRST_CHARACTERS: dict[OutputFormat, str] = {
    "text": "OK: 1 ok\n",
    "json": '{\n  "schema": 1,',
    "openmetrics": "# HELP zbtui_",
}


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
def test_each_form_has_its_writer(form: OutputFormat) -> None:
    assert formatter_for(form)(report_of(OK)).startswith(FIRST_CHARACTERS[form])


def test_only_text_for_people_is_coloured() -> None:
    for form in OUTPUT_FORMATS:
        assert ("\x1b" in formatter_for(form, coloured=True)(report_of(OK))) is (form == "text")


def test_without_the_library_the_cure_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch, "prometheus_client")
    with pytest.raises(ProblemError) as caught:
        formatter_for("openmetrics")
    problem = caught.value.problem
    assert (problem.kind, "pip install prometheus-client" in problem.hint) == ("config", True)
    assert formatter_for("json")(report_of(OK))


def test_a_missing_module_of_ours_is_not_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch, "zbtui.check.openmetrics_format")
    with pytest.raises(ModuleNotFoundError):
        formatter_for("openmetrics")

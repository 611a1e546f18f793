"""Which form a check is printed in, and what that needs."""

from __future__ import annotations

import pytest

from tests.check.missing import without_library
from tests.check.scene import OK, judged
from zbtui.check import writer_of
from zbtui.check.forms import FORMS, Form
from zbtui.core.trouble import TroubleError

BEGIN: dict[Form, str] = {"text": "OK: 1 ok\n", "json": '{\n  "schema": 1,', "openmetrics": "# HELP zbtui_"}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_has_its_writer(form: Form) -> None:
    assert writer_of(form)(judged(OK)).startswith(BEGIN[form])


def test_only_text_for_people_is_coloured() -> None:
    for form in FORMS:
        assert ("\x1b" in writer_of(form, coloured=True)(judged(OK))) is (form == "text")


def test_without_the_library_the_cure_is_told_before_anybody_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_library(monkeypatch, "prometheus_client")
    with pytest.raises(TroubleError) as caught:
        writer_of("openmetrics")
    trouble = caught.value.trouble
    assert (trouble.kind, "pip install prometheus-client" in trouble.hint) == ("config", True)
    assert writer_of("json")(judged(OK))


def test_a_module_of_ours_that_is_missing_is_not_taken_for_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_library(monkeypatch, "zbtui.check.openmetrics")
    with pytest.raises(ModuleNotFoundError):
        writer_of("openmetrics")

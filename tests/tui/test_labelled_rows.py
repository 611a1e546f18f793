"""Labels and texts keep to their columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from zbtui.model.text import clean
from zbtui.tui.widgets.labelled_rows import render_rows

texts = st.text(max_size=40).map(clean)


def test_a_long_text_is_wrapped_within_its_column() -> None:
    rows = [("id", "1"), ("plan", "every two weeks on Tuesday"), ("", "")]
    assert render_rows(rows, 20).plain.splitlines() == [
        "id    1",
        "plan  every two",
        "      weeks on",
        "      Tuesday",
        "      ",
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["", "id", "requester"]), texts), max_size=5), st.integers(30, 90)
)
def test_no_line_is_wider_than_the_widget(rows: list[tuple[str, str]], width: int) -> None:
    for line in render_rows(rows, width).plain.split("\n"):
        assert Content(line.rstrip()).cell_length <= width

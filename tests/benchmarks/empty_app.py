"""A Textual app that does nothing: what the benchmarks measure against."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static


class EmptyApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("n", "nothing", "Nothing")]

    def compose(self) -> ComposeResult:
        yield Static("nothing")

    def action_nothing(self) -> None:
        """Paint as little as possible."""
        words = self.query_one(Static)
        words.update("nothing" if str(words.content) != "nothing" else "still nothing")


if __name__ == "__main__":
    EmptyApp().run()

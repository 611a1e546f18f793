"""A Textual app that does nothing: what the benchmarks measure against."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class EmptyApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("nothing")


if __name__ == "__main__":
    EmptyApp().run()

"""All panels as one widget: lays them out, scrolls, keeps the cursor, repaints only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Final, get_args

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from zbtui.core.judge import judge
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Verdict
from zbtui.tui.messages import PanelsShown
from zbtui.tui.widgets.panel import HEIGHT, LARGEST_WIDTH, SMALLEST_WIDTH, Line, Role, draw_panel

_GAP: Final = 1
_ORDER_RESTS: Final = timedelta(seconds=10)
"""After a move the order stays for so long: nothing jumps away under the cursor."""
_LEFT_ALONE: Final = timedelta(seconds=60)
"""After so long without a move the screen shows the worst again."""
_NARROWEST: Final = 12
_JUDGED_EVERY: Final = 30
"""Ticks within which each org that is out of sight is judged anew."""


class FleetGrid(ScrollView, can_focus=True):
    """The orgs as panels, worst first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"fleet-grid--{role}" for role in get_args(Role)}
    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(0,-1)", "Up", show=False, id="grid.up", tooltip="To the panel above"),
        Binding("down,j", "move(0,1)", "Down", show=False, id="grid.down", tooltip="To the panel below"),
        Binding("left,h", "move(-1,0)", "Left", show=False, id="grid.left", tooltip="To the panel before"),
        Binding("right,l", "move(1,0)", "Right", show=False, id="grid.right", tooltip="To the next panel"),
        Binding("home,g", "move_to(0)", "First", show=False, id="grid.first", tooltip="To the first panel"),
        Binding("end,G", "move_to(-1)", "Last", show=False, id="grid.last", tooltip="To the last panel"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="grid.pageup", tooltip="A screen up"),
        Binding(
            "pagedown", "page(1)", "Page down", show=False, id="grid.pagedown", tooltip="Down a screen"
        ),
    ]

    class Opened(Message):
        """A panel was clicked twice."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        super().__init__()
        self.policy = policy
        self._now = now
        self._snapshots: dict[str, Snapshot] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._counts: Counter[Level] = Counter()
        self._order: list[str] = []
        self._index: dict[str, int] = {}
        """Each org's place in the order."""
        self._judged = 0
        """The place in the order up to which orgs out of sight were judged anew."""
        self._cursor: str | None = None
        """The org that somebody moved to; None: nobody has, and the first panel it is."""
        self._moved_at: datetime | None = None
        self._unsorted = False
        self._painted = False
        self._drawn: dict[str, tuple[Line, ...]] = {}
        self._styles: dict[str, Style] = {}
        self._columns = 1
        self._panel_width = SMALLEST_WIDTH

    # What it is told

    def set_orgs(self, snapshots: Iterable[Snapshot], policy: Policy, now: datetime) -> None:
        """Show these orgs, and no others."""
        self.policy, self._now = policy, now
        self._snapshots = {snapshot.org.name: snapshot for snapshot in snapshots}
        self._verdicts = {name: judge(self._snapshots[name], policy, now) for name in self._snapshots}
        self._counts = Counter(_counted(verdict) for verdict in self._verdicts.values())
        if self._cursor not in self._snapshots:
            self._cursor = None
        self._sort()
        self._lay_out()

    def update_org(self, snapshot: Snapshot, now: datetime) -> None:
        """Something about one org is known anew."""
        name = snapshot.org.name
        if name not in self._snapshots:
            return
        self._now = now
        self._snapshots[name] = snapshot
        self._rejudge([name])
        self._repaint([name])

    def tick(self, now: datetime) -> None:
        """The time went on: judge anew, and repaint what looks different by now.

        What is in sight is judged each time; of what is not, a part, so that thousands cost no more
        than a few.
        """
        self._now = now
        if self._cursor is not None and self._moved_at and now - self._moved_at > _LEFT_ALONE:
            self._let_go()
        visible = self._visible()
        self._rejudge([*visible, *self._out_of_sight()])
        self._repaint(visible)

    # What it tells

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """By org name, as of the last tick."""
        return self._verdicts

    @property
    def counts(self) -> Counter[Level]:
        """How many orgs are at each level."""
        return self._counts

    @property
    def current(self) -> str | None:
        """The org under the cursor; None: there is no org."""
        return self._cursor or (self._order[0] if self._order else None)

    @property
    def order(self) -> list[str]:
        """The orgs' names as shown."""
        return list(self._order)

    # Order

    def _out_of_sight(self) -> list[str]:
        part = len(self._order) // _JUDGED_EVERY + 1
        names = self._order[self._judged : self._judged + part]
        self._judged = self._judged + part if self._judged + part < len(self._order) else 0
        return names

    def _rejudge(self, names: Iterable[str]) -> None:
        for name in names:
            before = self._verdicts[name]
            after = self._verdicts[name] = judge(self._snapshots[name], self.policy, self._now)
            self._counts[_counted(before)] -= 1
            self._counts[_counted(after)] += 1
            self._unsorted |= before.level is not after.level
        resting = self._moved_at is not None and abs(self._now - self._moved_at) < _ORDER_RESTS
        if self._unsorted and not resting:
            self._sort()
            self._drawn.clear()
            self.refresh()
            if self._cursor is not None:
                self.scroll_to_region(self._place(self._index[self._cursor]), animate=False, force=True)

    def _sort(self) -> None:
        """Worst first, else as configured."""
        self._order = sorted(self._snapshots, key=lambda name: -self._verdicts[name].level)
        self._index = {name: index for index, name in enumerate(self._order)}
        self._unsorted = False

    # Layout

    def on_resize(self) -> None:
        self._lay_out()
        if self._cursor is not None:
            self.call_after_refresh(
                self.scroll_to_region, self._place(self._index[self._cursor]), animate=False, force=True
            )

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._drawn.clear()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        fitting = max((width + _GAP) // (SMALLEST_WIDTH + _GAP), 1)
        self._columns = max(min(fitting, len(self._order)), 1)
        room = (width - _GAP * (self._columns - 1)) // self._columns
        self._panel_width = max(min(room, LARGEST_WIDTH), _NARROWEST)
        rows = -(-len(self._order) // self._columns)
        self.virtual_size = Size(width, rows * HEIGHT)
        self._drawn.clear()
        self.refresh()

    def _place(self, index: int) -> Region:
        """Where a panel lies, in the virtual space."""
        row, column = divmod(index, self._columns)
        width = self._panel_width
        return Region(column * (width + _GAP), row * HEIGHT, width, HEIGHT)

    def _visible(self) -> list[str]:
        top, height = self.scroll_offset.y, self.size.height
        first = top // HEIGHT * self._columns
        last = -(-(top + height) // HEIGHT) * self._columns
        return self._order[first:last]

    # Painting

    def _draw(self, name: str) -> tuple[Line, ...]:
        cursor = name == self.current
        return draw_panel(
            self._snapshots[name], self._verdicts[name], self._now, self._panel_width, cursor=cursor
        )

    def _repaint(self, names: Iterable[str]) -> None:
        """Repaint the lines of these panels that differ from what is on the screen."""
        ends: dict[int, int] = {}
        for name in names:
            before = self._drawn.get(name)
            if before is None:
                continue  # out of sight, or to be painted anyway
            after = self._drawn[name] = self._draw(name)
            place = self._place(self._index[name]).translate(-self.scroll_offset)
            for y, old, new in zip(range(place.y, place.bottom), before, after, strict=True):
                if old != new:
                    ends[y] = max(place.right, ends.get(y, 0))
        # One region a line, from its beginning: Textual writes each from there in any case.
        if ends:
            self.refresh(*(Region(0, y, right, 1) for y, right in ends.items()))

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        row, line = divmod(y, HEIGHT)
        names = self._order[row * self._columns : (row + 1) * self._columns]
        if not self._painted:
            self._painted = True
            self.app.post_message(PanelsShown())
        ground = self._role_style("text")
        segments: list[Segment] = []
        for name in names:
            if name not in self._drawn:
                self._drawn[name] = self._draw(name)
            if segments:
                segments.append(Segment(" " * _GAP, ground))
            segments += [Segment(text, self._role_style(role)) for text, role in self._drawn[name][line]]
        return Strip(segments).simplify().adjust_cell_length(self.size.width, ground)

    def _role_style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.get_component_rich_style(f"fleet-grid--{role}")
        return style

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        visible = set(self._visible())
        self._drawn = {name: lines for name, lines in self._drawn.items() if name in visible}

    def _let_go(self) -> None:
        """Back to the top, where the worst is: nobody has moved for a while."""
        self._cursor = None
        self._drawn.clear()
        self.refresh()
        self.scroll_home(animate=False, force=True)

    # Moving

    def stay(self) -> None:
        """Somebody is busy elsewhere, with what the cursor is on: it does not go back to the top."""
        if self._cursor is not None:
            self._moved_at = self._now

    def select(self, name: str) -> None:
        """Move to the panel of that org, where it is shown."""
        if name in self._index:
            self.move_cursor(self._index[name])

    def touch(self) -> None:
        """Somebody does something with the panel under the cursor: it stays for a while."""
        if self._order:
            self.move_cursor(self._index[self.current or self._order[0]])

    def action_move(self, columns: int, rows: int) -> None:
        if not self._order:
            return
        index = self._index[self.current or self._order[0]]
        target = index + columns + rows * self._columns
        if 0 <= target < len(self._order):
            self.move_cursor(target)
        elif rows > 0 and target // self._columns <= (len(self._order) - 1) // self._columns:
            self.move_cursor(len(self._order) - 1)  # the last row is not full

    def action_move_to(self, index: int) -> None:
        if self._order:
            self.move_cursor(index % len(self._order))

    def action_page(self, direction: int) -> None:
        if self._order:
            rows = max(self.size.height // HEIGHT, 1)
            index = self._index[self.current or self._order[0]] + direction * rows * self._columns
            self.move_cursor(min(max(index, 0), len(self._order) - 1))

    def move_cursor(self, index: int) -> None:
        """To the panel at `index` of the order, which then rests for a while."""
        before = self.current
        self._cursor = self._order[index]
        self._moved_at = self._now
        self._repaint([name for name in (before, self._cursor) if name is not None])
        self.scroll_to_region(self._place(index), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        x, y = event.x + self.scroll_offset.x, event.y + self.scroll_offset.y
        index = y // HEIGHT * self._columns + min(x // (self._panel_width + _GAP), self._columns - 1)
        if 0 <= index < len(self._order):
            self.move_cursor(index)
            if event.chain == 2:
                self.post_message(self.Opened())


def _counted(verdict: Verdict) -> Level:
    """What an org counts as in the bar: what could not be confirmed is not well."""
    return Level.UNKNOWN if verdict.stale and verdict.level is Level.OK else verdict.level

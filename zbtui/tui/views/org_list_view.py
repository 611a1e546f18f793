"""The base class of the views of the orgs: one widget that lays out, scrolls, and repaints what changed.

With one widget for each of 200 orgs, a cursor move takes 76 ms of CPU and a sort 103 ms; with a single
widget for all orgs, a move takes 8 ms and a sort 13 ms.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from zbtui.presentation.filter import FILTER_FIELDS
from zbtui.tui.bindings import bindings_of
from zbtui.tui.messages import OrgsShown
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.styled_scroll_view import StyledScrollView
from zbtui.tui.widgets.styled_line import StyledLine, fit

COLUMN_GAP: Final = 1
"""The number of cells between two columns."""


class ViewItem(NamedTuple):
    """One item of a view: a panel or a line. A tuple, because one key press can create thousands."""

    key: Hashable
    """A value that identifies the item; unique within the view."""
    org: str | None
    """The name of the org that the item shows; None for a heading, which the cursor skips."""


@lru_cache(maxsize=1 << 16)
def org_item(name: str) -> ViewItem:
    """Return the item of the org called `name`, for views with one item for each org."""
    return ViewItem(name, name)


class OrgListView(StyledScrollView):
    """Shows items in one or several columns, with a cursor on one of the items."""

    # A change reaches the terminal in four steps, in this order:
    #
    # 1. rebuild: have the view make its items, and find the selected item among them. This comes first,
    #    because all later steps address items by index.
    # 2. layout: compute columns and line count, and drop all rendered items, because an index may now
    #    mean another item, of another width. Layout needs the number of items from 1.
    # 3. render: draw the items in sight, and cache their lines. The cache is what the screen shows.
    # 4. repaint: render again, compare with the cache, and refresh only the lines that differ.
    #
    # New orgs, another order or another filter begin at 1, another size at 2. A tick, a new snapshot or a
    # move of the cursor changes neither items nor layout, so it needs only 4 and is cheap.

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("tiles")

    item_height: ClassVar[int] = 1
    """The number of lines of each item."""
    opens_at_top: ClassVar[bool] = False
    """Whether the view opens scrolled to the top, wherever the cursor is."""
    fixed_order: ClassVar[str] = ""
    """The view's own order in words, for the status line; empty if the user's sort order applies."""
    highlights_selected: ClassVar[bool] = True
    """Whether the selected item gets its own background; if not, `render_item` marks the item."""

    class Opened(Message):
        """Posted when an item was double-clicked."""

    def __init__(self, org_list: OrgList) -> None:
        super().__init__()
        self.org_list = org_list
        self._items: list[ViewItem] = []
        self._selected_index: int | None = None
        """The index of the item under the cursor; None if no item shows an org."""
        self._rendered_items: dict[int, tuple[tuple[StyledLine, ...], bool]] = {}
        """What the screen shows, by item index: the item's lines, and whether these show it selected."""
        self._layout_size = (0, 0)
        """The line width in cells and the screen height in lines for which the last layout was made."""
        self._scrolled_height = 0
        """The widget height in lines for which the selected item was last scrolled into sight."""
        self._stays_at_top = False
        """Whether the view has opened at the top and the cursor has not moved since."""
        self._columns = 1
        self._item_width = 0
        self._has_painted = False

    # What a subclass defines

    def make_items(self) -> Sequence[ViewItem]:
        """Return all items of the view from top to bottom; by default one for each org."""
        return [org_item(name) for name in self.org_list.order]

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        """Return the item as `item_height` lines, each exactly `width` cells wide."""
        raise NotImplementedError

    def render_header(self, width: int) -> tuple[StyledLine, ...]:
        """Return the view's header as `header_height` lines; by default there is no header."""
        return ()

    def column_layout(self, width: int) -> tuple[int, int]:
        """Return the number of columns, and the width of each, for a view that is `width` cells wide."""
        return 1, width

    def header_clicked(self, x: int) -> None:
        """Handle a click on the header at cell `x`, counted from the left edge; by default do nothing."""

    # Queries

    @property
    def selected_org(self) -> str | None:
        """The name of the org that the selected item shows, or None if no item is selected."""
        return None if self._selected_index is None else self._items[self._selected_index].org

    def visible_orgs(self) -> list[str]:
        """Return the names of the orgs in sight, without duplicates."""
        orgs = (self._items[index].org for index in self._visible_range())
        return list(dict.fromkeys(org for org in orgs if org is not None))

    # Changes from outside, and step 1: rebuild

    def keys_changed(self) -> None:
        """Redraw the view after the keys in the config have changed."""
        self.redraw_all()

    def show_from(self, org: str | None) -> None:
        """Prepare this view for being shown, with the cursor on the org called `org`, if any."""
        self.rebuild()
        if org is not None:
            self.select(org)
        self._stays_at_top = self.opens_at_top
        self._scroll_to_selected()

    def rebuild(self) -> None:
        """Make all items again; the selected item stays selected if it still exists."""
        # 1. Keep the selected item itself, because its index may now mean another item.
        before = None if self._selected_index is None else self._items[self._selected_index]
        self._items = list(self.make_items())
        index_before, self._selected_index = self._selected_index, self._find_selection(before)
        # 2. Layout; it also has Textual render all lines again (3).
        self._lay_out()
        # Scrolling comes last: it needs the new line count.
        if self.org_list.is_user_active and (
            self._selected_index != index_before or self._selected_index is None
        ):
            self._scroll_to_selected()

    def repaint(self, orgs: Iterable[str]) -> None:
        """Render the items of the orgs with these names again, and repaint the lines that have changed."""
        wanted = set(orgs)
        self._repaint_items(index for index in self._visible_range() if self._items[index].org in wanted)

    def tick(self) -> None:
        """Repaint the countdowns and ages in the items in sight; called once a second."""
        self._repaint_items(self._visible_range())

    def reset_to_top(self) -> None:
        """Select the first item and scroll to the top; called when the idle timer expires."""
        self._selected_index = self._next_selectable(0, 1)
        self.redraw_all()
        self.scroll_home(animate=False, force=True)

    def select(self, org: str) -> None:
        """Select the first item of the org called `org`, if there is such an item."""
        found = next((index for index, item in enumerate(self._items) if item.org == org), None)
        if found is not None:
            self.select_index(found)

    def select_index(self, index: int) -> None:
        """Select the item at `index`; this also makes the orgs keep their order for a while."""
        before, self._selected_index = self._selected_index, index
        self._stays_at_top = False
        self.org_list.restart_idle_timer()
        self._repaint_items(changed for changed in (before, index) if changed is not None)
        self._scroll_to_selected()

    def _find_selection(self, before: ViewItem | None) -> int | None:
        """Return the index of the item to select after a rebuild; `before` was selected before.

        It is the index of the same item, else of the same org's first item, else of the nearest item; if
        the user is not active, it is the index of the first item with an org.
        """
        if before is None or not self.org_list.is_user_active:
            return self._next_selectable(0, 1)
        same_org = None
        for index, item in enumerate(self._items):
            if item.key == before.key:
                return index
            if same_org is None and item.org == before.org:
                same_org = index
        if same_org is not None:
            return same_org
        near = min(self._selected_index or 0, len(self._items) - 1)
        back = self._next_selectable(near, -1)
        return self._next_selectable(near, 1) if back is None else back

    def _next_selectable(self, index: int, step: int) -> int | None:
        """Return the first index from `index` on, in steps of `step`, whose item shows an org, or None."""
        while 0 <= index < len(self._items):
            if self._items[index].org is not None:
                return index
            index += step
        return None

    # Step 2: layout

    def render_lines(self, crop: Region) -> list[Strip]:
        self._lay_out_if_resized()  # Textual may paint this widget before its resize event
        return super().render_lines(crop)

    def on_resize(self) -> None:
        self._lay_out_if_resized()
        if self.org_list.is_user_active:
            self.call_after_refresh(self._scroll_to_selected)

    def _lay_out_if_resized(self) -> None:
        """Lay out again if the size has changed; if the height has, keep the selected item in sight."""
        if self.line_width and self._layout_size != (self.line_width, self.screen.size.height):
            self._lay_out()
        if self.size.height not in (0, self._scrolled_height):
            self._scrolled_height = self.size.height
            if self.org_list.is_user_active:
                self.scroll_without_repaint(self._scroll_for_selection())

    def _lay_out(self) -> None:
        # A hidden view has no width; it will most likely be shown with its last width.
        width = self.line_width or self._layout_size[0]
        self._layout_size = width, self.screen.size.height
        self._columns, self._item_width = self.column_layout(width)
        rows = -(-len(self._items) // self._columns)
        self.set_line_count(rows * self.item_height)
        # The cached lines have the old width, and an index may now mean another item.
        self.redraw_all()

    def redraw_all(self) -> None:
        self._rendered_items.clear()
        super().redraw_all()

    def _visible_range(self) -> range:
        """Return the indices of the items in sight."""
        top, room = self.scroll_offset.y, self.visible_line_count
        first = top // self.item_height * self._columns
        last = -(-(top + room) // self.item_height) * self._columns
        return range(min(first, len(self._items)), min(last, len(self._items)))

    def _scroll_to_selected(self) -> None:
        if not self.size.height:  # a hidden view is scrolled by `show_from`
            return
        y = self._scroll_for_selection()
        if y != self.scroll_offset.y:
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def _scroll_for_selection(self) -> int:
        """Return the nearest scroll offset in lines that shows the selected item and any headings above."""
        if self._stays_at_top:
            return 0
        if self._selected_index is None:
            return self.scroll_offset.y
        top = bottom = self._selected_index
        while top > 0 and self._items[top - 1].org is None:
            top -= 1
        first, last = top // self._columns, bottom // self._columns
        room, y = self.visible_line_count, self.scroll_offset.y
        y = max(y, (last + 1) * self.item_height - room)
        return min(y, (last if room < (last + 1 - first) * self.item_height else first) * self.item_height)

    # Step 3: render

    def _render_and_cache(self, index: int) -> tuple[tuple[StyledLine, ...], bool]:
        selected = index == self._selected_index
        rendered = self.render_item(self._items[index], self._item_width, selected=selected), selected
        self._rendered_items[index] = rendered
        return rendered

    # Step 4: repaint

    def _repaint_items(self, indices: Iterable[int]) -> None:
        """Render the items at `indices` again; repaint those of their lines that differ from the screen."""
        # 4a. Render each item again, and note how far to the right each line differs.
        ends: dict[int, int] = {}
        visible = self._visible_range()
        for index in indices:
            if index not in visible:
                continue
            before = self._rendered_items.get(index) or (((),) * self.item_height, False)
            after, selected = self._render_and_cache(index)
            row, column = divmod(index, self._columns)
            right = column * (self._item_width + COLUMN_GAP) + self._item_width
            top = self.header_height + row * self.item_height - self.scroll_offset.y
            # The lines do not contain the highlight, so it is compared separately.
            highlight_changed = self.highlights_selected and before[1] != selected
            for y, old, new in zip(range(top, top + self.item_height), before[0], after, strict=True):
                if (old != new or highlight_changed) and y >= self.header_height:
                    ends[y] = max(right, ends.get(y, 0))
        # 4b. One region for each line, from its beginning: Textual writes from there in any case.
        if ends:
            self.refresh(*(Region(0, y, right, 1) for y, right in ends.items()))

    # Step 3, called by Textual for each line of a refreshed region

    def render_line(self, y: int) -> Strip:
        if not self._has_painted:
            self._has_painted = True
            self.app.post_message(OrgsShown())
        return self.strip_of(y, self._line_pieces(y))

    def _line_pieces(self, y: int) -> list[tuple[str, Style]]:
        if y < self.header_height:
            return self._join_columns([(self.render_header(self._item_width)[y], False)])
        if not self._items:
            return self._render_empty(y - self.header_height)
        row, line = divmod(y - self.header_height + self.scroll_offset.y, self.item_height)
        first = row * self._columns
        rendered = []
        for index in range(first, min(first + self._columns, len(self._items))):
            # Step 4 has cached the items that it repaints: none is rendered twice.
            lines, selected = self._rendered_items.get(index) or self._render_and_cache(index)
            rendered.append((lines[line], selected and self.highlights_selected))
        return self._join_columns(rendered)

    def _render_empty(self, line: int) -> list[tuple[str, Style]]:
        """Return a line of the text that is shown if no org matches the filter; `line` counts from 0."""
        fields = " ".join(f"{field}:" for field in FILTER_FIELDS)
        texts = ("", " No org matches the filter.", f" Its fields are {fields}")
        text = texts[line] if self.org_list.filter_text and line < len(texts) else ""
        return [(fit(text, self.line_width), self.style_of("muted"))]

    def _join_columns(self, rendered: Sequence[tuple[StyledLine, bool]]) -> list[tuple[str, Style]]:
        """Join items side by side to one line that reaches up to the scroll bar.

        `rendered` holds, for each item, one of the item's lines, and whether the item is highlighted.
        """
        blank = self.style_of("text")
        pieces: list[tuple[str, Style]] = []
        for line, selected in rendered:
            if pieces:
                pieces.append((" " * COLUMN_GAP, blank))
            pieces += [(text, self.style_of(role, selected=selected)) for text, role in line]
        width = len(rendered) * (self._item_width + COLUMN_GAP) - COLUMN_GAP if rendered else 0
        pieces.append((" " * (self.line_width - width), blank))
        return pieces

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # Items out of sight are not repainted, so their cached lines would be outdated on return.
        visible = self._visible_range()
        self._rendered_items = {
            index: lines for index, lines in self._rendered_items.items() if index in visible
        }

    # Keys and mouse

    def action_move(self, columns: int, rows: int) -> None:
        if self._selected_index is None:
            return
        step = columns + rows * self._columns
        if self._selected_index not in (visible := self._visible_range()):
            # The mouse has scrolled the cursor out of sight: select an item in sight.
            self._select_next(visible.start, 1)
            return
        index = self._selected_index + step
        if rows > 0 and index >= len(self._items):
            # The last row may have no item in the column of the cursor: select its last item.
            last = len(self._items) - 1
            index = last if index // self._columns <= last // self._columns else index
        self._select_next(index, 1 if step > 0 else -1)

    def action_move_to(self, index: int) -> None:
        if self._items:
            self._select_next(index % len(self._items), -1 if index < 0 else 1)

    def _select_next(self, index: int, step: int) -> bool:
        """Select the first item that shows an org, from `index` on. Return False if there is none."""
        target = self._next_selectable(index, step)
        if target is not None:
            self.select_index(target)
        return target is not None

    def action_page(self, direction: int) -> None:
        if self._selected_index is None:
            return
        rows = max(self.visible_line_count // self.item_height, 1)
        index = min(max(self._selected_index + direction * rows * self._columns, 0), len(self._items) - 1)
        if not self._select_next(index, direction):
            self._select_next(index, -direction)

    def on_click(self, event: events.Click) -> None:
        if event.x >= self.line_width:  # the scroll bar
            return
        if event.y < self.header_height:
            self.header_clicked(event.x)
            return
        row = (event.y - self.header_height + self.scroll_offset.y) // self.item_height
        index = row * self._columns + min(event.x // (self._item_width + COLUMN_GAP), self._columns - 1)
        if index < len(self._items) and self._items[index].org is not None:
            self.select_index(index)
            if event.chain == 2:
                self.post_message(self.Opened())

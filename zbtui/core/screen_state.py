"""How somebody left the screen: taken up again after a restart, and believed no more than it deserves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from zbtui.core.ordering import Sort
from zbtui.core.text import LONGEST, clean

View = Literal["panels", "table", "agenda", "events"]
VIEWS: Final[tuple[View, ...]] = get_args(View)
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)


@dataclass(frozen=True, slots=True)
class ScreenState:
    """What the screen takes up again."""

    view: View = "panels"
    sort: Sort = "worst"
    reverse: bool = False
    find: str = ""
    """The filter, as it was typed; empty: all orgs are shown."""
    theme: str | None = None
    """By name; whether there is such a theme is for the screen to say. None: the usual one."""

    def as_dict(self) -> dict[str, Any]:
        """By name, as `read_state` reads it."""
        return asdict(self)


USUAL: Final = ScreenState()


def read_state(body: object) -> ScreenState:
    """What `as_dict` made, or something like it: each value that makes no sense is the usual one."""
    if not isinstance(body, dict):
        return USUAL
    find, theme = body.get("find"), body.get("theme")
    return ScreenState(
        view=_one_of(VIEWS, body.get("view"), USUAL.view),
        sort=_one_of(SORTS, body.get("sort"), USUAL.sort),
        reverse=body.get("reverse") is True,
        # Half of a filter would be another one, which hides other orgs.
        find=clean(find) if isinstance(find, str) and len(find) <= LONGEST else USUAL.find,
        theme=(clean(theme) or None) if isinstance(theme, str) else USUAL.theme,
    )


def _one_of(known: tuple[Any, ...], value: object, usual: Any) -> Any:
    return value if isinstance(value, str) and value in known else usual

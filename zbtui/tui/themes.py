"""zbtui's own dark and light theme, and values of zbtui's color variables for all other Textual themes.

The colors of the states (ok, running, warning …) differ in lightness as well as in hue, so that color-blind
users can distinguish them. All text is readable on the background and on the selected row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from textual.app import App, ReturnType
from textual.color import Color
from textual.reactive import Reactive
from textual.theme import BUILTIN_THEMES, Theme

DARK: Final = "zbtui-dark"
LIGHT: Final = "zbtui-light"
MIN_TEXT_CONTRAST: Final = 4.5
"""The minimum contrast ratio of text and its background (WCAG 2.2, criterion 1.4.3)."""
MIN_GRAPHIC_CONTRAST: Final = 3.0
"""The minimum contrast ratio of graphics with a meaning: frames and marks (WCAG 2.2, criterion 1.4.11)."""
_SELECTED_TINT: Final = 0.2
"""The share (0 to 1) of the primary color in a selected row's background, in themes other than zbtui's."""
_BLEND_STEPS: Final = 20

_ACCENTS: Final = {
    "accent-mark-blue": ("#5b9cf5", "#1f66d0"),
    "accent-mark-cyan": ("#35c9d6", "#0f8797"),
    "accent-mark-green": ("#57c26d", "#2c8a3c"),
    "accent-mark-yellow": ("#ecd14e", "#9a7b00"),
    "accent-mark-orange": ("#f0964a", "#c2590c"),
    "accent-mark-red": ("#ef5d5d", "#c62828"),
    "accent-mark-magenta": ("#ea79c4", "#b8288c"),
    "accent-mark-violet": ("#a585f2", "#7044c8"),
}
"""The color of each accent mark (the colored mark of an org): on dark and on light background."""
_COLORS: Final = {
    "background": ("#12161b", "#fcfbf8"),
    "surface": ("#181d24", "#f3f2ee"),
    "panel": ("#1c232c", "#ebeae5"),
    "selected-row": ("#243040", "#e4eaf1"),
    "warning-muted": ("#3a3416", "#f5edc8"),
    "error-muted": ("#3d1f16", "#f7dfda"),
    "success-muted": ("#1d3324", "#dcecdf"),
    "list-text": ("#cfd5dd", "#2b3138"),
    "list-muted": ("#a0a5ad", "#5d636b"),
    "list-heading": ("#a9b8cc", "#3f4f66"),
    "list-frame": ("#6f7a88", "#7c848e"),
    "list-cursor": ("#8fb4ff", "#0b4ea8"),
    "state-ok": ("#9be1af", "#015e3f"),
    "state-running": ("#7696f5", "#1260da"),
    "state-warning": ("#f5df45", "#7d6602"),
    "state-unknown": ("#f0f3fa", "#171b1d"),
    "state-critical": ("#f0754a", "#740804"),
    "state-stale": ("#a0a2a8", "#62656c"),
    **_ACCENTS,
}
"""Colors of zbtui's variables and of a few of Textual's: in zbtui's dark theme and in its light theme."""


def _theme(name: str, *, dark: bool) -> Theme:
    colors = {key: on_dark if dark else on_light for key, (on_dark, on_light) in _COLORS.items()}
    state = {key.removeprefix("state-"): value for key, value in colors.items() if key.startswith("state-")}
    return Theme(
        name,
        primary=state["running"],
        secondary=colors["list-heading"],
        warning=state["warning"],
        error=state["critical"],
        success=state["ok"],
        accent=colors["list-cursor"],
        foreground=colors["list-text"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        dark=dark,
        variables={
            **colors,
            # Textual blends these colors with the text color, which makes states hard to distinguish.
            "text-success": state["ok"],
            "text-primary": state["running"],
            "text-warning": state["warning"],
            "text-error": state["critical"],
            "text-accent": colors["list-cursor"],
            "text-secondary": colors["list-heading"],
            "text-muted": colors["list-muted"],
            "foreground-muted": colors["list-muted"],
            "primary-muted": colors["selected-row"],
            "block-cursor-foreground": colors["background"],
            "block-cursor-background": colors["list-cursor"],
            "border": colors["list-cursor"],
            "border-blurred": colors["list-frame"],
            "button-color-foreground": colors["background"],
            "footer-key-foreground": colors["list-cursor"],
            "scrollbar": colors["list-frame"],
            "scrollbar-background": colors["background"],
        },
    )


ZBTUI_THEMES: Final = (_theme(DARK, dark=True), _theme(LIGHT, dark=False))

_ANSI: Final = {
    # Sixteen colors have no shades, so muted colors equal the text color.
    **{f"{name}-muted": "ansi_default" for name in ("primary", "secondary", "warning", "error", "success")},
    **dict.fromkeys(("accent-muted", "list-text", "list-muted", "list-frame"), "ansi_default"),
    **dict.fromkeys(("state-unknown", "state-stale"), "ansi_default"),
    "selected-row": "ansi_default",  # shown in reverse video instead
    "state-ok": "ansi_green",
    "state-critical": "ansi_red",
    "accent-mark-blue": "ansi_blue",
    "accent-mark-cyan": "ansi_cyan",
    "accent-mark-green": "ansi_green",
    "accent-mark-yellow": "ansi_yellow",
    "accent-mark-orange": "ansi_bright_red",
    "accent-mark-red": "ansi_red",
    "accent-mark-magenta": "ansi_magenta",
    "accent-mark-violet": "ansi_bright_magenta",
}
"""zbtui's color variables in Textual's ANSI themes, which use only the terminal's sixteen colors."""
# Blue on black and yellow on white are hard to read in most terminals.
_ANSI_ON_DARK: Final = _ANSI | {
    "list-heading": "ansi_cyan",
    "list-cursor": "ansi_bright_cyan",
    "state-running": "ansi_cyan",
    "state-warning": "ansi_yellow",
}
_ANSI_ON_LIGHT: Final = _ANSI | {
    "list-heading": "ansi_blue",
    "list-cursor": "ansi_blue",
    "state-running": "ansi_blue",
    "state-warning": "ansi_magenta",
}
_ANSI_THEMES: Final = [
    replace(theme, variables=theme.variables | (_ANSI_ON_DARK if theme.dark else _ANSI_ON_LIGHT))
    for theme in BUILTIN_THEMES.values()
    if theme.ansi
]
_THEMES_WITH_VARIABLES: Final = {theme.name: theme for theme in (*ZBTUI_THEMES, *_ANSI_THEMES)}
"""The themes that define zbtui's color variables themselves, by theme name."""


class ThemedApp(App[ReturnType]):
    """An app with zbtui's and Textual's themes, all of which define zbtui's color variables."""

    theme: Reactive[str] = Reactive(DARK)

    @property
    def available_themes(self) -> dict[str, Theme]:
        return super().available_themes | _THEMES_WITH_VARIABLES

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme = self.current_theme
        return {} if theme.name in _THEMES_WITH_VARIABLES else derived_variables(theme)

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        if self.no_color:
            # Without colors, `state-critical` would become a gray that stands out less than `state-ok`.
            variables["state-critical"] = variables["list-text"]
        return variables

    @property
    def default_theme(self) -> str:
        """The name of the theme that suits the terminal, used unless the user chooses another theme."""
        return "ansi-dark" if self.console.color_system == "standard" else DARK

    @property
    def chosen_theme(self) -> str | None:
        """The current theme's name, or None if it is the default theme, which depends on the terminal."""
        return None if self.theme == self.default_theme else self.theme

    def apply_theme(self, name: str | None) -> None:
        """Switch to the theme called `name`, or to the default theme if `name` is None or unknown."""
        self.theme = name if name and name in self.available_themes else self.default_theme


def derived_variables(theme: Theme) -> dict[str, str]:
    """Return zbtui's color variables, as hex codes by name, for a theme that does not define them.

    They are the theme's own colors, changed where they would be hard to read.
    """
    generated = theme.to_color_system().generate()
    names = "background", "primary", "foreground"
    background, primary, foreground = (Color.parse(generated[name]) for name in names)
    grounds = (background, background.blend(primary, _SELECTED_TINT))
    texts = {
        "list-text": foreground,
        "list-muted": foreground.blend(background, 0.35),
        "list-heading": primary,
        "list-cursor": primary,
        "state-ok": Color.parse(generated["success"]),
        "state-running": primary,
        "state-warning": Color.parse(generated["warning"]),
        "state-unknown": foreground,
        "state-critical": Color.parse(generated["error"]),
        "state-stale": foreground.blend(background, 0.35),
    }
    marks = {"list-frame": foreground.blend(background, 0.5)}
    marks |= {name: Color.parse(values[0 if theme.dark else 1]) for name, values in _ACCENTS.items()}
    colors = {"selected-row": grounds[1]}
    colors |= {name: ensure_contrast(color, grounds, MIN_TEXT_CONTRAST) for name, color in texts.items()}
    colors |= {name: ensure_contrast(color, grounds, MIN_GRAPHIC_CONTRAST) for name, color in marks.items()}
    return {name: color.hex for name, color in colors.items()}


def ensure_contrast(color: Color, grounds: Iterable[Color], least: float) -> Color:
    """Blend `color` with black or white until its contrast ratio on each background is at least `least`.

    `grounds` are the backgrounds. If no blend is enough, the result is pure black or white.
    """
    grounds = tuple(grounds)
    ends = [Color(0, 0, 0), Color(255, 255, 255)]
    end = max(ends, key=lambda extreme: min(contrast_ratio(extreme, ground) for ground in grounds))
    for step in range(_BLEND_STEPS):
        nearer = color.blend(end, step / _BLEND_STEPS)
        if all(contrast_ratio(nearer, ground) >= least for ground in grounds):
            return nearer
    return end


def contrast_ratio(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colors by WCAG 2.2: from 1 (same color) to 21 (black on white)."""
    dim, bright = sorted(_luminance(color) for color in (one, other))
    return (bright + 0.05) / (dim + 0.05)


def _luminance(color: Color) -> float:
    parts = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

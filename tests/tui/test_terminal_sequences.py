"""The sequences sent to the terminal besides the screen."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.health.alert_settings import DesktopNotification
from zbtui.model.text import clean
from zbtui.tui.terminal_sequences import notification_sequence, title_sequence

texts = st.text(max_size=80).map(clean)


def test_a_title_is_set_for_the_window() -> None:
    assert title_sequence("(2) zbtui") == "\x1b]2;(2) zbtui\x07"


def test_a_notice_by_osc_9_is_one_text() -> None:
    assert (
        notification_sequence("osc9", "acme: failed", "why", tmux=False) == "\x1b]9;acme: failed: why\x07"
    )


def test_a_notice_by_osc_777_has_a_title_and_a_text() -> None:
    said = notification_sequence("osc777", "acme; a: failed", "why; because", tmux=False)
    assert said == "\x1b]777;notify;acme, a: failed;why, because\x07"


@pytest.mark.parametrize("desktop", get_args(DesktopNotification))
def test_tmux_hands_a_notice_on(desktop: DesktopNotification) -> None:
    said = notification_sequence(desktop, "acme: failed", "why", tmux=True)
    plain = notification_sequence(desktop, "acme: failed", "why", tmux=False)
    assert said.startswith("\x1bPtmux;\x1b\x1b]")
    assert said.endswith("\x07\x1b\\")
    assert said.removeprefix("\x1bPtmux;").removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b") == plain


@reproducible
@given(st.sampled_from(get_args(DesktopNotification)), texts, texts)
def test_no_clean_text_ends_its_sequence_early(desktop: DesktopNotification, title: str, text: str) -> None:
    for said in (title_sequence(title), notification_sequence(desktop, title, text, tmux=False)):
        assert said.count("\x07") == 1
        assert said.count("\x1b") == 1
        assert said.endswith("\x07")

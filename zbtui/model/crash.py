"""Describes a crash by its place and exception class only: messages and variables may hold secrets."""

from __future__ import annotations

import traceback

from zbtui.model.problem import Problem


def describe_crash(error: BaseException) -> str:
    """Return the traceback of `error`, innermost frame last, and the class of `error`.

    The message of `error` is left out, as it may hold a header or an answer's body.
    """
    frames = [
        f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    head = "zbtui stopped on a bug of its own. Please report these lines:"
    return "\n".join([head, *frames, f"  {name}"])


def bug_problem(error: Exception) -> Problem:
    """Return the problem to show for a bug in zbtui that stops only one org or one form."""
    return Problem(
        "contract",
        f"zbtui tripped over this answer ({type(error).__name__}).",
        "That is a bug in zbtui: please report it, with the answer of Zoho's if you can.",
    )

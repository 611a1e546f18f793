"""What may be told of a crash: where, and of which kind; never a message, never a local variable."""

from __future__ import annotations

import traceback


def describe(error: BaseException) -> str:
    """The places that led to `error`, innermost last, and its class.

    An exception's own text may hold a header or an answer's body, so it is left out.
    """
    frames = [
        f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return "\n".join(
        ["zbtui stopped on a bug of its own. Please report these lines:", *frames, f"  {name}"]
    )

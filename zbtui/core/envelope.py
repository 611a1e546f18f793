"""What all answers of Zoho's API hosts have in common ("Status codes")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zbtui.core.explain import bad_answer, explain_api, explain_status
from zbtui.core.text import clean
from zbtui.core.trouble import TroubleError


def open_answer(status: int, body: bytes, subject: str, data_center: str) -> Mapping[str, Any]:
    """The JSON object of a good answer, with its `subject` in it; empty for a 204, no body, and `{}`.

    Args:
        status: the HTTP status.
        body: the decoded body, empty for a 204.
        data_center: the org's, for sentences that name it.

    Raises:
        TroubleError: an error of Zoho's, or an answer about something else.
    """
    if status == 204 or (status == 200 and not body.strip()):
        return {}
    answer = load_answer(status, body, data_center)
    refused = error_in(answer, subject)
    if refused or status != 200:
        raise TroubleError(explain_api(status, refused or {}, data_center))
    if answer and subject not in answer:
        raise TroubleError(bad_answer(f"has no {subject} in it"))
    return answer


def load_answer(status: int, body: bytes, data_center: str) -> Mapping[str, Any]:
    """The JSON object of an answer.

    Raises:
        TroubleError: it is none; told by its status, then by what it looks like.
    """
    try:
        # Ids are larger than a float holds: numbers stay the text that they came as.
        answer = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise TroubleError(explain_status(status, body, data_center)) from None
    if not isinstance(answer, Mapping):
        raise TroubleError(explain_status(status, body, data_center))
    return answer


def error_in(answer: Mapping[str, Any], subject: str) -> Mapping[str, Any] | None:
    """The error envelope, at top level or, as some calls nest it, inside their `subject`."""
    for place in (answer, answer.get(subject)):
        if isinstance(place, Mapping) and isinstance(place.get("code"), str):
            return place
    return None


def text_of(source: Mapping[str, Any], key: str) -> str | None:
    """A text of the answer, cleaned; None: absent, null or empty.

    Raises:
        TroubleError: it is no text.
    """
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise TroubleError(bad_answer(f"has the key {key} without a text"))
    return clean(value) or None

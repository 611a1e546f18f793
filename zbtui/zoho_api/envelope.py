"""Reads what all answers of Zoho's API hosts have in common ("Status codes")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zbtui.model.problem import ProblemError
from zbtui.model.text import clean
from zbtui.zoho_api.errors import api_problem, contract_problem, status_problem


def unwrap_response(status: int, body: bytes, key: str, data_center: str) -> Mapping[str, Any]:
    """Return the JSON object of a good answer, which contains `key`.

    The object is empty for HTTP 204, for an answer without a body, and for `{}`. Raises a `ProblemError`
    for an error from Zoho, and for another object that lacks `key`.
    """
    if status == 204 or (status == 200 and not body.strip()):
        return {}
    answer = parse_response_object(status, body, data_center)
    error = find_error(answer, key)
    if error is not None or status != 200:
        raise ProblemError(api_problem(status, error or {}, data_center))
    if answer and key not in answer:
        raise ProblemError(contract_problem(f"has no {key} in it"))
    return answer


def parse_response_object(status: int, body: bytes, data_center: str) -> Mapping[str, Any]:
    """Parse an answer's body, which has to be a JSON object; otherwise raise a `ProblemError`."""
    try:
        # Numbers stay text, as sent: ids are too large for a float.
        answer = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ProblemError(status_problem(status, body, data_center)) from None
    if not isinstance(answer, Mapping):
        raise ProblemError(status_problem(status, body, data_center))
    return answer


def find_error(answer: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """Return the error object of an answer, at its top level or, for some calls, under `key`; None if none.

    Other Zoho hosts and gateways send the code under `error`, the error object in a list, or a `status`
    without a code. Such an error is returned in the usual form; its `code` is None if the answer has no
    code.
    """
    for place in (answer, answer.get(key)):
        if isinstance(place, Mapping) and isinstance(place.get("code"), str):
            return place
    for other in (answer.get("error"), answer.get("errors"), answer.get("data")):
        first = other[0] if isinstance(other, list) and other else other
        if isinstance(first, str) and first:
            return {**answer, "code": first}
        if isinstance(first, Mapping) and isinstance(first.get("code"), str):
            return first
    return {**answer, "code": None} if answer.get("status") in ("error", "failure") else None


def read_text(source: Mapping[str, Any], key: str) -> str | None:
    """Return the text under `key`, cleaned; None if the value is missing, null, empty or not a text."""
    value = source.get(key)
    return (clean(value) or None) if isinstance(value, str) else None


def read_raw_text(source: Mapping[str, Any], key: str) -> str | None:
    """Return the text under `key` like `read_text`, but the JSON of a value that is not a text.

    This is for keys that decide a verdict.
    """
    value = source.get(key)
    if value is None or isinstance(value, str):
        return read_text(source, key)
    return clean(json.dumps(value), 80)

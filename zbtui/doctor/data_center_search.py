"""Searches for the data center that knows an org's sign-in credentials; only if the user asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Final

from zbtui.clock import Clock
from zbtui.doctor.diagnosis import WRONG_DATA_CENTER_CODES, DataCenterSearch, no_sign_in_problem
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.store.credentials import CredentialStore
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho_api.data_centers import DATA_CENTERS, data_center_of

PAUSE_SECONDS: Final = 1.0
"""The pause between the requests to two data centers, in seconds."""


async def find_data_center(
    org: Org, credentials: CredentialStore, tokens: TokenBroker, clock: Clock
) -> DataCenterSearch:
    """Ask the accounts host of each other data center for a token, until one grants it.

    The token is discarded, as the org is still set to another data center. Not to be called for an org with
    custom URLs, whose secret is only for its own host. Raises a `ProblemError` if the org has no sign-in
    credentials.
    """
    sign_in = await credentials.read_sign_in(org)
    if sign_in is None:
        raise ProblemError(no_sign_in_problem(org))
    error_codes: dict[str, str | None] = {}
    for dc in DATA_CENTERS.values():
        if dc == data_center_of(org):
            continue
        if error_codes:
            await clock.wait(asyncio.Event(), PAUSE_SECONDS)
        try:
            async with credentials.refresh_lock(org):
                await tokens.request_access_token(org, sign_in, dc)
            return DataCenterSearch(dc.key)
        except ProblemError as error:
            error_codes[dc.key] = error.problem.code

    def data_centers_with(codes: Container[str | None]) -> tuple[str, ...]:
        return tuple(key for key, code in error_codes.items() if code in codes)

    clear_refusals = data_centers_with(WRONG_DATA_CENTER_CODES)
    return DataCenterSearch(
        None,
        same_client_at=data_centers_with({"invalid_code"}),
        other_secret_at=data_centers_with({"invalid_client_secret"}),
        unclear_at=tuple(key for key in error_codes if key not in clear_refusals),
    )

"""Which data center knows an org's sign-in, where the one that is set does not: asked on request only."""

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
"""Between two hosts."""


async def find_data_center(
    org: Org, credentials: CredentialStore, tokens: TokenBroker, clock: Clock
) -> DataCenterSearch:
    """Ask the accounts host of each other data center of the table once, up to the first that says yes.

    What a token answer gives is thrown away: the org is still set to another data center.

    Args:
        org: none with custom URLs, whose secret is for its own host alone.

    Raises:
        TroubleError: the keyring does not give a sign-in out.
    """
    sign_in = await credentials.read_sign_in(org.name)
    if sign_in is None:
        raise ProblemError(no_sign_in_problem(org))
    said: dict[str, str | None] = {}
    for dc in DATA_CENTERS.values():
        if dc == data_center_of(org):
            continue
        if said:
            await clock.wait(asyncio.Event(), PAUSE_SECONDS)
        try:
            async with credentials.refresh_lock(org.name):
                await tokens.request_access_token(org, sign_in, dc)
            return DataCenterSearch(dc.key)
        except ProblemError as error:
            said[dc.key] = error.problem.code

    def who(words: Container[str | None]) -> tuple[str, ...]:
        return tuple(key for key, word in said.items() if word in words)

    clear = who(WRONG_DATA_CENTER_CODES)
    return DataCenterSearch(
        None,
        same_client_at=who({"invalid_code"}),
        other_secret_at=who({"invalid_client_secret"}),
        unclear_at=tuple(key for key in said if key not in clear),
    )

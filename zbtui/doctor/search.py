"""Which data center knows an org's sign-in, where the one that is set does not: asked on request only."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Final

from zbtui.clock import Clock
from zbtui.core.data_centers import DATA_CENTERS, data_center_of
from zbtui.core.org import Org
from zbtui.core.trouble import TroubleError
from zbtui.doctor.judging import REFUSALS, Elsewhere, no_sign_in
from zbtui.store.memory import Credentials
from zbtui.tokens import TokenDesk

PAUSE_SECONDS: Final = 1.0
"""Between two hosts."""


async def find_data_center(
    org: Org, credentials: Credentials, tokens: TokenDesk, clock: Clock
) -> Elsewhere:
    """Ask the accounts host of each other data center of the table once, up to the first that says yes.

    What a token answer gives is thrown away: the org is still set to another data center.

    Args:
        org: none with custom URLs, whose secret is for its own host alone.

    Raises:
        TroubleError: the keyring does not give a sign-in out.
    """
    sign_in = await credentials.read_sign_in(org.name)
    if sign_in is None:
        raise TroubleError(no_sign_in(org))
    said: dict[str, str | None] = {}
    for dc in DATA_CENTERS.values():
        if dc == data_center_of(org):
            continue
        if said:
            await clock.wait(asyncio.Event(), PAUSE_SECONDS)
        try:
            async with credentials.refreshing(org.name):
                await tokens.request(org, sign_in, dc)
            return Elsewhere(dc.key)
        except TroubleError as error:
            said[dc.key] = error.trouble.code

    def who(words: Container[str | None]) -> tuple[str, ...]:
        return tuple(key for key, word in said.items() if word in words)

    clear = who(REFUSALS)
    return Elsewhere(
        None,
        same_secret=who({"invalid_code"}),
        other_secret=who({"invalid_client_secret"}),
        unclear=tuple(key for key in said if key not in clear),
    )

"""The answer of `GET /crm/bulk/v7/backup/urls` ("Get backup URLs"): are the files still there?

The addresses themselves are not kept: zbtui never downloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.core.backup import parse_moment
from zbtui.core.envelope import open_answer, text_of
from zbtui.core.explain import bad_answer
from zbtui.core.trouble import TroubleError

LIFE: Final = timedelta(days=7)
"""No link lives longer after its backup ("Requesting data backup")."""


@dataclass(frozen=True, slots=True)
class Links:
    """The download links of the latest backup. `Links()`: there are none, and Zoho does not say why."""

    data: int = 0
    """How many parts of records there are, a link each."""
    attachments: int = 0
    """How many parts of attachments."""
    expire: datetime | None = None
    """After this moment the files are gone."""

    @property
    def exist(self) -> bool:
        return bool(self.data or self.attachments or self.expire)


def parse_links(status: int, body: bytes, data_center: str) -> Links:
    """One answer of the links call; 204: none, as before the first run, during one, and after expiry.

    Args:
        status: the HTTP status.
        body: the decoded body, empty for a 204.
        data_center: the org's, for sentences that name it.

    Raises:
        TroubleError: an error of Zoho's, or an answer that is not what is documented.
    """
    answer = open_answer(status, body, "urls", data_center)
    urls = answer.get("urls") or {}
    if not isinstance(urls, Mapping):
        raise TroubleError(bad_answer("has links that are no object"))
    return Links(
        _count(urls, "data_links"),
        _count(urls, "attachment_links"),
        parse_moment(text_of(urls, "expiry_date")),
    )


def _count(urls: Mapping[str, Any], key: str) -> int:
    links = urls.get(key) or []
    if not isinstance(links, list):
        raise TroubleError(bad_answer(f"has {key} that are no list"))
    return len(links)

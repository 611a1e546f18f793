"""What the config must know of Zoho's data centers, and of addresses."""

from __future__ import annotations

from typing import Final

from zbtui.store.config import Rules
from zbtui.zoho.datacenter import DATA_CENTERS, check_custom_url, check_webhook_url, is_loopback

CONFIG_RULES: Final = Rules(frozenset(DATA_CENTERS), check_custom_url, check_webhook_url, is_loopback)

"""Whatever an org's life brings, the watcher is never green without a good end, and never cries wolf."""

from __future__ import annotations

from hypothesis import settings

from tests.health.zoho_life import LIFE, ZohoLife

TestZohoLife = ZohoLife.TestCase
TestZohoLife.settings = settings(LIFE, max_examples=300)

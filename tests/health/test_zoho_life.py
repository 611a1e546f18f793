"""Random lives of an org: never ok without a completed backup, never critical without a cause."""

from __future__ import annotations

from hypothesis import settings

from tests.health.zoho_life import LIFE, ZohoLife

TestZohoLife = ZohoLife.TestCase
TestZohoLife.settings = settings(LIFE, max_examples=300)

"""Fixtures for the tests of faults: a search for leaked secrets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.secret_search import SecretSearch
from tests.support.certificates import CertificateAuthority, make_certificate_authority


@pytest.fixture(autouse=True)
def secret_search(
    empty_home: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[SecretSearch]:
    """Assert after the test that no secret was logged (at any level), printed, shown or written."""
    caplog.set_level(logging.DEBUG)
    searched = SecretSearch([empty_home])
    yield searched
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    arguments = [repr(record.args) for record in records]
    assert searched.find_secrets(caplog.text, *arguments, *capfd.readouterr()) == []


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_certificate_authority(tmp_path_factory.mktemp("authority"))

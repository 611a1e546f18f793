"""The search finds a secret wherever one is shown."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.secret_search import PROXY_PASSWORD, SecretSearch
from tests.support.simulator import make_simulator, sign_in_of

NORDLYS = make_simulator().world.all_orgs["nordlys"]
SECRETS = (NORDLYS.client_secret, NORDLYS.refresh_token, "demo-access-1", PROXY_PASSWORD)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_is_shown_printed_or_written_is_found(secret: str) -> None:
    message = f"it is {secret}, as it seems"
    assert SecretSearch([], [message]).find_secrets()
    assert SecretSearch([]).find_secrets(message)
    # Outside pytest's folder, in which the fixture must find no secret.
    with TemporaryDirectory() as folder:
        file = Path(folder, "deep", "file")
        file.parent.mkdir()
        file.write_bytes(b"\xff" + message.encode())
        assert SecretSearch([Path(folder)]).find_secrets()


def test_what_is_no_secret_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"{NORDLYS.name} {sign_in_of(NORDLYS)!r}")
    assert SecretSearch([tmp_path], ["nordlys is in demo-land"]).find_secrets() == []

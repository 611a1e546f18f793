"""Trusted certificates, and the problems with certificates that are not trusted."""

from __future__ import annotations

import errno
import os
import ssl
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.certificates import CertificateAuthority, make_certificate_authority
from tests.support.faulty_server import http_response, run_faulty_server, send_bytes
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho import http as http_module
from zbtui.zoho import trust
from zbtui.zoho.http import HttpClient
from zbtui.zoho.trust import CERTIFICATE_VARIABLES

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system judges")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return make_certificate_authority(tmp_path)


async def call(authority: CertificateAuthority, *names: str, expired: bool = False) -> int:
    """Call a server on `localhost` whose certificate has these names; return the status."""
    tls = authority.server_context(*names, expired=expired)
    async with run_faulty_server(send_bytes(http_response(200)), tls=tls) as server, HttpClient() as http:
        return (await http.send("GET", server.url.replace("127.0.0.1", "localhost"))).status


async def problem_with(authority: CertificateAuthority, *names: str, expired: bool = False) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await call(authority, *names, expired=expired)
    assert caught.value.problem.kind == "network"
    return caught.value.problem


def readable_place(variable: str, authority: CertificateAuthority) -> str:
    return str(authority.certificate_file if variable == "SSL_CERT_FILE" else authority.hashed_folder())


@linux
async def test_an_authority_of_the_systems_is_trusted(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's certificates are found even where OpenSSL's default paths have none."""
    nowhere = SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context: None)
    monkeypatch.setattr(trust, "_BUNDLES", ("/no/such/file", str(authority.certificate_file)))
    assert await call(authority, "localhost") == 200
    monkeypatch.setattr(trust, "_BUNDLES", ())
    assert "not trusted here" in (await problem_with(authority, "localhost")).message


@pytest.mark.parametrize("variable", CERTIFICATE_VARIABLES)
async def test_an_authority_that_the_environment_names_is_trusted(
    variable: str, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        variable, str(authority.hashed_folder() if "DIR" in variable else authority.certificate_file)
    )
    assert await call(authority, "localhost") == 200


async def test_no_session_keys_are_written(
    authority: CertificateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    assert await call(authority, "localhost") == 200
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("names", "expired", "says", "cure"),
    [
        (["localhost"], True, "has expired", "Is this machine's date right?"),
        (["other.test"], False, "for another name", "Wi-Fi sign-in page"),
    ],
)
async def test_each_fault_of_a_certificate_has_its_sentence_and_its_cure(
    names: list[str],
    expired: bool,
    says: str,
    cure: str,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    problem = await problem_with(authority, *names, expired=expired)
    assert says in problem.message
    assert cure in problem.hint


async def test_a_certificate_of_the_future_blames_the_clock(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    early = ssl.SSLCertVerificationError(1, "certificate is not yet valid")
    early.verify_code = 9

    def refuse(*_: object) -> None:
        raise early

    monkeypatch.setattr(ssl.SSLObject, "do_handshake", refuse)
    problem = await problem_with(authority, "localhost")
    assert "not valid yet" in problem.message
    assert "clock" in problem.hint


async def test_an_unknown_issuer_is_reported_with_what_is_trusted(
    authority: CertificateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = await problem_with(authority, "localhost")
    assert "an issuer that is not trusted here" in problem.message
    assert "system's certificates" in problem.hint
    (tmp_path / "other").mkdir()
    other = make_certificate_authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate_file))
    problem = await problem_with(authority, "localhost")
    assert problem.hint.startswith("Only the certificates in SSL_CERT_FILE are trusted")


@pytest.mark.parametrize("variable", CERTIFICATE_VARIABLES)
@pytest.mark.parametrize("path", ["/no/such/place", __file__])
async def test_what_the_environment_names_and_cannot_be_read_is_named(
    variable: str, path: str, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in CERTIFICATE_VARIABLES:  # the variable whose certificates can be read is not blamed
        monkeypatch.setenv(other, path if other == variable else readable_place(other, authority))
    problem = await problem_with(authority, "localhost")
    assert problem.message.startswith(f"The certificates in {variable} cannot be read: ")
    assert variable in problem.hint


async def test_certificates_that_are_never_read_to_their_end_are_given_up(
    authority: CertificateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("SSL_CERT_FILE", str(pipe))
    monkeypatch.setattr(http_module, "_SETUP_SECONDS", 0.05)
    problem = await problem_with(authority, "localhost")
    pipe.open("w").close()  # ends the thread that reads the pipe
    assert "takes too long" in problem.message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "This machine has no file handles left."),
        (OSError(errno.EAGAIN, "no thread"), "This machine starts no more threads."),
        (RuntimeError("can't start new thread"), "This machine starts no more threads."),
    ],
)
async def test_what_this_machine_lacks_is_not_blamed_on_certificates(
    error: Exception, says: str, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> ssl.SSLContext:
        raise error

    monkeypatch.setattr(http_module, "make_tls_context", fail)
    assert (await problem_with(authority, "localhost")).message == says

"""The tests' own certificate authority, and its certificates."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LONG_AGO, _OVER, _FAR_OFF = (datetime(year, 1, 1, tzinfo=UTC) for year in (1990, 1991, 2400))
"""Dates of certificates, so far from today that the day of a test run does not matter."""


@dataclass(frozen=True)
class CertificateAuthority:
    """A certificate authority, trusted by a client that is given `certificate_file`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_file(self) -> Path:
        return self.folder / "authority.pem"

    def hashed_folder(self) -> Path:
        """A folder with only the authority's certificate, under the hashed name that OpenSSL expects."""
        folder = self.folder / "hashed"
        folder.mkdir()
        command = ["openssl", "x509", "-hash", "-noout", "-in", str(self.certificate_file)]
        name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        shutil.copy(self.certificate_file, folder / f"{name}.0")
        return folder

    def server_context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """TLS for a server with these host names."""
        key = ec.generate_private_key(ec.SECP256R1())
        key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        issued = (
            x509.CertificateBuilder()
            .subject_name(_named("a host"))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_LONG_AGO)
            .not_valid_after(_OVER if expired else _FAR_OFF)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
            )
            .add_extension(key_id, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.folder / f"{issued.serial_number:x}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + issued.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def make_certificate_authority(folder: Path) -> CertificateAuthority:
    """A new authority; writes its `certificate_file`."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _named("tests")
    uses = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_LONG_AGO)
        .not_valid_after(_FAR_OFF)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **uses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority = CertificateAuthority(folder, key, certificate)
    authority.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return authority


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

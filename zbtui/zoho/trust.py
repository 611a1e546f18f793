"""Loads the certificates to trust: the system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name."""

from __future__ import annotations

import errno
import os
import ssl
import sys
from pathlib import Path
from typing import Final

CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")

_BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""The files in which Unix systems keep certificates.

They are used if Python's OpenSSL was built for another system and finds no certificates.
"""


def make_tls_context() -> ssl.SSLContext:
    """Make the TLS context for the HTTP client, which takes about 40 ms.

    Raises an `OSError` if the certificates that the environment names cannot be read.
    `ssl.create_default_context` is not used: it writes session keys to the file `SSLKEYLOGFILE`, and from
    Python 3.13 on it refuses certificate authorities of companies that curl accepts.
    """
    named = [name for name in CERTIFICATE_VARIABLES if os.environ.get(name)]
    if not named and sys.platform in ("win32", "darwin"):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for name in named:
        _load_named_certificates(context, name)
    if not named:
        _load_system_certificates(context)
    return context


def _load_named_certificates(context: ssl.SSLContext, variable: str) -> None:
    """Load the certificates in the file or folder that an environment variable names.

    Raises an `OSError` with the name of the variable as `filename`.
    """
    path = os.environ[variable]
    try:
        if variable == "SSL_CERT_FILE":
            context.load_verify_locations(cafile=path)
        else:
            # Raises if the folder is missing, which OpenSSL would ignore.
            next(Path(path).iterdir(), None)
            context.load_verify_locations(capath=path)
    except ssl.SSLError:
        raise OSError(errno.EINVAL, "it holds no certificate", variable) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, variable) from None


def _load_system_certificates(context: ssl.SSLContext) -> None:
    """Load the system's certificates once for all connections.

    truststore would read them again for each connection, and block the event loop for 40 ms each time.
    """
    context.load_default_certs()
    folder = ssl.get_default_verify_paths().capath
    if context.cert_store_stats()["x509_ca"] or (folder and any(Path(folder).glob("*.0"))):
        return
    import certifi

    for bundle in (*_BUNDLES, certifi.where()):
        if Path(bundle).is_file():
            context.load_verify_locations(bundle)
            return

"""The HTTP calls to Zoho: sign-in and backups. The only package that imports httpx."""

import sys

# If click is installed, httpx loads its own command line: 40 ms that no start needs.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

"""Zoho on the wire: its sign-in, its backup call. The only importer of httpx."""

import sys

# Where click is installed, httpx loads a command line of its own: 40 ms that no start needs.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

"""Sends the HTTP requests to Zoho, for sign-ins and backups. Only this package imports httpx."""

import sys

# If click is installed, httpx would also load its own command line, which takes 40 ms.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

"""Zoho on the wire: its data centers, its sign-in, its backup call. The only importer of httpx."""

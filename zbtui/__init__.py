"""Watch the Zoho CRM data backups of many orgs at once, from a terminal."""

__version__ = "0.1.0"

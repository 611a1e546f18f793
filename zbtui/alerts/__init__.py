"""Alerts: what is to be told, kept in the journal and handed to a command, a webhook and the desktop."""

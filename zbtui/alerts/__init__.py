"""Alerts: decided, stored in the journal, and delivered to a command, a webhook and the desktop."""

"""Decides, without I/O, how healthy each org's backup is, when to poll the org, and which alerts to send."""

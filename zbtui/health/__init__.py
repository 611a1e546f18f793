"""Decides, without I/O, how healthy each org's backup is, when to poll it, and which alerts to send."""

"""Stores zbtui's data on this machine: sign-in credentials, the journal, the screen's state and the log."""

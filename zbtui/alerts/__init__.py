"""Evaluates alerts, stores them in the journal, and delivers them to command, webhook and desktop."""

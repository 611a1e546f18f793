"""Watching: one poller per org, all of them as a fleet."""

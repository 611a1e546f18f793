"""Watches all orgs: one poller per org, all in a fleet."""

"""Watches all orgs, with one poller per org; the fleet controls all pollers."""

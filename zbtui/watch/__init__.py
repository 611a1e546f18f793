"""The watch: one poller per org, all in a fleet."""

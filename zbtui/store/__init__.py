"""What stays on this machine: config, credentials, journal."""

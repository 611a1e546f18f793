"""What zbtui knows about backups, without I/O and without a clock: `now` is always an argument."""

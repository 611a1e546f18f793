"""What zbtui keeps on this machine: credentials and the journal."""

"""What comes from outside, whatever it is: one target for each place where it is read or shown."""

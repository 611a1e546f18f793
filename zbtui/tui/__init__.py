"""The screen: sees snapshots and verdicts, gives commands to the fleet, and knows no secret."""

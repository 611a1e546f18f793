"""The basic types: orgs, problems, verdicts, secrets, times and text. Pure."""

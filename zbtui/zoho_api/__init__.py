"""Zoho's formats: its answers, errors, rules and hosts, parsed into frozen types. Pure."""

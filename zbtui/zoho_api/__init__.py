"""Parses Zoho's formats, such as answers, errors and recurrence rules, into frozen types, without I/O."""

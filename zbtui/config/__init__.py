"""Reads, checks and edits the config file, and publishes its changes.

The values are checked by hand-written code, not by a schema library, so that each mistake is reported in
one sentence with file, line and hint. An edit keeps the comments, the order and the layout of the file.
"""

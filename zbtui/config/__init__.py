"""The config: its file, its values, and the watcher that publishes changes.

Values are checked by hand, not by a schema library, so that each mistake is reported in one sentence
with file, line and hint, and an edit keeps comments, order and layout.
"""

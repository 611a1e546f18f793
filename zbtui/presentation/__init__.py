"""What the screen and the text output share: summaries, sorting, filter, keys, privacy. Pure."""

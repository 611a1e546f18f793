"""The tests mirror the package and read as its specification. Run them all with `python -m tests`."""

"""Runs zbtui for `python -m zbtui`."""

import sys

from zbtui.cli import main

if __name__ == "__main__":
    sys.exit(main())

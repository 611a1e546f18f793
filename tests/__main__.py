"""`python -m tests`: the sessions of `noxfile.py` that run by default. Options go to pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.faketime import fake_the_date_alone

NOX = [sys.executable, "-m", "nox", "--stop-on-first-error", "--"]

if __name__ == "__main__":
    fake_the_date_alone()
    sys.exit(
        subprocess.run([*NOX, *sys.argv[1:]], cwd=Path(__file__).parent.parent, check=False).returncode
    )

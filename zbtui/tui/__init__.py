"""The full-screen terminal app: shows snapshots and verdicts, sends commands to the pollers.

It stores no secrets.
"""

import os

# Textual paints at most 60 times a second by default, and a key press often needs two paints.
# Textual reads this variable when it is imported. An idle screen paints nothing, however high the limit is.
os.environ.setdefault("TEXTUAL_FPS", "240")

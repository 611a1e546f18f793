"""The screen: sees snapshots and verdicts, gives commands to the fleet, and knows no secret."""

import os

# Textual paints at most once in each 60th of a second, and what follows a key often takes two paints.
# It reads this when it is imported. At rest nothing is painted, however short the pause may be.
os.environ.setdefault("TEXTUAL_FPS", "240")

"""The parts that the screen and the text output share, such as summaries, sorting, filter and keys.

None of them reads or writes anything outside of the program.
"""

"""The parts that the screen and the text output share, such as summaries, sorting, filter and keys.

These modules do no input or output.
"""

"""The config file: its values, how it is read and edited, and who hears of a change.

It is checked by hand, on purpose, and not by a library of schemas: every mistake is reported as one
sentence with the file, the line and the cure, and an edit leaves comments, order and layout alone.
"""

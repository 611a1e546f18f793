"""The forms that add, edit and remove an org."""

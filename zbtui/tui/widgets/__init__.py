"""Widgets that screens and views share."""

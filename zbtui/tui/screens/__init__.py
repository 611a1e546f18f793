"""The screens: fleet, detail, help and welcome."""

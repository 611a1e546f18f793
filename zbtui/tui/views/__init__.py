"""The views of the orgs: panels, table, agenda and events."""

"""Incidents that ship with the project, and the example system they are about."""

"""Was the failure there."""

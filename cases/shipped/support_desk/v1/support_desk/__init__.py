"""A support desk: answers tickets from policies, looks orders up, pays refunds after a human review."""

"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Tests assert behaviour, never seconds: a busy machine must not turn one red.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

"""Values of options."""

from __future__ import annotations

import pytest

from unrepeat.cases.errors import ConfigError
from unrepeat.harness.options import overrides


def test_components_are_given_by_name():
    assert overrides(["prompt=a.md", "model=x=y"]) == {"prompt": "a.md", "model": "x=y"}


@pytest.mark.parametrize("pair", ["prompt", "=a.md", "prompt=", "", "="])
def test_half_a_pair_is_refused(pair):
    with pytest.raises(ConfigError, match="expected COMPONENT=FILE or COMPONENT=VALUE"):
        overrides([pair])


def test_component_given_twice_is_refused():
    with pytest.raises(ConfigError, match="got 'prompt' twice"):
        overrides(["prompt=a", "prompt=b"])

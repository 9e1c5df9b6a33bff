"""Meters of every make, read in every way: a value is never shown as that of another telegram, meter or time."""

import pytest

from .numbering import LOSSES, Mix

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(10))
def test_any_mix(seed: int, loss: float) -> None:
    """Meters, lines and readouts follow from the seed."""
    mix = Mix(seed, loss=loss)
    mix.run()
    assert mix.wrong == []
    if not loss:
        assert mix.counts["whole"] == mix.counts["reads"], mix.counts

"""Whole lives in random order: what Home Assistant shows is what a meter said, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from .clock import Clock, accelerated
from .run import live, plan


@pytest.fixture
async def clock(socket_enabled: None, enable_custom_integrations: None) -> AsyncIterator[Clock]:
    """Return the clock that everything lives by."""
    with accelerated(asyncio.get_running_loop()) as clock:
        yield clock


@pytest.mark.parametrize("seed", range(20))
async def test_life(
    hass: HomeAssistant, clock: Clock, hass_storage: dict[str, Any], seed: int
) -> None:
    """A life from a seed."""
    await live(hass, clock, hass_storage, seed, plan(seed))

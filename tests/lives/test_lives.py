"""Whole lives in random order: what Home Assistant shows is what a meter said, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from homeassistant.core import HomeAssistant
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from .clock import Clock, accelerated
from .home_assistant import home_assistant
from .run import Step, live, plan
from .table import ACTIONS

FIXED = 20
CHOSEN = 5


@pytest.fixture
async def clock(
    socket_enabled: None, enable_custom_integrations: None
) -> AsyncIterator[Clock]:
    """Return the clock that everything lives by."""
    with accelerated(asyncio.get_running_loop()) as clock:
        yield clock


@pytest.mark.parametrize("seed", range(FIXED))
async def test_life(
    hass: HomeAssistant, clock: Clock, hass_storage: dict[str, Any], seed: int
) -> None:
    """The steps follow from the seed."""
    await live(hass, clock, hass_storage, seed, plan(seed))


STEPS = st.builds(Step, st.sampled_from(sorted(ACTIONS)), st.integers(0, (1 << 32) - 1))


@settings(
    max_examples=CHOSEN,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, (1 << 32) - 1), steps=st.lists(STEPS, min_size=5, max_size=40)
)
async def test_any_life(socket_enabled: None, seed: int, steps: list[Step]) -> None:
    """The steps are any; those of a life that fails are made fewer."""
    async with home_assistant() as (hass, clock, storage):
        await live(hass, clock, storage, seed, steps)

"""A Home Assistant outside of pytest, as the plugin's fixture makes one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from homeassistant import loader
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from pytest_homeassistant_custom_component.common import (
    async_test_home_assistant,
    mock_storage,
)

from .clock import Clock, accelerated


@asynccontextmanager
async def home_assistant() -> AsyncIterator[
    tuple[HomeAssistant, Clock, dict[str, Any]]
]:
    """Return a running one, the clock it lives by, and what it has stored."""
    loop = asyncio.get_running_loop()
    errors: list[Exception] = []
    loop.set_exception_handler(
        lambda _, context: errors.append(
            context.get("exception") or RuntimeError(context["message"])
        )
    )
    with accelerated(loop) as clock, mock_storage() as storage:
        async with async_test_home_assistant(loop) as hass:
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            try:
                yield hass, clock, storage
            finally:
                await hass.async_stop(force=True)
    if errors:
        raise ExceptionGroup("Nobody caught", errors)


def forget_calls() -> None:
    """Drop what the stored data's stand-in remembers of each call: all that was ever written."""
    for method in (Store._async_load, Store._async_write_data, Store.async_remove):
        method.reset_mock()  # type: ignore[union-attr]

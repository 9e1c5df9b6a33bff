"""Waiting for the recorder: it counts what sensors show every five minutes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.components.recorder.const import (
    EVENT_RECORDER_5MIN_STATISTICS_GENERATED,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback


class StatisticsWatch:
    """Goes on with a work each time that the recorder has counted, one after another, until nothing of it is left.

    `go_on` says whether something is.
    """

    def __init__(
        self, hass: HomeAssistant, go_on: Callable[[], Awaitable[bool]]
    ) -> None:
        """Wait for nothing yet."""
        self._hass = hass
        self._go_on = go_on
        self._lock = asyncio.Lock()
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Wait from now on."""
        if self._cancel is None:
            self._cancel = self._hass.bus.async_listen(
                EVENT_RECORDER_5MIN_STATISTICS_GENERATED, self._async_counted
            )

    @callback
    def async_stop(self) -> None:
        """Leave the rest to the next run."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    async def async_go_on(self) -> None:
        """Go on without waiting."""
        async with self._lock:
            if not await self._go_on():
                self.async_stop()

    async def _async_counted(self, event: Event[Any]) -> None:
        await self.async_go_on()

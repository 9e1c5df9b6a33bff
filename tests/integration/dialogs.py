"""Going through dialogs as the frontend does."""

import asyncio
from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowManager, FlowResultType, InvalidData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.mbus.const import DOMAIN, SUBENTRY_METER

from .dialog_texts import check_errors, check_texts, texts_of

type Result = dict[str, Any]

SERIAL_LINE = {"baud_rate": "2400", "parity": "e", "data_bits": "8", "stop_bits": "1"}
TIMING = {"timeout": {"milliseconds": 300}, "attempts": 2}


def tcp_form(port: int, **changes: Any) -> dict[str, Any]:
    """Return the filled-in form of a gateway."""
    return {
        "name": "Cellar",
        "host": "127.0.0.1",
        "port": port,
        "search": False,
        "line": {"baud_rate": "2400"},
        "timing": TIMING,
    } | changes


def serial_form(port: str, **changes: Any) -> dict[str, Any]:
    """Return the filled-in form of a serial port."""
    return {
        "name": "Attic",
        "port": port,
        "search": False,
        "line": SERIAL_LINE,
        "timing": TIMING,
    } | changes


class Dialog:
    """One flow, and what it shows now."""

    def __init__(self, flows: FlowManager[Any, Any, Any], result: Result) -> None:
        """Take over a flow that was just started."""
        self._flows = flows
        self._texts = texts_of(flows)
        self.result = result
        check_texts(self._texts, result)

    @property
    def flow_id(self) -> str:
        """Return what the flow is called by."""
        return str(self.result["flow_id"])

    async def choose(self, option: str) -> Result:
        """Choose from a menu."""
        assert self.result["type"] is FlowResultType.MENU, self.result
        assert option in self.result["menu_options"]
        return await self._next({"next_step_id": option})

    async def submit(self, user_input: Mapping[str, Any]) -> Result:
        """Send a form."""
        assert self.result["type"] is FlowResultType.FORM, self.result
        return await self._next(dict(user_input))

    async def refresh(self) -> Result:
        """Look again at what the flow shows."""
        return await self._next(None)

    async def wait(self) -> Result:
        """Wait while the flow shows progress."""
        while self.result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.005)
            await self.refresh()
        return self.result

    def close(self) -> None:
        """Close the dialog."""
        self._flows.async_abort(self.flow_id)

    async def _next(self, user_input: dict[str, Any] | None) -> Result:
        try:
            self.result = await self._flows.async_configure(self.flow_id, user_input)
        except InvalidData as refused:
            check_errors(self._texts, refused.schema_errors, user_input or {})
            raise
        check_texts(self._texts, self.result)
        return self.result


async def add_connection(hass: HomeAssistant) -> Dialog:
    """Start adding a connection."""
    flows = hass.config_entries.flow
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    return Dialog(flows, dict(result))


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Start reconfiguring a connection."""
    flows = hass.config_entries.flow
    context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry.entry_id)
    return Dialog(flows, dict(await flows.async_init(DOMAIN, context=context)))


async def change_options(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Start changing the options of a connection."""
    flows = hass.config_entries.options
    return Dialog(flows, dict(await flows.async_init(entry.entry_id)))


async def add_meter(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Start adding a meter."""
    flows = hass.config_entries.subentries
    handler = (entry.entry_id, SUBENTRY_METER)
    result = await flows.async_init(handler, context={"source": SOURCE_USER})
    return Dialog(flows, dict(result))

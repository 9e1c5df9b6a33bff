"""What every repair of a meter starts from: the meter as it answers now, and a place for what follows from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.data_entry_flow import AbortFlow

from ..meters.reading import Reading
from ..polling.coordinator import MBusConfigEntry, MeterCoordinator
from ..presentation.reasons import fault_text
from ..presentation.texts import cached_texts
from ..profiles.catalogue import cached_catalogue
from ..profiles.interpretation import Interpretations
from ..protocol import Telegram


class MeterRepairFlow(RepairsFlow):
    """Reads the meter, and stores what follows from it.

    A meter or a connection that goes meanwhile ends the flow, at the next step that needs it.
    """

    def __init__(self, entry_id: str, meter_id: str) -> None:
        """Remember the meter concerned."""
        self._entry_id = entry_id
        self._meter_id = meter_id

    @property
    def _coordinator(self) -> MeterCoordinator:
        entry: MBusConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        if entry is None or self._meter_id not in entry.subentries:
            raise AbortFlow("meter_deleted")
        if entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded", {"connection": entry.title})
        return entry.runtime_data.coordinators[self._meter_id]

    @property
    def _subentry(self) -> ConfigSubentry:
        return self._coordinator.config_entry.subentries[self._meter_id]

    @property
    def _placeholders(self) -> dict[str, str]:
        meter = self._coordinator.meter
        return {"meter": meter.title, "address": str(meter.address)}

    async def _async_read(self) -> Reading:
        """Read the meter whole; the flow ends where that can't be done."""
        data = await self._coordinator.async_read()
        if not data.is_heard or data.reading is None:
            raise AbortFlow(
                "read_failed",
                {
                    **self._placeholders,
                    "error": fault_text(data, cached_texts(self.hass)),
                },
            )
        return data.reading

    def _store(self, updates: Mapping[str, Any], title: str | None = None) -> None:
        subentry = self._subentry
        self.hass.config_entries.async_update_subentry(
            self._coordinator.config_entry,
            subentry,
            data={**subentry.data, **updates},
            title=title or subentry.title,
        )

    def _interpret(self, telegrams: Sequence[Telegram]) -> Interpretations:
        choice = self._coordinator.meter.profile
        return cached_catalogue(self.hass).interpret(telegrams, choice)

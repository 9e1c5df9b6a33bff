"""What a meter's flow is for: a connection, and the meter that is being changed; the flow ends where one is gone."""

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryFlow,
    UnknownEntry,
    UnknownSubEntry,
)
from homeassistant.data_entry_flow import AbortFlow

from ..polling.coordinator import MBusConfigEntry


class MBusSubentryFlow(ConfigSubentryFlow):
    """A flow whose connection or meter may be deleted while its dialog is open."""

    @property
    def _entry(self) -> MBusConfigEntry:
        try:
            return self._get_entry()
        except UnknownEntry as err:
            raise AbortFlow("connection_deleted") from err

    @property
    def _subentry(self) -> ConfigSubentry:
        assert self._entry
        try:
            return self._get_reconfigure_subentry()
        except UnknownSubEntry as err:
            raise AbortFlow("meter_deleted") from err

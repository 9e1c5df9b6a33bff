"""What outlives a restart: last readings, due times, memory of transformation steps."""

from datetime import datetime
from typing import Any, TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..meters.reading import Reading
from ..protocol import IncompleteTelegramError, MBusError, Telegram, parse_telegram

SAVE_DELAY = 60
STORAGE_VERSION = 1

DECODED_SIZE = 100
"""Bytes of memory for each byte of a telegram: a record of 6 bytes on the line is about 600 as objects."""


class StoredMeter(TypedDict, total=False):
    """One meter: the frames of its last reading with their time, and when it is to be read again."""

    frames: list[str]
    time: str
    due: str


class StoredData(TypedDict):
    """The file: whether polling runs, meters by subentry id, memory of transformation steps by binding id."""

    running: bool
    meters: dict[str, StoredMeter]
    memory: dict[str, Any]


class MBusStore:
    """Keeps a connection's readings; written within a minute of a change, at unload and at stop."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Prepare the file of one config entry."""
        self._store: Store[StoredData] = Store(
            hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}"
        )
        self._data: StoredData = {"running": True, "meters": {}, "memory": {}}

    async def async_load(self) -> None:
        """Read what the last run left."""
        if stored := await self._store.async_load():
            self._data = stored

    async def async_save(self) -> None:
        """Write now."""
        await self._store.async_save(self._data)

    async def async_remove(self) -> None:
        """Delete the file with its entry."""
        await self._store.async_remove()

    @property
    def running(self) -> bool:
        """Whether the connection is to poll."""
        return self._data["running"]

    @callback
    def keep_running(self, running: bool) -> None:
        """Remember whether the connection is to poll."""
        self._data["running"] = running
        self._changed()

    @property
    def size(self) -> int:
        """Bytes that the kept readings take."""
        return sum(
            len(frame) // 2 * DECODED_SIZE
            for meter in self._data["meters"].values()
            for frame in meter.get("frames", ())
        )

    def reading(self, meter_id: str) -> Reading | None:
        """Return the last reading of a meter, decoded anew, or None where there is none that can be read."""
        stored = self._data["meters"].get(meter_id, {})
        if (
            not stored.get("frames")
            or (time := dt_util.parse_datetime(stored["time"])) is None
        ):
            return None
        try:
            telegrams = tuple(
                _decode(bytes.fromhex(frame)) for frame in stored["frames"]
            )
        except MBusError:
            return None
        return Reading(telegrams=telegrams, time=time)

    def due(self, meter_id: str) -> datetime | None:
        """Return when a meter is to be read next."""
        return dt_util.parse_datetime(
            self._data["meters"].get(meter_id, {}).get("due", "")
        )

    @callback
    def keep_reading(self, meter_id: str, reading: Reading) -> None:
        """Remember a meter's reading."""
        stored = self._data["meters"].setdefault(meter_id, {})
        stored["frames"] = [telegram.frame.hex() for telegram in reading.telegrams]
        stored["time"] = reading.time.isoformat()
        self._changed()

    @callback
    def keep_due(self, meter_id: str, due: datetime) -> None:
        """Remember when a meter is to be read next."""
        self._data["meters"].setdefault(meter_id, {})["due"] = due.isoformat()
        self._changed()

    @callback
    def forget_meter(self, meter_id: str) -> None:
        """Drop what was kept of a removed meter."""
        if self._data["meters"].pop(meter_id, None):
            self._changed()

    def memory(self, binding_id: str) -> Any:
        """Return what a binding's transformation steps remembered, or None."""
        return self._data["memory"].get(binding_id)

    @callback
    def keep_memory(self, binding_id: str, memory: Any) -> None:
        """Remember what a binding's steps need the next time; None forgets it."""
        if memory is None:
            self._data["memory"].pop(binding_id, None)
        else:
            self._data["memory"][binding_id] = memory
        self._changed()

    @callback
    def _changed(self) -> None:
        self._store.async_delay_save(lambda: self._data, SAVE_DELAY)


def _decode(frame: bytes) -> Telegram:
    try:
        return parse_telegram(frame)
    except IncompleteTelegramError as err:
        return err.telegram

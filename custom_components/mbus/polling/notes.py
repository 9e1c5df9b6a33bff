"""What is still to be done to the statistics of a connection's sensors, and what is known of its meters' past."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NotRequired, TypedDict, cast

from homeassistant.core import callback
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..const import LOGGER
from ..meters.transformation import is_number


class StoredReading(TypedDict):
    """The frames of a reading, and its time."""

    frames: list[str]
    time: str


class StoredImport(StoredReading):
    """A reading whose stored totals are to become the history of a binding's sensor.

    `shift` is there once they are being written: by so much the recorder's rows from `start` on are raised then, the
    first of which had `sum` before. `last` is the newest hour that is written.
    """

    binding_id: str
    start: NotRequired[str]
    sum: NotRequired[float]
    shift: NotRequired[float]
    last: NotRequired[str]


class StoredNotes(TypedDict):
    """Their part of the file: seams of exchanged meters, imports of stored totals, when a meter took another's place.

    And, by the meters' subentry ids, the readings that were taken last for a bill; and which meters were told of as
    silent.
    """

    seams: NotRequired[list[dict[str, Any]]]
    imports: NotRequired[list[StoredImport]]
    exchanged: NotRequired[dict[str, str]]
    taken: NotRequired[dict[str, StoredReading]]
    silent: NotRequired[list[str]]


def _time(value: Any) -> str:
    """Validate a time with its zone."""
    moment = dt_util.parse_datetime(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise vol.Invalid("a time with its zone is expected")
    return cast(str, value)


def _number(value: Any) -> float:
    """Validate a number, and a finite one."""
    if not is_number(value):
        raise vol.Invalid("a number is expected")
    return cast(float, value)


def _readable(schema: dict[Any, Any]) -> vol.Schema:
    return vol.Schema(schema, required=True, extra=vol.ALLOW_EXTRA)


_READING: Final = {"frames": [str], "time": _time}
_BEGUN: Final = _readable(
    {"start": _time, "sum": _number, "shift": _number, "last": _time}
)


def _begun_or_not(note: dict[str, Any]) -> dict[str, Any]:
    return _BEGUN(note) if note.keys() & _BEGUN.schema.keys() else note


_LISTS: Final = {
    "seams": _readable(
        {
            "binding_id": str,
            "before": _number,
            "difference": _number,
            "unit": str,
            "since": _time,
        }
    ),
    "imports": vol.All(_readable({**_READING, "binding_id": str}), _begun_or_not),
    "silent": vol.Schema(str),
}
_BY_METER: Final = {"exchanged": vol.Schema(_time), "taken": _readable(_READING)}
"""What each note of a kind has to be; another release may have kept it in another way."""


class Notes:
    """Kept with a connection's readings."""

    def __init__(self, data: StoredNotes, changed: Callable[[], None]) -> None:
        """Keep them in `data`, of which what can't be read is dropped; `changed` is called when they are others."""
        self._data = data
        self._changed = changed
        kept = cast(dict[str, Any], data)
        for kind in kept.keys() & _LISTS.keys():
            kept[kind] = _sound_list(kept[kind], _LISTS[kind])
        for kind in kept.keys() & _BY_METER.keys():
            kept[kind] = _sound_mapping(kept[kind], _BY_METER[kind])

    @property
    def seams(self) -> list[dict[str, Any]]:
        """What is still to be taken out of the statistics after a meter was exchanged."""
        return self._data.get("seams", [])

    @callback
    def keep_seams(self, seams: list[dict[str, Any]]) -> None:
        """Remember what is still to be taken out of the statistics."""
        self._data["seams"] = seams
        self._changed()

    @property
    def imports(self) -> list[StoredImport]:
        """What is still to be written into the statistics of a meter's own past."""
        return self._data.get("imports", [])

    @callback
    def keep_imports(self, imports: list[StoredImport]) -> None:
        """Remember what is still to be written into the statistics."""
        self._data["imports"] = imports
        self._changed()

    @callback
    def forget_import(self, binding_id: str) -> None:
        """Drop what is to be written for a binding that is gone."""
        left = [one for one in self.imports if one["binding_id"] != binding_id]
        if len(left) < len(self.imports):
            self.keep_imports(left)

    def exchanged(self, meter_id: str) -> datetime | None:
        """Return when a meter took another one's place; None if it is still the first."""
        moment = self._data.get("exchanged", {}).get(meter_id)
        return dt_util.parse_datetime(moment) if moment else None

    @callback
    def note_exchange(self, meter_id: str) -> None:
        """Remember that from now on another meter is in this one's place."""
        exchanged = self._data.setdefault("exchanged", {})
        exchanged[meter_id] = dt_util.utcnow().isoformat()
        self._changed()

    @property
    def taken(self) -> Mapping[str, StoredReading]:
        """The reading of each meter that was taken last, by the meters' ids."""
        return self._data.get("taken", {})

    @callback
    def keep_taken(self, readings: Mapping[str, StoredReading | None]) -> None:
        """Remember the readings that were taken now; of a meter that could not be read none is left."""
        self._data["taken"] = {
            meter_id: reading
            for meter_id, reading in {**self.taken, **readings}.items()
            if reading
        }
        self._changed()

    def is_silent(self, meter_id: str) -> bool:
        """Return whether it was told that a meter is silent, and not yet that it answers again."""
        return meter_id in self._data.get("silent", [])

    @callback
    def note_silent(self, meter_id: str, *, is_silent: bool) -> None:
        """Remember what is told of a meter now."""
        others = [one for one in self._data.get("silent", []) if one != meter_id]
        self._data["silent"] = [*others, meter_id] if is_silent else others
        self._changed()

    @callback
    def forget_meter(self, meter_id: str) -> None:
        """Drop what is noted of a meter that was removed."""
        self._data.get("exchanged", {}).pop(meter_id, None)
        self.keep_taken({meter_id: None})
        self.note_silent(meter_id, is_silent=False)


def _sound_list(notes: Any, readable: vol.Schema) -> list[Any]:
    notes = notes if isinstance(notes, list) else []
    return [one for one in notes if _is_sound(one, readable)]


def _sound_mapping(notes: Any, readable: vol.Schema) -> dict[str, Any]:
    notes = notes if isinstance(notes, dict) else {}
    return {key: one for key, one in notes.items() if _is_sound(one, readable)}


def _is_sound(note: Any, readable: vol.Schema) -> bool:
    try:
        readable(note)
    except vol.Invalid as err:
        LOGGER.warning(
            "A note for the statistics can't be read and is dropped: %s", err
        )
        return False
    return True

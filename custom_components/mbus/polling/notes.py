"""What is still to be done to the statistics of a connection's sensors, and what they must not be mixed with."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NotRequired, TypedDict

from homeassistant.core import callback
from homeassistant.util import dt as dt_util


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

    And the readings that were taken last for a bill, by the meters' subentry ids.
    """

    seams: NotRequired[list[dict[str, Any]]]
    imports: NotRequired[list[StoredImport]]
    exchanged: NotRequired[dict[str, str]]
    taken: NotRequired[dict[str, StoredReading]]


_SEAM: Final = frozenset({"binding_id", "before", "difference", "unit", "since"})
_IMPORT: Final = StoredImport.__required_keys__
_BEGUN_IMPORT: Final = _IMPORT | StoredImport.__optional_keys__


class Notes:
    """Kept with a connection's readings."""

    def __init__(self, data: StoredNotes, changed: Callable[[], None]) -> None:
        """Keep them in `data`; `changed` is called when they are others."""
        self._data = data
        self._changed = changed

    @property
    def seams(self) -> list[dict[str, Any]]:
        """What is still to be taken out of the statistics after a meter was exchanged."""
        return _whole(self._data.get("seams"), _SEAM)

    @callback
    def keep_seams(self, seams: list[dict[str, Any]]) -> None:
        """Remember what is still to be taken out of the statistics."""
        self._data["seams"] = seams
        self._changed()

    @property
    def imports(self) -> list[StoredImport]:
        """What is still to be written into the statistics of a meter's own past."""
        notes = _whole(self._data.get("imports"), _IMPORT)
        begun = _whole(notes, _BEGUN_IMPORT)
        return [one for one in notes if one in begun or "shift" not in one]

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

    @callback
    def forget_exchange(self, meter_id: str) -> None:
        """Drop what is noted of a meter that was removed."""
        if self._data.get("exchanged", {}).pop(meter_id, None):
            self._changed()

    @property
    def taken(self) -> dict[str, StoredReading]:
        """The readings that were taken last, by the meters' ids."""
        return self._data.get("taken", {})

    @callback
    def keep_taken(self, readings: dict[str, StoredReading]) -> None:
        """Remember the readings that were taken now, and no earlier ones."""
        self._data["taken"] = readings
        self._changed()


def _whole(notes: object, keys: frozenset[str]) -> list[Any]:
    """Return the notes that have what they need: another release may have kept them in another way."""
    if not isinstance(notes, list):
        return []
    return [one for one in notes if isinstance(one, dict) and keys <= one.keys()]

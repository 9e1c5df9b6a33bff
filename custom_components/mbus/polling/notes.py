"""What is still to be done to the statistics of a connection's sensors, and what else is known of its meters' past."""

from collections.abc import Callable, Mapping
from datetime import MAXYEAR, datetime
from typing import Any, Final, Literal, NotRequired, TypedDict

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

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


class StoredSeam(TypedDict):
    """What the statistics count for the exchange of a meter, `since` when; it is to be taken out again.

    `difference` is None as long as the new meter has shown nothing. `start` (a timestamp) is there once that is being
    done: it is taken out of the recorder's rows from then on, the first of which had `sum` before.
    """

    binding_id: str
    before: float
    difference: float | None
    unit: str
    since: str
    start: NotRequired[float]
    sum: NotRequired[float]


class StoredNotes(TypedDict):
    """Their part of the file: seams of exchanged meters, imports of stored totals, when a meter took another's place.

    And, by the meters' subentry ids, the readings that were taken last for a bill; and which meters were told of as
    silent.
    """

    seams: NotRequired[list[StoredSeam]]
    imports: NotRequired[list[StoredImport]]
    exchanged: NotRequired[dict[str, str]]
    taken: NotRequired[dict[str, StoredReading]]
    silent: NotRequired[list[str]]


type _Checks = Mapping[str, Callable[[Any], bool]]


def moment_of(stored: object) -> datetime | None:
    """Return the moment that is kept, None for what is none: with a zone, and not so far off that no time can be added."""
    if not isinstance(stored, str):
        return None
    try:
        moment = datetime.fromisoformat(stored)
        is_usable = moment.tzinfo and 1970 <= moment.year < MAXYEAR
    except ValueError:
        return None
    return moment if is_usable else None


def _is_moment(stored: object) -> bool:
    return moment_of(stored) is not None


def _is_number_or_nothing(stored: object) -> bool:
    return stored is None or is_number(stored)


def _is_text(stored: Any) -> bool:
    return isinstance(stored, str)


def _are_texts(stored: Any) -> bool:
    return isinstance(stored, list) and all(map(_is_text, stored))


_SEAM: Final[_Checks] = {
    "binding_id": _is_text,
    "before": is_number,
    "difference": _is_number_or_nothing,
    "unit": _is_text,
    "since": _is_moment,
}
_BEGUN_SEAM: Final[_Checks] = {"start": is_number, "sum": is_number}
_READING: Final[_Checks] = {"frames": _are_texts, "time": _is_moment}
_IMPORT: Final[_Checks] = {"binding_id": _is_text, **_READING}
_BEGUN_IMPORT: Final[_Checks] = {
    "start": _is_moment,
    "sum": is_number,
    "shift": is_number,
    "last": _is_moment,
}


class Notes:
    """Kept with a connection's readings."""

    def __init__(self, data: StoredNotes, changed: Callable[[], None]) -> None:
        """Keep them in `data`; `changed` is called when they are others."""
        self._data = data
        self._changed = changed

    @property
    def seams(self) -> list[StoredSeam]:
        """What is still to be taken out of the statistics after a meter was exchanged."""
        return _sound(self._data.get("seams"), _SEAM, _BEGUN_SEAM)

    @callback
    def keep_seams(self, seams: list[StoredSeam]) -> None:
        """Remember what is still to be taken out of the statistics."""
        self._data["seams"] = seams
        self._changed()

    @property
    def imports(self) -> list[StoredImport]:
        """What is still to be written into the statistics of a meter's own past."""
        return _sound(self._data.get("imports"), _IMPORT, _BEGUN_IMPORT)

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
        return moment_of(self._by_meter("exchanged").get(meter_id))

    @callback
    def note_exchange(self, meter_id: str) -> None:
        """Remember that from now on another meter is in this one's place."""
        moment = dt_util.utcnow().isoformat()
        self._data["exchanged"] = {**self._by_meter("exchanged"), meter_id: moment}
        self._changed()

    @property
    def taken(self) -> dict[str, StoredReading]:
        """The reading of each meter that was taken last, by the meters' ids."""
        return {
            meter_id: stored
            for meter_id, stored in self._by_meter("taken").items()
            if _fits(stored, _READING)
        }

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
        return meter_id in self._silent

    @callback
    def note_silent(self, meter_id: str, *, is_silent: bool) -> None:
        """Remember what is told of a meter now."""
        others = [one for one in self._silent if one != meter_id]
        self._data["silent"] = [*others, meter_id] if is_silent else others
        self._changed()

    @callback
    def forget_meter(self, meter_id: str) -> None:
        """Drop what is noted of a meter that was removed."""
        self._by_meter("exchanged").pop(meter_id, None)
        self.keep_taken({meter_id: None})
        self.note_silent(meter_id, is_silent=False)

    @property
    def _silent(self) -> list[str]:
        stored = self._data.get("silent")
        return stored if stored and _are_texts(stored) else []

    def _by_meter(self, key: Literal["exchanged", "taken"]) -> dict[str, Any]:
        stored = self._data.get(key)
        return stored if isinstance(stored, dict) else {}


def _fits(stored: object, checks: _Checks) -> bool:
    return isinstance(stored, dict) and all(
        key in stored and check(stored[key]) for key, check in checks.items()
    )


def _sound(stored: object, checks: _Checks, begun: _Checks) -> list[Any]:
    """Return the notes that are as they have to be, begun or not: another release may have kept them in another way."""
    if not isinstance(stored, list):
        return []
    return [
        one
        for one in stored
        if _fits(one, checks) and (begun.keys().isdisjoint(one) or _fits(one, begun))
    ]

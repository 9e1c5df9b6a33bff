"""Sees every state that Home Assistant shows of a connection's meters, and holds it against what the simulator knows."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er

from custom_components.mbus.const import DOMAIN
from custom_components.mbus.meters.binding import BindingState
from custom_components.mbus.meters.reading import MeterData, Reading, Result

from .places import Place
from .reference import Possibility
from .told import Readings, Told

FRESH = timedelta(seconds=60)
"""A reading takes no longer, all its attempts included."""
_REMEMBERED = 50
"""Readings of each meter: more than fit into a minute."""


class Witness:
    """Follows the states of a connection's meters; what is wrong goes into `faults`, how often what into `counts`."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, places: list[Place]
    ) -> None:
        """Begin to look."""
        self.places: dict[str, Place] = {}
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self._hass = hass
        self._entry = entry
        self._is_waiting = False
        for place in places:
            self.watch(place)
        self.stop = hass.bus.async_listen(EVENT_STATE_CHANGED, self._note)

    def watch(self, place: Place) -> None:
        """Look at a meter, too, and ask for what it does not show by itself."""
        self.places[place.id] = place
        for key in ("binding_state", "last_read"):
            er.async_get(self._hass).async_get_or_create(
                Platform.SENSOR,
                DOMAIN,
                f"{place.id}_{key}",
                config_entry=self._entry,
            )

    def state(self, unique_id: str) -> State | None:
        """Return the state of a sensor."""
        registry = er.async_get(self._hass)
        entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id)
        return self._hass.states.get(entity_id) if entity_id else None

    def data(self, place: Place) -> MeterData:
        """Return what Home Assistant has of a meter."""
        # Entities are there before the setup is over, and gone after the unload began.
        if hasattr(self._entry, "runtime_data"):
            if coordinator := self._entry.runtime_data.coordinators.get(place.id):
                data: MeterData = coordinator.data
                return data
        return MeterData()

    def check_back(self, place: Place, began: datetime) -> None:
        """See that a meter was read since, that all is well, and that whatever it sent since was published."""
        self.counts["back"] += 1
        state, reading = (
            self.state(f"{place.id}_binding_state"),
            self.data(place).reading,
        )
        missing = [
            told.quantity.name
            for binding_id, told in place.bindings.items()
            if not told.is_shown(self.state(binding_id))
        ]
        if (
            state is None
            or state.state != BindingState.OK
            or missing
            or reading is None
            or reading.time < began
        ):
            self.counts["late"] += 1
            self.faults.append(
                f"{place.id}: {state and state.state}, read at {reading and reading.time}, not back since {began};"
                f" missing: {missing}; {state and state.attributes.get('errors')}"
            )
        sent = [one.time for one in place.installed.history if one.time > began]
        published = [time for time in place.readings if time > began]
        self.counts["sent"] += len(sent)
        self.counts["published"] += len(published)
        if not all(
            # A meter of which nothing is known is asked twice for its first telegram.
            any(time <= read_at <= time + FRESH for read_at in published)
            for time in sent
        ):
            self.faults.append(f"{place.id}: of {sent}, only {published} was published")

    def has_fallen(self, place: Place) -> bool:
        """Tell whether a total of a meter is less than it was."""
        results = self.data(place).results.values()
        return any(one.state is BindingState.TOTAL_FELL for one in results)

    def readings(self, place: Place) -> Readings:
        """Return what may be kept of a meter: nothing later than the present reading."""
        data = self.data(place)
        return {
            time: sent
            for time, sent in place.readings.items()
            if data.reading and time <= data.reading.time
        }

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        """Look at all when whatever writes states now is through with it: until then, the time stands still."""
        if not self._is_waiting:
            self._is_waiting = True
            self._hass.loop.call_soon(self._look)

    @callback
    def _look(self) -> None:
        self._is_waiting = False
        for place in self.places.values():
            if place.id in self._entry.subentries:
                self._look_at(place)

    def _look_at(self, place: Place) -> None:
        number = self._entry.subentries[place.id].data["identity"]["identification"]
        data = self.data(place)
        reading = data.reading
        if number != place.number:
            place.number = number
            place.readings.clear()
            for told in place.bindings.values():
                told.another_meter()
        states = {binding_id: self.state(binding_id) for binding_id in place.bindings}
        if reading and (place.read_at is None or reading.time > place.read_at):
            place.read_at = reading.time
            self._take(place, reading, data.results, states)
        self._check_last_read(place, reading)
        for binding_id, state in states.items():
            if state and state.state != STATE_UNAVAILABLE:
                self.counts["states"] += 1
                told = place.bindings[binding_id]
                if not told.narrow(state, reading.time if reading else None):
                    self._fault(place, told, state, reading)

    def _take(
        self,
        place: Place,
        reading: Reading,
        results: Mapping[str, Result],
        states: Mapping[str, State | None],
    ) -> None:
        """Work out what may be shown after a new reading, by those of the latest readouts that can be it."""
        self.counts["readings"] += 1
        sent = [
            one
            for one in place.meters[place.number].history
            if reading.time - FRESH < one.time <= reading.time
        ]
        after = [
            {
                binding_id: told.after(
                    reading.time, one, results.get(binding_id), states[binding_id]
                )
                for binding_id, told in place.bindings.items()
            }
            for one in sent
        ]
        fitting = [one for one in after if all(one.values())]
        place.readings[reading.time] = sent
        for old in [*place.readings][:-_REMEMBERED]:
            del place.readings[old]
        for binding_id, told in place.bindings.items():
            told.now(
                reading.time,
                [possible for one in fitting for possible in one[binding_id]],
            )
        if not fitting:
            self.counts["wrong"] += 1
            self.faults.append(
                f"{place.id}: none of the {len(sent)} readouts of {place.number} before {reading.time} is what is shown"
            )

    def _check_last_read(self, place: Place, reading: Reading | None) -> None:
        state = self.state(f"{place.id}_last_read")
        if state and state.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            told = datetime.fromisoformat(state.state)
            if reading is None or told != reading.time.replace(microsecond=0):
                self.faults.append(f"{place.id}: last read at {told}, not {reading}")

    def _fault(
        self, place: Place, told: Told, state: State, reading: Reading | None
    ) -> None:
        """Say what is wrong, and where the value may come from."""
        self.counts["wrong"] += 1
        self.counts["backwards"] += told.is_behind(state)
        shown = f"{state.state} {state.attributes.get('unit_of_measurement')}"
        expected = [
            f"{one.shown} {told.unit} ({one.value} read at {one.time})"
            for one in told.possible
        ]
        sources = [
            f"meter {number} at {sent.time}"
            for number, meter in place.meters.items()
            for sent in meter.history
            if told.fits(state, Possibility(shown=sent.values[told.quantity.name]))
        ]
        time = reading and reading.time
        self.faults.append(
            f"{place.id} {told.quantity.name} {[*told.rule.chain]}: {shown}, read at {time}, should be one of {expected};"
            f" it was sent by {sources[-3:]}"
        )

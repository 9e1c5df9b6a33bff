"""What the log says of a meter: one line when something goes wrong, and one when all is well again."""

from collections.abc import Iterable, Mapping

from homeassistant.core import HomeAssistant

from ..const import LOGGER
from ..meters.binding import Binding
from ..meters.reading import Result
from ..presentation.reasons import reason_text
from ..presentation.texts import cached_texts
from ..protocol import MBusError


class MeterLog:
    """Says what is new of a meter, by the name it has then, and of its bindings."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with nothing said."""
        self._hass = hass
        self._is_silent = False
        self._without_value: set[str] = set()

    def note_failure(self, name: str, error: MBusError) -> None:
        """Take note that the meter can't be read."""
        if not self._is_silent:
            self._is_silent = True
            LOGGER.warning("%s can't be read: %s", name, error)

    def note_answer(self, name: str) -> None:
        """Take note that the meter was read."""
        if self._is_silent:
            self._is_silent = False
            LOGGER.info("%s answers again", name)

    def note_results(
        self, name: str, bindings: Iterable[Binding], results: Mapping[str, Result]
    ) -> None:
        """Take note of what bindings have of a reading."""
        for binding in bindings:
            if (reason := results[binding.id].reason) is None:
                if binding.id in self._without_value:
                    self._without_value.discard(binding.id)
                    LOGGER.info("%s: %s has a value again", name, binding.name)
            elif binding.id not in self._without_value:
                self._without_value.add(binding.id)
                text = reason_text(reason, cached_texts(self._hass, "en"))
                LOGGER.warning("%s: %s has no value: %s", name, binding.name, text)

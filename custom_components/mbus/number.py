"""Numbers: writable records that hold one."""

from typing import Final, override

from homeassistant.components.number import NumberDeviceClass, NumberEntity, NumberMode
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .polling.coordinator import MBusConfigEntry
from .presentation.entered_number import number_range, shown_number

PARALLEL_UPDATES = 1

_DEVICE_CLASSES: Final = frozenset(map(str, NumberDeviceClass))
_FINE_STEP: Final = 0.001
"""For records that can hold any number."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a number for every writable binding of that nature."""
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.NUMBER, BindingNumber
    )


class BindingNumber(ControlEntity, NumberEntity):
    """The number in a record, in the unit in which its sensor is shown at first."""

    _attr_mode = NumberMode.BOX

    @override
    def describe(self) -> None:
        """Take on the range and unit that can be entered."""
        super().describe()
        numbers = number_range(self.binding, self.display)
        assert numbers is not None
        self._attr_native_min_value = numbers.minimum
        self._attr_native_max_value = numbers.maximum
        self._attr_native_step = numbers.step or _FINE_STEP
        self._attr_native_unit_of_measurement = numbers.unit
        device_class = self.display.description.device_class
        self._attr_device_class = (
            NumberDeviceClass(device_class) if device_class in _DEVICE_CLASSES else None
        )

    @property
    @override
    def native_value(self) -> float | None:
        """Return the number as the chain gives it."""
        return shown_number(self.display, self.current)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Write the number."""
        await self.async_write(value)

"""Buttons: read a meter now, set its clock, clear a peak, send a record that has no data."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .control import ControlEntity, async_setup_controls
from .entity import MeterEntity, async_setup_meter_entities
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .polling.meter_clock import async_set_clock
from .presentation.control_kind import is_cleared

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class MeterButtonEntityDescription(ButtonEntityDescription):
    """What pressing the button does with the meter."""

    press_fn: Callable[[MeterCoordinator], Awaitable[object]]


DESCRIPTIONS = (
    MeterButtonEntityDescription(
        key="read_now",
        translation_key="read_now",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=MeterCoordinator.async_read_now,
    ),
    MeterButtonEntityDescription(
        key="synchronise_clock",
        translation_key="synchronise_clock",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        press_fn=async_set_clock,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of every meter, and one for every writable binding of that nature."""

    def create(coordinator: MeterCoordinator) -> Iterator[MeterButton]:
        return (MeterButton(coordinator, description) for description in DESCRIPTIONS)

    await async_setup_meter_entities(hass, entry, async_add_entities, create)
    await async_setup_controls(
        hass, entry, async_add_entities, Platform.BUTTON, BindingButton
    )


class MeterButton(MeterEntity, ButtonEntity):
    """A button of a meter: usable while the meter is silent, too."""

    entity_description: MeterButtonEntityDescription

    def __init__(
        self, coordinator: MeterCoordinator, description: MeterButtonEntityDescription
    ) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(coordinator, f"{coordinator.meter.id}_{description.key}")
        self.entity_description = description

    @property
    @override
    def available(self) -> bool:
        """Return True: pressing is how one finds out whether the meter answers."""
        return True

    @override
    async def async_press(self) -> None:
        """Do it, or say why it failed."""
        await self.entity_description.press_fn(self.coordinator)


class BindingButton(ControlEntity, ButtonEntity):
    """What a meter does when a record is sent to it without data; a peak is cleared by that."""

    @override
    def describe(self) -> None:
        """Say what pressing it does."""
        super().describe()
        self._attr_translation_key = None
        self._attr_translation_placeholders = {}
        if not self.binding.title and is_cleared(self.binding):
            self._attr_translation_key = "clear"
            self._attr_translation_placeholders = {"record": self._attr_name or ""}
            del self._attr_name

    @override
    async def async_press(self) -> None:
        """Send the record."""
        await self.async_write(None)

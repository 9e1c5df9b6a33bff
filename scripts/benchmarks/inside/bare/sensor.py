"""Ten sensors of each meter."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    UnitOfEnergy,
    UnitOfMass,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from . import DOMAIN, BareConfigEntry, BareCoordinator

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class BareEntityDescription(SensorEntityDescription):
    """A value, and what one step of it is."""

    factor: float


def description(
    key: str,
    device_class: SensorDeviceClass | None,
    unit: str,
    factor: float,
    *,
    is_total: bool = False,
) -> BareEntityDescription:
    """Return a value's description."""
    return BareEntityDescription(
        key=key,
        translation_key=key,
        device_class=device_class,
        native_unit_of_measurement=unit,
        state_class=SensorStateClass.TOTAL_INCREASING
        if is_total
        else SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        factor=factor,
    )


_CELSIUS = UnitOfTemperature.CELSIUS
_TEMPERATURE = SensorDeviceClass.TEMPERATURE
DESCRIPTIONS = (
    description(
        "energy",
        SensorDeviceClass.ENERGY,
        UnitOfEnergy.KILO_WATT_HOUR,
        0.001,
        is_total=True,
    ),
    description(
        "volume",
        SensorDeviceClass.WATER,
        UnitOfVolume.CUBIC_METERS,
        0.001,
        is_total=True,
    ),
    description(
        "mass", SensorDeviceClass.WEIGHT, UnitOfMass.KILOGRAMS, 1, is_total=True
    ),
    description("power", SensorDeviceClass.POWER, UnitOfPower.WATT, 1),
    description(
        "volume_flow",
        SensorDeviceClass.VOLUME_FLOW_RATE,
        UnitOfVolumeFlowRate.CUBIC_METERS_PER_HOUR,
        0.001,
    ),
    description("flow_temperature", _TEMPERATURE, _CELSIUS, 0.1),
    description("return_temperature", _TEMPERATURE, _CELSIUS, 0.1),
    description(
        "temperature_difference",
        SensorDeviceClass.TEMPERATURE_DELTA,
        UnitOfTemperature.KELVIN,
        0.1,
    ),
    description("external_temperature", _TEMPERATURE, _CELSIUS, 0.1),
    description("mass_flow", None, "kg/h", 1),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BareConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add all at once."""
    async_add_entities(
        BareSensor(coordinator, number, description)
        for coordinator in entry.runtime_data.coordinators
        for number, description in enumerate(DESCRIPTIONS)
    )


class BareSensor(CoordinatorEntity[BareCoordinator], SensorEntity):
    """One value of a meter."""

    _attr_has_entity_name = True
    entity_description: BareEntityDescription

    def __init__(
        self,
        coordinator: BareCoordinator,
        number: int,
        description: BareEntityDescription,
    ) -> None:
        """Belong to the meter's device."""
        super().__init__(coordinator)
        self.entity_description = description
        self._number = number
        meter = f"{coordinator.config_entry.entry_id}_{coordinator.address}"
        self._attr_unique_id = f"{meter}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, meter)},
            name=f"Bare {coordinator.address}",
            manufacturer="Simulated",
        )

    @property
    @override
    def native_value(self) -> float | None:
        """Return the value."""
        values = self.coordinator.data
        return values[self._number] * self.entity_description.factor if values else None

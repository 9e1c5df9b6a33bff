"""What a connection and a meter tell about themselves, beside the values of bindings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfInformation,
    UnitOfTime,
)
from homeassistant.helpers.typing import StateType

from .entity import ConnectionEntity, MeterEntity
from .meters.binding import BindingState
from .meters.events import STATUS_BITS
from .polling.coordinator import MBusConfigEntry, MBusRuntimeData, MeterCoordinator
from .protocol import Way

MAX_STATE_LENGTH = 255


@dataclass(frozen=True, kw_only=True)
class ConnectionSensorEntityDescription(SensorEntityDescription):
    """A figure of the connection."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value_fn: Callable[[MBusRuntimeData], StateType]


CONNECTION_SENSORS = (
    ConnectionSensorEntityDescription(
        key="actual_connection",
        translation_key="actual_connection",
        device_class=SensorDeviceClass.ENUM,
        options=["master", "backup", "none"],
        value_fn=lambda data: data.connection.bus.active or "none",
    ),
    ConnectionSensorEntityDescription(
        key="last_error",
        translation_key="last_error",
        value_fn=lambda data: (
            (data.connection.last_error or "")[:MAX_STATE_LENGTH] or None
        ),
    ),
    ConnectionSensorEntityDescription(
        key="master_connection",
        translation_key="master_connection",
        entity_registry_enabled_default=False,
        value_fn=lambda data: str(data.connection.bus.ways[Way.MASTER]),
    ),
    ConnectionSensorEntityDescription(
        key="poll_duration",
        translation_key="poll_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda data: data.schedule.figures.poll_duration or None,
    ),
    ConnectionSensorEntityDescription(
        key="bus_load",
        translation_key="bus_load",
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda data: (
            data.schedule.figures.bus_load * 100
            if data.schedule.figures.poll_duration
            else None
        ),
    ),
    ConnectionSensorEntityDescription(
        key="memory_in_use",
        translation_key="memory_in_use",
        device_class=SensorDeviceClass.DATA_SIZE,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.KIBIBYTES,
        suggested_display_precision=0,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda data: data.memory_in_use,
    ),
    ConnectionSensorEntityDescription(
        key="requests",
        translation_key="requests",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value_fn=lambda data: data.connection.bus.statistics.requests,
    ),
    ConnectionSensorEntityDescription(
        key="failures",
        translation_key="failures",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value_fn=lambda data: data.connection.failures,
    ),
)


class ConnectionSensor(ConnectionEntity, SensorEntity):
    """A figure of the connection, as of the last transaction."""

    entity_description: ConnectionSensorEntityDescription

    def __init__(
        self, entry: MBusConfigEntry, description: ConnectionSensorEntityDescription
    ) -> None:
        """Describe the figure."""
        super().__init__(entry, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> StateType:
        """Return the figure."""
        return self.entity_description.value_fn(self.entry.runtime_data)


class MeterDiagnosticSensor(MeterEntity, SensorEntity):
    """A sensor of the meter that has something to say even while the meter is silent."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, coordinator: MeterCoordinator) -> None:
        """Belong to the meter, not to one binding."""
        super().__init__(
            coordinator, f"{coordinator.meter.id}_{self._attr_translation_key}"
        )

    @property
    @override
    def available(self) -> bool:
        """Return True: the error of a silent meter is shown just then."""
        return True


class BindingStateSensor(MeterDiagnosticSensor):
    """The worst error among a meter's bindings, with all of them as an attribute."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = [*BindingState]
    _attr_translation_key = "binding_state"
    _unrecorded_attributes = frozenset({"errors"})

    @property
    @override
    def native_value(self) -> BindingState | None:
        """Return the worst state, once the meter was asked."""
        data = self.coordinator.data
        if not data.is_heard:
            return data.state if data.state is not BindingState.OK else None
        return BindingState.worst(
            {
                data.results[binding.id].state
                for binding in self.coordinator.enabled_bindings
            }
        )

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return the errors by the bindings' names."""
        data, bindings = self.coordinator.data, self.coordinator.enabled_bindings
        if data.state is not BindingState.OK:
            return {"errors": {binding.name: data.reason for binding in bindings}}
        return {
            "errors": {
                binding.name: result.reason or result.state
                for binding in bindings
                if (result := data.result(binding.id))
                and result.state is not BindingState.OK
            }
        }


class LastReadSensor(MeterDiagnosticSensor):
    """When the meter last answered."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_translation_key = "last_read"

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the time of the last reading."""
        reading = self.coordinator.data.reading
        return reading.time if reading else None


class StatusSensor(MeterDiagnosticSensor):
    """The status byte of the last reply, put into one word: the gravest of what it says."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = [*STATUS_BITS, "ok"]
    _attr_translation_key = "status"
    _unrecorded_attributes = frozenset({"status", "manufacturer_status"})

    @property
    @override
    def available(self) -> bool:
        """Return whether the meter can be heard."""
        return self.coordinator.data.state is BindingState.OK

    @property
    @override
    def native_value(self) -> str | None:
        """Return the gravest of what the status says; None where the meter sends no header."""
        if (header := self.coordinator.data.header) is None:
            return None
        return next((name for name in STATUS_BITS if getattr(header, name)), "ok")

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the whole byte, and the bits whose meaning is the manufacturer's."""
        if (header := self.coordinator.data.header) is None:
            return None
        return {
            "status": f"{header.status:02X}",
            "manufacturer_status": header.manufacturer_status,
        }


METER_SENSORS = (BindingStateSensor, LastReadSensor, StatusSensor)

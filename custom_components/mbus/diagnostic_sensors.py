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

from .const import TYPE_SERIAL, TYPE_TCP
from .entity import ConnectionEntity, MeterEntity
from .meters.binding import BindingState
from .meters.events import STATUS_BITS
from .polling.coordinator import MBusConfigEntry, MBusRuntimeData, MeterCoordinator
from .presentation.reasons import reason_text
from .presentation.texts import Texts, cached_texts
from .profiles.catalogue import cached_catalogue
from .protocol import LAST_PRIMARY, TcpSettings, Way, secondary_of

MAX_STATE_LENGTH = 255


@dataclass(frozen=True, kw_only=True)
class ConnectionSensorEntityDescription(SensorEntityDescription):
    """A figure of the connection."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value_fn: Callable[[MBusRuntimeData, Texts], StateType]
    attributes_fn: Callable[[MBusRuntimeData], Mapping[str, Any]] | None = None


def _connected_over(data: MBusRuntimeData) -> str:
    """Return which way is in use; where there is only one, what it is."""
    bus = data.connection.bus
    if bus.active is None:
        return "none"
    if len(bus.ways) > 1:
        return bus.active
    return TYPE_TCP if isinstance(bus.ways[bus.active], TcpSettings) else TYPE_SERIAL


def _way_in_use(data: MBusRuntimeData) -> Mapping[str, Any]:
    bus = data.connection.bus
    return {"way": str(bus.ways[bus.active])} if bus.active else {}


CONNECTION_SENSORS = (
    ConnectionSensorEntityDescription(
        key="actual_connection",
        translation_key="actual_connection",
        device_class=SensorDeviceClass.ENUM,
        options=[TYPE_SERIAL, TYPE_TCP, "master", "backup", "none"],
        value_fn=lambda data, texts: _connected_over(data),
        attributes_fn=_way_in_use,
    ),
    ConnectionSensorEntityDescription(
        key="last_error",
        translation_key="last_error",
        value_fn=lambda data, texts: (
            reason_text(error, texts)[:MAX_STATE_LENGTH]
            if (error := data.connection.last_error)
            else "none"
        ),
        attributes_fn=lambda data: {"time": data.connection.last_error_time},
    ),
    ConnectionSensorEntityDescription(
        key="master_connection",
        translation_key="master_connection",
        entity_registry_enabled_default=False,
        value_fn=lambda data, texts: str(data.connection.bus.ways[Way.MASTER]),
    ),
    ConnectionSensorEntityDescription(
        key="poll_duration",
        translation_key="poll_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda data, texts: data.schedule.figures.poll_duration or None,
    ),
    ConnectionSensorEntityDescription(
        key="bus_load",
        translation_key="bus_load",
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda data, texts: (
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
        value_fn=lambda data, texts: data.memory_in_use,
    ),
    ConnectionSensorEntityDescription(
        key="requests",
        translation_key="requests",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value_fn=lambda data, texts: data.connection.bus.statistics.requests,
    ),
    ConnectionSensorEntityDescription(
        key="failures",
        translation_key="failures",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_registry_enabled_default=False,
        value_fn=lambda data, texts: data.connection.failures,
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
        return self.entity_description.value_fn(
            self.entry.runtime_data, cached_texts(self.hass)
        )

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what belongs to the figure."""
        attributes = self.entity_description.attributes_fn
        return attributes(self.entry.runtime_data) if attributes else None


class MeterDiagnosticSensor(MeterEntity, SensorEntity):
    """A sensor of the meter that has something to say even while the meter is silent."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False

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
        if data.reason:
            reasons = dict.fromkeys((binding.name for binding in bindings), data.reason)
        else:
            reasons = {
                binding.name: reason
                for binding in bindings
                if (reason := data.result(binding.id).reason)
            }
        texts = cached_texts(self.hass)
        return {
            "errors": {
                name: reason_text(reason, texts) for name, reason in reasons.items()
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


class AddressSensor(MeterDiagnosticSensor):
    """Where the meter is on the bus, as configured; with it, both its addresses and the profile it is read by."""

    _attr_entity_registry_enabled_default = True
    _attr_translation_key = "address"
    _unrecorded_attributes = frozenset(
        {"primary_address", "secondary_address", "profile"}
    )

    @property
    @override
    def native_value(self) -> str:
        """Return the address that the meter is asked at."""
        return str(self.coordinator.meter.address)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what is known of its addresses by the last reading, and its profile."""
        meter, reading = self.coordinator.meter, self.coordinator.data.reading
        telegrams = reading.telegrams if reading else ()
        primary = meter.address if isinstance(meter.address, int) else None
        secondary = None if isinstance(meter.address, int) else meter.address
        if telegrams:
            if primary is None and telegrams[0].address <= LAST_PRIMARY:
                primary = telegrams[0].address
            secondary = secondary_of(telegrams[0]) or secondary
        catalogue = cached_catalogue(self.hass)
        profile = catalogue.profile_for(telegrams, meter.profile)
        return {
            "primary_address": primary,
            "secondary_address": str(secondary) if secondary else None,
            "profile": profile.name if profile else None,
        }


METER_SENSORS = (AddressSensor, BindingStateSensor, LastReadSensor, StatusSensor)

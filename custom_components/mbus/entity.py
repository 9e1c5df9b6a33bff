"""What all entities share: the connection's and the meters' devices, and entities that come and go with a meter."""

import abc
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TYPE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN, SIGNAL_CONNECTION_UPDATED, SIGNAL_METER_CHANGED
from .meters.binding import Binding, BindingState
from .polling.coordinator import MBusConfigEntry, MeterCoordinator
from .presentation.display import Display
from .presentation.manufacturers import manufacturer_name
from .presentation.texts import cached_texts
from .presentation.titles import device_kind, link_kind
from .slices import sliced


def connection_device_info(hass: HomeAssistant, entry: ConfigEntry) -> DeviceInfo:
    """Return the device that stands for the level converter or gateway."""
    return DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        model=link_kind(entry.data[CONF_TYPE], cached_texts(hass)),
    )


def meter_device_info(coordinator: MeterCoordinator) -> DeviceInfo:
    """Return the device that stands for a meter, below the connection's."""
    meter = coordinator.meter
    maker = meter.identity.manufacturer if meter.identity else None
    return DeviceInfo(
        identifiers={(DOMAIN, meter.id)},
        name=meter.title,
        manufacturer=manufacturer_name(maker) if maker else None,
        model=device_kind(meter.medium, cached_texts(coordinator.hass)),
        serial_number=meter.identity.identification if meter.identity else None,
        hw_version=None if meter.version is None else str(meter.version),
        via_device_id=coordinator.config_entry.runtime_data.gateway_device_id,
    )


class ConnectionEntity(Entity):
    """An entity of the connection itself, told when something happened on its bus."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: MBusConfigEntry, key: str) -> None:
        """Tie the entity to the connection's device."""
        self.entry = entry
        self.connection = entry.runtime_data.connection
        self._attr_unique_id = f"{entry.entry_id}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the connection."""
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass,
                SIGNAL_CONNECTION_UPDATED.format(self.entry.entry_id),
                self.async_write_ha_state,
            )
        )


class MeterEntity(CoordinatorEntity[MeterCoordinator]):
    """An entity of a meter."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: MeterCoordinator, unique_id: str, context: str | None = None
    ) -> None:
        """Tie the entity to the meter's device."""
        super().__init__(coordinator, context)
        self._attr_unique_id = unique_id
        self.device_entry = dr.async_get(
            coordinator.hass
        ).async_get_device_by_identifier(
            (DOMAIN, coordinator.meter.id), coordinator.config_entry.entry_id
        )
        self._present: dict[str, MeterEntity] = {}

    @callback
    def be_listed(self, unique_id: str, present: dict[str, MeterEntity]) -> None:
        """Stand among those that are present, from now on for as long as the entity is."""
        self._present = present
        present[unique_id] = self

    @callback
    def async_follow_changes(self, entity_id: str) -> None:
        """Bring up to date what is registered of the entity, and would be kept to, before it is added again."""

    @override
    async def async_prepare_to_add_to_hass(self) -> None:
        """Stand among those present again where Home Assistant took the entity out only for another entity id."""
        await super().async_prepare_to_add_to_hass()
        if (unique_id := self.unique_id) is not None:
            self._present[unique_id] = self
            self.async_on_remove(partial(self._present.__delitem__, unique_id))


class BindingEntity(MeterEntity):
    """An entity of a binding; what can change of the binding is described anew when it does."""

    def __init__(
        self, coordinator: MeterCoordinator, binding: Binding, suffix: str = ""
    ) -> None:
        """Take the binding's id as the context that keeps the meter polled."""
        super().__init__(coordinator, f"{binding.id}{suffix}", context=binding.id)
        self.binding = binding
        self.described = coordinator.described[binding.id]
        self.describe()

    @property
    def display(self) -> Display:
        """Return how the binding is shown."""
        return self.described.display

    @abc.abstractmethod
    def describe(self) -> None:
        """Take on what follows from the binding and its display."""

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show the new value, and first how it is shown now if the binding was changed."""
        described = self.coordinator.described.get(self.binding.id)
        if described is None:
            return  # The binding is gone, and this entity about to be removed.
        if described is not self.described:
            self.described = described
            self.binding = described.binding
            self.describe()
            self._update_registry()
        super()._handle_coordinator_update()

    def _update_registry(self) -> None:
        """Bring up to date what Home Assistant otherwise registers once, when the entity is added."""
        registry = er.async_get(self.hass)
        registry.async_update_entity(
            self.entity_id,
            entity_category=self.entity_category,
            translation_key=self.translation_key,
            unit_of_measurement=None,
        )
        # Told of that change, the entity has looked whether a unit that a person chose fits what it shows now.
        registry.async_update_entity(
            self.entity_id, unit_of_measurement=self.unit_of_measurement
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Let the meter be read: somebody wants the record now; tell what is wrong with one that nobody wanted before."""
        await super().async_added_to_hass()
        coordinator, data = self.coordinator, self.coordinator.data
        meter, state = coordinator.meter, data.result(self.binding.id).state
        is_left_out = (
            state is BindingState.NO_TELEGRAM
            and data.reading is not None
            and data.reading.is_cut_short(meter.quirks)
        )
        coordinator.schedule.async_want(meter.id, is_overdue=is_left_out)
        # Before the first reading nothing is wrong, and hundreds of entities are added.
        if data.is_present and state is not BindingState.OK:
            coordinator.async_report_errors()
            coordinator.async_update_listeners()

    @property
    @override
    def available(self) -> bool:
        """Return whether the record was in the present reading; one without a valid value is unknown instead."""
        return self.coordinator.data.result(self.binding.id).found

    @property
    @override
    def suggested_object_id(self) -> str:
        """Return the binding's name, so that the entity id doesn't depend on a title."""
        return self.binding.name


async def async_setup_meter_entities(
    hass: HomeAssistant,
    entry: MBusConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    create: Callable[[MeterCoordinator], Iterable[MeterEntity]],
) -> None:
    """Add a platform's entities of every meter, and keep to what `create` gives when a meter or a binding changes.

    An entity that it doesn't give any more goes, but stays registered: whatever is known of it is there when it returns.
    One that is known to be disabled is not added only to be turned down: who enables it has the connection reloaded.
    """
    registry, domain = er.async_get(hass), async_get_current_platform().domain
    present = defaultdict[str, dict[str, MeterEntity]](dict)

    def entity_id_of(unique_id: str) -> str | None:
        return registry.async_get_entity_id(domain, DOMAIN, unique_id)

    def is_disabled(unique_id: str) -> bool:
        entity_id = entity_id_of(unique_id)
        registered = entity_id and registry.async_get(entity_id)
        return bool(registered and registered.disabled)

    @callback
    def async_update(coordinator: MeterCoordinator) -> None:
        of_meter = present[coordinator.meter.id]
        wanted = {
            unique_id: entity
            for entity in create(coordinator)
            if (unique_id := entity.unique_id) is not None
        }
        for unique_id in of_meter.keys() - wanted.keys():
            entry.async_create_task(hass, of_meter[unique_id].async_remove())
        new = {
            unique_id: entity
            for unique_id, entity in wanted.items()
            if unique_id not in of_meter and not is_disabled(unique_id)
        }
        for unique_id, entity in new.items():
            entity.be_listed(unique_id, of_meter)
            if entity_id := entity_id_of(unique_id):
                entity.async_follow_changes(entity_id)
        if new:
            async_add_entities(new.values(), config_subentry_id=coordinator.meter.id)

    entry.async_on_unload(
        async_dispatcher_connect(
            hass, SIGNAL_METER_CHANGED.format(entry.entry_id), async_update
        )
    )
    coordinators = entry.runtime_data.coordinators
    async for meter_id in sliced(list(coordinators)):
        if coordinator := coordinators.get(meter_id):
            async_update(coordinator)

"""How each quantity is shown: the one table from what a record is about to device class, units and state class."""

from dataclasses import dataclass, replace
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS
from homeassistant.const import EntityCategory

MEASUREMENT: Final = SensorStateClass.MEASUREMENT
TOTAL: Final = SensorStateClass.TOTAL
COUNTER: Final = SensorStateClass.TOTAL_INCREASING
DIAGNOSTIC: Final = EntityCategory.DIAGNOSTIC

_NO_UNIT: Final = frozenset({None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a quantity is shown where the unit is one of the device class, or else of `units`.

    `state_class` is that of a present value. `shown_in` maps the meter's unit to the one people are used to.
    `precision` is the most decimals in the unit shown.
    """

    device_class: SensorDeviceClass | None = None
    units: frozenset[str | None] = _NO_UNIT
    state_class: SensorStateClass | None = None
    category: EntityCategory | None = None
    shown_in: tuple[tuple[str, str], ...] = ()
    precision: int | None = None

    def takes(self, unit: str | None) -> bool:
        """Return whether a record in this unit is what it is for."""
        if self.device_class is None:
            return unit in self.units
        return unit in DEVICE_CLASS_UNITS[self.device_class]


def _measured(
    device_class: SensorDeviceClass,
    precision: int,
    category: EntityCategory | None = None,
) -> Look:
    return Look(
        device_class=device_class,
        state_class=MEASUREMENT,
        category=category,
        precision=precision,
    )


def _duration(state_class: SensorStateClass | None = None, **shown_in: str) -> Look:
    return Look(
        device_class=SensorDeviceClass.DURATION,
        state_class=state_class,
        category=DIAGNOSTIC,
        shown_in=tuple(shown_in.items()),
        precision=1,
    )


_TEMPERATURE: Final = _measured(SensorDeviceClass.TEMPERATURE, 2)
_DELTA: Final = _measured(SensorDeviceClass.TEMPERATURE_DELTA, 2)
_NOTE: Final = Look(category=DIAGNOSTIC)
_FACTOR: Final = Look(category=DIAGNOSTIC, precision=3)
_ANGLE: Final = Look(
    units=frozenset({"°"}), state_class=SensorStateClass.MEASUREMENT_ANGLE, precision=1
)
_FLOW: Final = Look(
    device_class=SensorDeviceClass.VOLUME_FLOW_RATE,
    state_class=MEASUREMENT,
    shown_in=(("m³/min", "m³/h"), ("m³/s", "m³/h")),
    precision=3,
)
_RUNNING: Final = _duration(COUNTER, s="h", min="h")
_WEIGHT: Final = Look(
    device_class=SensorDeviceClass.WEIGHT, state_class=COUNTER, precision=1
)

PLAIN: Final = Look()
NUMBER: Final = Look(state_class=MEASUREMENT)
COUNT: Final = Look(state_class=COUNTER, category=DIAGNOSTIC)

TABLE: Final[dict[str, Look]] = {
    "energy": Look(
        device_class=SensorDeviceClass.ENERGY,
        state_class=COUNTER,
        shown_in=(("Wh", "kWh"), ("J", "GJ"), ("cal", "Mcal")),
        precision=3,
    ),
    "reactive_energy": Look(
        device_class=SensorDeviceClass.REACTIVE_ENERGY,
        state_class=COUNTER,
        shown_in=(("varh", "kvarh"),),
        precision=3,
    ),
    "apparent_energy": Look(units=frozenset({"VAh"}), state_class=COUNTER, precision=0),
    "volume": Look(
        device_class=SensorDeviceClass.VOLUME, state_class=COUNTER, precision=3
    ),
    "mass": _WEIGHT,
    "hca_units": Look(state_class=COUNTER, precision=0),
    "power": _measured(SensorDeviceClass.POWER, 1),
    "cumulative_maximum_power": _measured(SensorDeviceClass.POWER, 1),
    "reactive_power": _measured(SensorDeviceClass.REACTIVE_POWER, 1),
    "apparent_power": _measured(SensorDeviceClass.APPARENT_POWER, 1),
    "voltage": _measured(SensorDeviceClass.VOLTAGE, 1),
    "current": _measured(SensorDeviceClass.CURRENT, 3),
    "frequency": _measured(SensorDeviceClass.FREQUENCY, 2),
    "phase_angle": _ANGLE,
    "phase_angle_voltage": _ANGLE,
    "volume_flow": _FLOW,
    "mass_flow": Look(units=frozenset({"kg/h"}), state_class=MEASUREMENT, precision=1),
    "flow_temperature": _TEMPERATURE,
    "return_temperature": _TEMPERATURE,
    "external_temperature": _TEMPERATURE,
    "temperature": _TEMPERATURE,
    "temperature_limit": replace(_TEMPERATURE, state_class=None, category=DIAGNOSTIC),
    "temperature_difference": _DELTA,
    "pressure": _measured(SensorDeviceClass.PRESSURE, 3),
    "relative_humidity": _measured(SensorDeviceClass.HUMIDITY, 1),
    "moisture_level": _measured(SensorDeviceClass.MOISTURE, 1),
    "rf_level": _measured(SensorDeviceClass.SIGNAL_STRENGTH, 0, DIAGNOSTIC),
    "coefficient_of_performance": Look(state_class=MEASUREMENT, precision=1),
    "credit": Look(precision=2),
    "debit": Look(precision=2),
    # Times
    "on_time": _RUNNING,
    "operating_time": _RUNNING,
    "battery_operating_time": _duration(COUNTER),
    "battery_life": _duration(MEASUREMENT),
    "averaging_duration": _duration(),
    "actuality_duration": _duration(MEASUREMENT),
    "duration_since_readout": _duration(MEASUREMENT),
    "duration_since_cumulation": _duration(MEASUREMENT),
    "storage_interval": _duration(),
    "tariff_duration": _duration(),
    "tariff_period": _duration(),
    "transmission_period": _duration(),
    "time_point_second": _duration(),
    "date": _NOTE,
    "time": _NOTE,
    "date_time": _NOTE,
    "tariff_start": _NOTE,
    "day_change": _NOTE,
    "battery_change": _NOTE,
    "day_of_week": _NOTE,
    "week_number": _NOTE,
    "daylight_saving": _NOTE,
    # Counts
    "reset_counter": COUNT,
    "cumulation_counter": COUNT,
    "stop_counter": COUNT,
    # What the meter is and how it is set
    "fabrication_number": _NOTE,
    "identification": _NOTE,
    "bus_address": _NOTE,
    "access_number": _NOTE,
    "device_type": _NOTE,
    "manufacturer": _NOTE,
    "parameter_set": _NOTE,
    "model_version": _NOTE,
    "hardware_version": _NOTE,
    "firmware_version": _NOTE,
    "software_version": _NOTE,
    "customer_location": _NOTE,
    "customer": _NOTE,
    "access_code_user": _NOTE,
    "access_code_operator": _NOTE,
    "access_code_system_operator": _NOTE,
    "access_code_developer": _NOTE,
    "password": _NOTE,
    "security_key": _NOTE,
    "error_flags": _NOTE,
    "error_mask": _NOTE,
    "baud_rate": Look(units=frozenset({"Bd"}), category=DIAGNOSTIC),
    "response_delay": _NOTE,
    "retry": _NOTE,
    "first_cyclic_storage_number": _NOTE,
    "last_cyclic_storage_number": _NOTE,
    "storage_block_size": _NOTE,
    "tariff_and_subunit_descriptor": _NOTE,
    "operator_data": _NOTE,
    "supplier_information": _NOTE,
    "parameter_activation_state": _NOTE,
    "selected_application": _NOTE,
    "listening_window": _NOTE,
    "wireless_container": _NOTE,
    "manufacturer_container": _NOTE,
    "hca_rating_factor": _FACTOR,
    "hca_thermal_output_factor": Look(
        units=frozenset({"W"}), category=DIAGNOSTIC, precision=0
    ),
    "hca_coupling_factor": _FACTOR,
    "hca_room_coupling_factor": _FACTOR,
    "hca_heater_coupling_factor": _FACTOR,
    "hca_low_temperature_factor": _FACTOR,
    "hca_display_factor": _FACTOR,
    # What profiles and the rules without a maker add
    "power_factor": _measured(SensorDeviceClass.POWER_FACTOR, 3),
    "co2_emission": replace(_WEIGHT, precision=3),
    "cost": Look(state_class=TOTAL, precision=2),
    "pulse_count": Look(state_class=COUNTER, precision=0),
    "phase_angle_current": _ANGLE,
    "phase_angle_power": _ANGLE,
    "active_tariff": PLAIN,
    "quadrant": PLAIN,
    "percentage": Look(units=frozenset({"%"}), state_class=MEASUREMENT, precision=2),
    "error_time": _RUNNING,
    "outage_time": _RUNNING,
    "power_failures": COUNT,
    "battery_level": _measured(SensorDeviceClass.BATTERY, 0, DIAGNOSTIC),
    "alarm_flags": _NOTE,
    "information_flags": _NOTE,
    "warning_flags": _NOTE,
    "current_transformer_ratio": _FACTOR,
    "voltage_transformer_ratio": _FACTOR,
    "transformer_ratio": _FACTOR,
    "pulse_numerator": _NOTE,
    "pulse_denominator": _NOTE,
    # What may be anything
    "digital_output": PLAIN,
    "digital_input": PLAIN,
    "remote_control": PLAIN,
    "control_signal": PLAIN,
    "dimensionless": PLAIN,
    "plain_text": PLAIN,
    "manufacturer_specific": PLAIN,
    "any": PLAIN,
    "unknown": PLAIN,
}

BY_DIMENSION: Final[dict[str | None, Look]] = {
    **{
        name: replace(TABLE[name], state_class=TOTAL)
        for name in ("energy", "reactive_energy", "apparent_energy", "volume", "mass")
    },
    **{
        name: TABLE[name]
        for name in ("power", "volume_flow", "mass_flow", "temperature", "pressure")
    },
    "time": _duration(MEASUREMENT),
    "calendar_time": Look(units=frozenset({"month", "year"}), category=DIAGNOSTIC),
}
"""Rows for a unit that is not one of the quantity's: an extension of the VIF or a transformation made it."""

ELECTRICITY: Final = 0x02
WATER_MEDIA: Final = frozenset({0x06, 0x07, 0x10, 0x11, 0x15, 0x16, 0x17, 0x28})
GAS_MEDIA: Final = frozenset({0x03, 0x12, 0x13})
HEAT_MEDIA: Final = frozenset({0x04, 0x05, 0x0A, 0x0B, 0x0C, 0x0D})
"""Device types (EN 13757-3, header): water of any kind; gas; heat and cooling."""

VOLUME_CLASSES: Final = (
    (WATER_MEDIA, SensorDeviceClass.WATER),
    (GAS_MEDIA, SensorDeviceClass.GAS),
)
"""What a volume is on a meter for these media; elsewhere, as in a heat meter, it is a volume."""

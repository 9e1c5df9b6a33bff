"""How Home Assistant shows a binding: what follows from its record, and what a person set instead."""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Final

from homeassistant.components.sensor import (
    DEVICE_CLASS_STATE_CLASSES,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_UNITS,
    NON_NUMERIC_DEVICE_CLASSES,
    STATE_CLASS_UNITS,
    UNIT_CONVERTERS,
)

from ..meters.binding import Binding, Presentation
from ..profiles.interpretation import Interpretation, scaled
from ..profiles.vocabulary import PAST
from ..protocol import (
    COMBINABLE,
    EXTENDED,
    FIRST_EXTENSION,
    PLAIN_TEXT,
    PRIMARY,
    SECOND_EXTENSION,
    SECOND_LEVEL,
    DataType,
    EncodeError,
    Function,
    Number,
    Signature,
    convert_unit,
    dimension,
    limits,
)
from .quantities import (
    BY_DIMENSION,
    COUNT,
    COUNTER,
    DIAGNOSTIC,
    HEAT_MEDIA,
    NUMBER,
    PLAIN,
    TABLE,
    TOTAL,
    VOLUME_CLASSES,
    Look,
)
from .resulting import Resulting, resulting

_UNITS_IN_ITS_PLACE: Final = {"J/h": "W"}
"""Units unknown to Home Assistant, and those it knows for the same."""

_ONE_WAY: Final = frozenset(
    {
        "import", "export", "absolute", "uncorrected", "base_conditions", "secondary_sensor", "high_resolution",
        "phase_1", "phase_2", "phase_3", "neutral", "quadrant_1", "quadrant_2", "quadrant_3", "quadrant_4",
        "standard_conform", "counter_1", "counter_2", "cooling", "heating", "inductive", "capacitive", "backward",
        "forward", "resettable", "input_1", "input_2", "input_3", "input_4", "system",
    }
)  # fmt: skip
"""Modifiers under which a register still only counts up."""
_BOTH_WAYS: Final = ("import_export_difference", "manufacturer")
"""Beginnings of modifiers under which a register may go back, or nobody but the manufacturer knows."""
_FIXED: Final = PAST | {"lower_limit", "upper_limit", "future", "was_on"}
"""Modifiers of what was, or is set, and not measured."""
_BYTES: Final = frozenset(
    {
        "compact_profile",
        "compact_profile_with_registers",
        "inverse_compact_profile",
    }
)
"""Modifiers of many values in one, which are shown as they were sent."""
_COUNTS: Final = frozenset({"lower_limit_exceed_count", "upper_limit_exceed_count"})

_TIME_POINT_TYPES: Final = frozenset({DataType.DATE, DataType.TIME_POINT})
_TIME_POINTS: Final = frozenset(
    row.quantity
    for table in (PRIMARY, FIRST_EXTENSION, SECOND_EXTENSION, SECOND_LEVEL)
    for row in table.values()
    if row.data_type in _TIME_POINT_TYPES
) | frozenset(
    row.modifier
    for table in (COMBINABLE, EXTENDED)
    for row in table.values()
    if row.replacement and row.replacement.data_type in _TIME_POINT_TYPES
)
"""Quantities and modifiers whose values are points in time."""
_TIME_POINT_CLASSES: Final = {
    2: SensorDeviceClass.DATE,
    4: SensorDeviceClass.TIMESTAMP,
    6: SensorDeviceClass.TIMESTAMP,
}
"""What a point in time is, by the data field of the DIF."""
_LVAR: Final = 0xD
"""The data field of data of variable length."""


def sensor_description(binding: Binding, medium: int | None) -> SensorEntityDescription:
    """Return how a binding is shown on a meter for this medium (device type code).

    What a person set in the binding's presentation goes before what follows from the record and the transformations.
    """
    description = own_description(binding, medium)
    if binding.presentation == Presentation():
        return description
    return _presented(description, binding)


def own_description(binding: Binding, medium: int | None) -> SensorEntityDescription:
    """Return how a binding is shown unless a person wants it otherwise."""
    description = read_description(binding, medium)
    if not binding.transformations:
        return description
    return _transformed(description, transformed_result(binding, medium))


def read_description(binding: Binding, medium: int | None) -> SensorEntityDescription:
    """Return how a binding's record is shown as it is read: without steps, and unless a person wants it otherwise."""
    if binding.meaning is None:
        return SensorEntityDescription(key="unread_record")
    return record_description(
        binding.meaning, binding.unit, binding.header, medium, binding.interpretation
    )


@lru_cache(maxsize=4096)
def record_description(
    signature: Signature,
    unit: str | None,
    header: bytes,
    medium: int | None,
    interpretation: Interpretation | None = None,
) -> SensorEntityDescription:
    """Return how a record is shown on a meter for this medium, unless a person wants it otherwise."""
    if interpretation is None:
        step = _step(header)
    else:
        step = _interpreted_step(interpretation, header)
        signature, unit = interpretation.signature, interpretation.unit
    if not _BYTES.isdisjoint(signature.modifiers):
        return SensorEntityDescription(
            key=signature.quantity, entity_category=DIAGNOSTIC
        )
    native = native_unit(unit)
    if signature.quantity == PLAIN_TEXT and _data_field(header) == _LVAR:
        native = None  # The text of the VIF names a text, not a unit.
    look = _look(signature, native)
    shown_in, precision = _shown(look, native, medium)
    description = SensorEntityDescription(
        key=signature.quantity,
        device_class=_device_class(look, signature, header, native, medium),
        entity_category=look.category,
        native_unit_of_measurement=native,
        state_class=_state_class(look, signature),
        suggested_display_precision=_precision(
            precision, step, unit, shown_in or native
        ),
        suggested_unit_of_measurement=shown_in,
    )
    return _interpreted(description, interpretation) if interpretation else description


def _interpreted(
    description: SensorEntityDescription, interpretation: Interpretation
) -> SensorEntityDescription:
    """Return a description with the classes that a profile names; a state class only where the value has one."""
    if interpretation.rule.device_class:
        device_class = SensorDeviceClass(interpretation.rule.device_class)
        description = replace(description, device_class=device_class)
    if interpretation.rule.state_class and description.state_class:
        state_class = SensorStateClass(interpretation.rule.state_class)
        description = replace(description, state_class=state_class)
    return _consistent(description)


def _transformed(
    description: SensorEntityDescription, result: Resulting
) -> SensorEntityDescription:
    unit = native_unit(result.unit)
    shown_in = description.suggested_unit_of_measurement
    if unit != description.native_unit_of_measurement:
        shown_in, _ = _shown(_look(None, unit), unit, None)
    return _consistent(
        replace(
            description,
            device_class=result.device_class,
            native_unit_of_measurement=unit,
            state_class=result.state_class,
            suggested_display_precision=None,
            suggested_unit_of_measurement=shown_in,
        )
    )


def transformed_result(binding: Binding, medium: int | None) -> Resulting:
    """Return unit and classes of what a binding's transformations make of its record."""
    description = read_description(binding, medium)
    return resulting(
        binding.value_unit,
        description.device_class,
        description.state_class,
        binding.transformations,
    )


def _presented(
    description: SensorEntityDescription, binding: Binding
) -> SensorEntityDescription:
    asked = binding.presentation
    if asked.unit:
        precision = description.suggested_display_precision
        if not binding.transformations:
            look = _look(binding.meaning, description.native_unit_of_measurement)
            step = (
                _interpreted_step(binding.interpretation, binding.header)
                if binding.interpretation
                else _step(binding.header)
            )
            precision = _precision(look.precision, step, binding.value_unit, asked.unit)
        description = replace(
            description,
            native_unit_of_measurement=asked.unit,
            suggested_unit_of_measurement=asked.unit,
            suggested_display_precision=precision,
        )
    if asked.device_class:
        device_class = SensorDeviceClass(asked.device_class)
        description = replace(description, device_class=device_class)
    if asked.state_class:
        state_class = SensorStateClass(asked.state_class)
        description = replace(description, state_class=state_class)
    if asked.precision is not None:
        description = replace(description, suggested_display_precision=asked.precision)
    return _consistent(description)


def _consistent(description: SensorEntityDescription) -> SensorEntityDescription:
    """Leave out what Home Assistant refuses or complains about because it doesn't go together."""
    device_class, state_class = description.device_class, description.state_class
    unit = description.native_unit_of_measurement
    shown_in = description.suggested_unit_of_measurement
    if device_class in NON_NUMERIC_DEVICE_CLASSES:
        return SensorEntityDescription(
            key=description.key,
            device_class=device_class,
            entity_category=description.entity_category,
        )
    if device_class and unit not in DEVICE_CLASS_UNITS.get(device_class, {unit}):
        device_class = None
    if state_class and (
        (device_class and state_class not in DEVICE_CLASS_STATE_CLASSES[device_class])
        or unit not in STATE_CLASS_UNITS.get(state_class, {unit})
    ):
        state_class = None
    if not converts(device_class, unit, shown_in):
        shown_in = None
    return replace(
        description,
        device_class=device_class,
        state_class=state_class,
        suggested_unit_of_measurement=shown_in,
    )


def _data_field(header: bytes) -> int:
    return header[0] & 0x0F if header else 0


def native_unit(unit: str | None) -> str | None:
    """Return the unit that stands in for a record's in Home Assistant."""
    return _UNITS_IN_ITS_PLACE.get(unit, unit) if unit else unit


def _look(signature: Signature | None, unit: str | None) -> Look:
    """Return the look of a quantity or, where the unit is not one of its, of the unit alone."""
    if signature:
        if _COUNTS.intersection(signature.modifiers):
            return COUNT
        look = TABLE[signature.quantity]
        if look.takes(unit):
            return look
    look = BY_DIMENSION.get(dimension(unit), PLAIN)
    return look if look.takes(unit) else NUMBER if unit else PLAIN


def _device_class(
    look: Look,
    signature: Signature | None,
    header: bytes,
    unit: str | None,
    medium: int | None,
) -> SensorDeviceClass | None:
    if (
        signature
        and unit is None
        and look is not COUNT
        and not _TIME_POINTS.isdisjoint((signature.quantity, *signature.modifiers))
    ):
        return _TIME_POINT_CLASSES.get(_data_field(header))
    if look.device_class is SensorDeviceClass.VOLUME:
        for media, device_class in VOLUME_CLASSES:
            if medium in media and unit in DEVICE_CLASS_UNITS[device_class]:
                return device_class
    return look.device_class


def _state_class(look: Look, signature: Signature | None) -> SensorStateClass | None:
    """Return the state class of a look, unless the value is not a present one or the register may go back."""
    if (
        signature is None
        or signature.storage_number
        or signature.function is Function.ERROR
        or not _FIXED.isdisjoint(signature.modifiers)
    ):
        return None
    if look.state_class is not COUNTER:
        return look.state_class
    if signature.function is not Function.INSTANTANEOUS:
        return None
    others = set(signature.modifiers) - _ONE_WAY - _COUNTS
    if not others:
        return COUNTER
    return TOTAL if all(name.startswith(_BOTH_WAYS) for name in others) else None


def _shown(
    look: Look, unit: str | None, medium: int | None
) -> tuple[str | None, int | None]:
    """Return the unit people are used to, and how many decimals to show in it."""
    if look.device_class is SensorDeviceClass.POWER and medium in HEAT_MEDIA:
        return "kW", 3
    return dict(look.shown_in).get(unit or ""), look.precision


def _step(header: bytes) -> Number | None:
    """Return the resolution of a record; None where there is no fixed one."""
    try:
        numbers = limits(header)
    except EncodeError:
        return None
    return numbers.step if numbers else None


def _interpreted_step(interpretation: Interpretation, header: bytes) -> Number | None:
    step = _step(header)
    if step is None or not interpretation.rule.has_fixed_factor:
        return None
    return scaled(step, interpretation.rule.factor_for(header))


def _precision(
    most: int | None, step: Number | None, unit: str | None, shown_in: str | None
) -> int | None:
    """Return how many decimals the meter's own resolution has in the unit shown, at most those of the table."""
    if most is None or step is None:
        return most
    try:
        steps = [0, step]
        if unit and shown_in:
            steps = [convert_unit(value, unit, shown_in) for value in steps]
    except ValueError:
        return most
    zero, one = (Decimal(str(value)) for value in steps)
    exponent = (one - zero).normalize().as_tuple().exponent
    return min(most, max(0, -int(exponent)))


def converts(
    device_class: SensorDeviceClass | None, unit: str | None, to_unit: str | None
) -> bool:
    """Return whether Home Assistant converts between two units of a device class."""
    converter = UNIT_CONVERTERS.get(device_class)
    return converter is not None and {unit, to_unit} <= converter.VALID_UNITS

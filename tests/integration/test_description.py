"""How Home Assistant shows a record, from the bytes a meter sends."""

from copy import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from homeassistant.components.sensor import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import (
    NON_NUMERIC_DEVICE_CLASSES,
    STATE_CLASS_UNITS,
    UNIT_CONVERTERS,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.const import METER_CLOCK_STANDARD, METER_CLOCK_SUMMER
from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.bound import bound_to
from custom_components.mbus.meters.clock import to_timestamp
from custom_components.mbus.presentation.description import (
    record_description,
    sensor_description,
)
from custom_components.mbus.presentation.display import display_of, native_value
from custom_components.mbus.presentation.quantities import TABLE
from custom_components.mbus.profiles.vocabulary import KNOWN_MODIFIERS, KNOWN_QUANTITIES
from custom_components.mbus.protocol import (
    MEDIA,
    UNITS,
    Function,
    Record,
    Signature,
    dimension,
    long_frame,
    parse_telegram,
)

HEAT, WATER, WARM_WATER, GAS, ELECTRICITY, HCA = 0x04, 0x07, 0x06, 0x03, 0x02, 0x08

MEASUREMENT = SensorStateClass.MEASUREMENT
TOTAL = SensorStateClass.TOTAL
INCREASING = SensorStateClass.TOTAL_INCREASING
DIAGNOSTIC = EntityCategory.DIAGNOSTIC

# Wh → kWh with no decimals: 04 06 counts kWh, 04 03 counts Wh, which are three decimals of a kWh.
SHOWN = [
    # Heat
    (HEAT, "0406 39300000", "energy", "Wh", "kWh", 0, INCREASING),
    (HEAT, "0403 39300000", "energy", "Wh", "kWh", 3, INCREASING),
    (HEAT, "0407 39300000", "energy", "Wh", "kWh", 0, INCREASING),
    (HEAT, "040e 39300000", "energy", "J", "GJ", 3, INCREASING),
    (HEAT, "040f 39300000", "energy", "J", "GJ", 2, INCREASING),
    (HEAT, "04fb08 39300000", "energy", "J", "GJ", 1, INCREASING),
    (HEAT, "04fb0d 39300000", "energy", "cal", "Mcal", 0, INCREASING),
    (HEAT, "04863c 39300000", "energy", "Wh", "kWh", 0, INCREASING),
    (HEAT, "0413 39300000", "volume", "m³", None, 3, INCREASING),
    (HEAT, "0414 39300000", "volume", "m³", None, 2, INCREASING),
    (HEAT, "022b 3930", "power", "W", "kW", 3, MEASUREMENT),
    (HEAT, "022d 3930", "power", "W", "kW", 1, MEASUREMENT),
    (HEAT, "0233 3930", "power", "W", "kW", 3, MEASUREMENT),
    (HEAT, "023b 3930", "volume_flow_rate", "m³/h", None, 3, MEASUREMENT),
    (HEAT, "0246 3930", "volume_flow_rate", "m³/min", "m³/h", 0, MEASUREMENT),
    (HEAT, "0253 3930", None, "kg/h", None, 0, MEASUREMENT),
    (HEAT, "025a 3930", "temperature", "°C", None, 1, MEASUREMENT),
    (HEAT, "025e 3930", "temperature", "°C", None, 1, MEASUREMENT),
    (HEAT, "0266 3930", "temperature", "°C", None, 1, MEASUREMENT),
    (HEAT, "055b 18dfb041", "temperature", "°C", None, 2, MEASUREMENT),
    (HEAT, "0261 3930", "temperature_delta", "K", None, 2, MEASUREMENT),
    (HEAT, "02fb60 3930", "temperature_delta", "K", None, 2, MEASUREMENT),
    (HEAT, "02fb5b 3930", "temperature", "°F", None, 0, MEASUREMENT),
    (HEAT, "041b 39300000", "weight", "kg", None, 0, INCREASING),
    # Water and gas
    (WATER, "0413 39300000", "water", "m³", None, 3, INCREASING),
    (WARM_WATER, "0413 39300000", "water", "m³", None, 3, INCREASING),
    (0x15, "0413 39300000", "water", "m³", None, 3, INCREASING),
    (0x16, "0413 39300000", "water", "m³", None, 3, INCREASING),
    (0x28, "0413 39300000", "water", "m³", None, 3, INCREASING),
    (WATER, "04fb21 39300000", "water", "ft³", None, 1, INCREASING),
    (GAS, "0415 39300000", "gas", "m³", None, 1, INCREASING),
    (GAS, "04933e 39300000", "gas", "m³", None, 3, INCREASING),
    # A gas meter's device class knows no gallons.
    (GAS, "04fb23 39300000", "volume", "gal", None, 0, INCREASING),
    (None, "0413 39300000", "volume", "m³", None, 3, INCREASING),
    # Electricity
    (ELECTRICITY, "048300 39300000", "energy", "Wh", "kWh", 3, INCREASING),
    (ELECTRICITY, "0483fc01 39300000", "energy", "Wh", "kWh", 3, INCREASING),
    (ELECTRICITY, "0483fc0c 39300000", "energy", "Wh", "kWh", 3, TOTAL),
    (ELECTRICITY, "0484fff200 39300000", "energy", "Wh", "kWh", 2, TOTAL),
    (ELECTRICITY, "04fb02 39300000", "reactive_energy", "varh", "kvarh", 0, INCREASING),
    (ELECTRICITY, "04fb04 39300000", None, "VAh", None, 0, INCREASING),
    (ELECTRICITY, "042b 39300000", "power", "W", None, 0, MEASUREMENT),
    (ELECTRICITY, "04fb14 39300000", "reactive_power", "var", None, 0, MEASUREMENT),
    (ELECTRICITY, "04fb34 39300000", "apparent_power", "VA", None, 0, MEASUREMENT),
    (ELECTRICITY, "02fd48 3930", "voltage", "V", None, 1, MEASUREMENT),
    (ELECTRICITY, "02fd59 3930", "current", "A", None, 3, MEASUREMENT),
    (ELECTRICITY, "02fb2d 3930", "frequency", "Hz", None, 2, MEASUREMENT),
    (
        ELECTRICITY,
        "02fb2b 3930",
        None,
        "°",
        None,
        1,
        SensorStateClass.MEASUREMENT_ANGLE,
    ),
    # Everything else
    (HCA, "026e 3930", None, None, None, 0, INCREASING),
    (0x18, "0269 3930", "pressure", "bar", None, 2, MEASUREMENT),
    (0x1B, "02fb1a 3930", "humidity", "%", None, 1, MEASUREMENT),
    (0x1B, "01fdfd3e 30", "moisture", "%", None, 0, MEASUREMENT),
    (0x04, "01fb06 30", None, None, None, 1, MEASUREMENT),
    # Not a present reading of a counter: a maximum, a kept one, one during an error, limits, future values, rates
    (HEAT, "142b 39300000", "power", "W", "kW", 3, MEASUREMENT),
    (HEAT, "1406 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "4406 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "442b 39300000", "power", "W", "kW", 3, None),
    (HEAT, "3406 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "048640 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "02bb48 3930", "volume_flow_rate", "m³/h", None, 3, None),
    (HEAT, "04867e 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "048612 39300000", "energy", "Wh", "kWh", 0, None),
    (HEAT, "048622 39300000", None, "Wh/h", None, None, MEASUREMENT),
    (WATER, "049322 39300000", "volume_flow_rate", "m³/h", None, 3, MEASUREMENT),
    # What a VIFE puts in place of the quantity: a duration, a count, a point in time
    (HEAT, "02ad5a 3930", "duration", "h", None, 0, MEASUREMENT),
    (HEAT, "02ad49 3930", None, None, None, None, INCREASING),
    (HEAT, "04ad6a 08071c24", "timestamp", None, None, None, None),
    (HEAT, "02ad6a 1c24", "date", None, None, None, None),
    # Times
    (HEAT, "0422 39300000", "duration", "h", None, 0, INCREASING),
    (HEAT, "0420 39300000", "duration", "s", "h", 1, INCREASING),
    (HEAT, "0427 39300000", "duration", "d", None, 0, INCREASING),
    (HEAT, "0174 30", "duration", "s", None, 0, MEASUREMENT),
    (HEAT, "0171 30", "duration", "min", None, 0, None),
    (HEAT, "02fd74 3930", "duration", "d", None, 0, MEASUREMENT),
    (HEAT, "01fd28 30", None, "month", None, None, None),
    (HEAT, "026c 5f25", "date", None, None, None, None),
    (HEAT, "046d 0807dc24", "timestamp", None, None, None, None),
    (HEAT, "066d 14230e563b00", "timestamp", None, None, None, None),
    (HEAT, "036d 14230e", None, None, None, None, None),
    (HEAT, "02fd70 5f25", "date", None, None, None, None),
    # What a meter tells of itself
    (HEAT, "0c78 78563412", None, None, None, None, None),
    (HEAT, "02fd17 0000", None, None, None, None, None),
    (HEAT, "01fd0e 02", None, None, None, None, None),
    (HEAT, "02fd60 0300", None, None, None, None, INCREASING),
    (HEAT, "01fd71 b8", "signal_strength", "dBm", None, 0, MEASUREMENT),
    (HEAT, "02fd1c 6009", None, "Bd", None, None, None),
    # A text of one's own, the maker's and unknown codes
    (0x1B, "02fc0348522574 440d", None, "%RH", None, None, MEASUREMENT),
    (WATER, "0d7c0644492e747375 046d657465", None, None, None, None, None),
    (HEAT, "02ff20 3412", None, None, None, None, None),
    (HEAT, "026f 3412", None, None, None, None, None),
]


@pytest.fixture(autouse=True)
def custom_integrations() -> None:
    """Spare these many small tests a Home Assistant, which hardly any of them needs."""


def read(hex_digits: str, medium: int | None = HEAT) -> Record:
    """Return a record sent by a meter for this medium."""
    header = bytes.fromhex("78563412 2d2c 01") + bytes([medium or 0, 1, 0, 0, 0])
    frame = long_frame(0x08, 1, 0x72, header + bytes.fromhex(hex_digits))
    (record,) = parse_telegram(frame).records
    return record


def bind(hex_digits: str, **changes: Any) -> Binding:
    """Return a binding to a record."""
    header = bytes.fromhex("78563412 2d2c 01 00 01 00 0000")
    frame = long_frame(0x08, 1, 0x72, header + bytes.fromhex(hex_digits))
    stored = bound_to([parse_telegram(frame)], 0, 0)
    return Binding.from_dict({"id": "1", "name": "it", **stored, **changes})


@pytest.mark.parametrize(
    ("medium", "sent", "device_class", "unit", "shown_in", "precision", "state_class"),
    SHOWN,
)
def test_what_follows_from_a_record(
    medium: int | None,
    sent: str,
    device_class: str | None,
    unit: str | None,
    shown_in: str | None,
    precision: int | None,
    state_class: SensorStateClass | None,
) -> None:
    """Device class, units, precision and state class follow from what the meter sends."""
    description = sensor_description(bind(sent), medium)
    assert (
        description.device_class,
        description.native_unit_of_measurement,
        description.suggested_unit_of_measurement,
        description.suggested_display_precision,
        description.state_class,
    ) == (device_class, unit, shown_in, precision, state_class)


@pytest.mark.parametrize(
    ("sent", "category"),
    [
        ("0406 39300000", None),
        ("025a 3930", None),
        ("0422 39300000", DIAGNOSTIC),
        ("0426 39300000", DIAGNOSTIC),
        ("0c78 78563412", DIAGNOSTIC),
        ("02fd17 0000", DIAGNOSTIC),
        ("01fd0e 02", DIAGNOSTIC),
        ("046d 0807dc24", DIAGNOSTIC),
        ("02ff20 3412", None),
    ],
)
def test_what_a_meter_tells_of_itself_is_diagnostic(
    sent: str, category: EntityCategory | None
) -> None:
    """What is measured stands apart from times, versions, numbers and flags."""
    assert sensor_description(bind(sent), HEAT).entity_category is category


def assert_valid(description: SensorEntityDescription) -> None:
    """Fail for what Home Assistant refuses or complains about."""
    device_class, state_class = description.device_class, description.state_class
    unit = description.native_unit_of_measurement
    shown_in = description.suggested_unit_of_measurement
    if device_class in NON_NUMERIC_DEVICE_CLASSES:
        assert (unit, shown_in, state_class) == (None, None, None)
        assert description.suggested_display_precision is None
    elif device_class:
        assert unit in DEVICE_CLASS_UNITS[device_class]
    if device_class and state_class:
        assert state_class in DEVICE_CLASS_STATE_CLASSES[device_class]
    if state_class:
        assert unit in STATE_CLASS_UNITS.get(state_class, {unit})
    if shown_in and shown_in != unit:
        assert {unit, shown_in} <= UNIT_CONVERTERS[device_class].VALID_UNITS


@pytest.mark.parametrize("unit", [None, *UNITS, "m³/h/h", "%RH"])
def test_home_assistant_takes_every_description(unit: str | None) -> None:
    """Whatever quantity, unit, function and modifier come together, nothing invalid comes of it."""
    for quantity in KNOWN_QUANTITIES:
        for modifier in (None, "future", "upper_limit_exceed_count"):
            for function in (Function.INSTANTANEOUS, Function.MAXIMUM):
                for medium in (HEAT, WATER, GAS):
                    signature = Signature(
                        quantity=quantity,
                        dimension=dimension(unit),
                        function=function,
                        storage_number=0,
                        tariff=0,
                        subunit=0,
                        modifiers=(modifier,) if modifier else (),
                    )
                    assert_valid(
                        record_description(signature, unit, b"\x04\x06", medium)
                    )


@pytest.mark.parametrize("modifier", sorted(KNOWN_MODIFIERS))
def test_no_modifier_makes_a_description_invalid(modifier: str) -> None:
    """The same for each modifier there is, with the quantities that most meters send."""
    for quantity, unit in (("energy", "Wh"), ("power", "h"), ("volume", None)):
        signature = replace(
            read("0406 39300000").signature, quantity=quantity, modifiers=(modifier,)
        )
        assert_valid(record_description(signature, unit, b"\x04\x06", HEAT))


def test_the_table_knows_every_quantity() -> None:
    """A quantity without a row would have no sensor; a row without a quantity would never be used."""
    assert set(TABLE) == KNOWN_QUANTITIES


@pytest.mark.parametrize("medium", MEDIA)
def test_volume_is_water_or_gas_by_the_medium(medium: int) -> None:
    """The names of the device types say which of them are water and gas."""
    name = MEDIA[medium]
    device_class = sensor_description(bind("0413 39300000"), medium).device_class
    if "water" in name:
        assert device_class == SensorDeviceClass.WATER
    elif "gas" in name and "detector" not in name:
        assert device_class == SensorDeviceClass.GAS
    else:
        assert device_class == SensorDeviceClass.VOLUME


@pytest.mark.parametrize(
    ("sent", "presentation", "expected", "value"),
    [
        # 12345 kWh
        ("0406 39300000", {"unit": "MWh"}, ("energy", "MWh", 3, INCREASING), 12.345),
        ("0406 39300000", {"unit": "GJ"}, ("energy", "GJ", 3, INCREASING), 44.442),
        ("0406 39300000", {"precision": 1}, ("energy", "Wh", 1, INCREASING), 12345),
        (
            "0406 39300000",
            {"state_class": "total"},
            ("energy", "Wh", 0, TOTAL),
            12345,
        ),
        ("0413 39300000", {"unit": "L"}, ("volume", "L", 0, INCREASING), 12345),
        ("0413 39300000", {"unit": "CCF"}, ("volume", "CCF", 3, INCREASING), 4.3596),
        (
            "0413 39300000",
            {"device_class": "water"},
            ("water", "m³", 3, INCREASING),
            12.345,
        ),
        # 123.45 W; 12345 J/h are 3.429 W
        ("0429 39300000", {"unit": "mW"}, ("power", "mW", 1, MEASUREMENT), 123450),
        ("0430 39300000", {"unit": "kW"}, ("power", "kW", 1, MEASUREMENT), 0.00342917),
        (
            "0261 3930",
            {"unit": "°F"},
            ("temperature_delta", "°F", 2, MEASUREMENT),
            222.21,
        ),
        # A difference of 9 °F
        *(
            (
                "01fb63 09",
                {"unit": unit},
                ("temperature_delta", unit, 2, MEASUREMENT),
                value,
            )
            for unit, value in (("K", 5), ("°C", 5), ("°F", 9))
        ),
        ("025a 3930", {"unit": "°F"}, ("temperature", "°F", 2, MEASUREMENT), 2254.1),
        ("04fb04 39300000", {"unit": "kVAh"}, (None, "kVAh", 0, INCREASING), 12345),
        # A number without a unit is what a person says it is.
        (
            "02fd3a 3930",
            {"unit": "kWh", "device_class": "energy", "state_class": "total"},
            ("energy", "kWh", None, TOTAL),
            12345,
        ),
        # What can't be is left out.
        (
            "0406 39300000",
            {"device_class": "water"},
            (None, "Wh", 0, INCREASING),
            12345000,
        ),
        (
            "0406 39300000",
            {"state_class": "measurement"},
            ("energy", "Wh", 0, None),
            12345,
        ),
    ],
)
def test_what_a_person_set_goes_first(
    sent: str, presentation: dict[str, Any], expected: tuple[Any, ...], value: float
) -> None:
    """Unit, classes and precision are those set, and a value is converted to the unit set."""
    binding = bind(sent, presentation=presentation)
    description = sensor_description(binding, None)
    assert_valid(description)
    assert (
        description.device_class,
        description.native_unit_of_measurement,
        description.suggested_display_precision,
        description.state_class,
    ) == expected
    shown = native_value(display_of(binding, None), read(sent).value)
    assert shown == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "presentation", "expected", "output", "value"),
    [
        # The record is 12345 W.
        (
            [{"type": "damper", "lag": 60}],
            {},
            ("power", "W", None, MEASUREMENT),
            12345,
            12345,
        ),
        (
            [{"type": "damper", "lag": 60}],
            {"unit": "kW"},
            ("power", "kW", "kW", MEASUREMENT),
            12345,
            12.345,
        ),
        (
            [{"type": "integration", "time_unit": "h"}],
            {},
            ("energy", "Wh", "kWh", TOTAL),
            500,
            0.5,
        ),
        (
            [{"type": "integration", "time_unit": "h"}],
            {"unit": "kWh"},
            ("energy", "kWh", "kWh", TOTAL),
            500,
            0.5,
        ),
        # What a factor makes of the unit is looked for among those of the power, not of the energy that comes of it.
        (
            [
                {"type": "scaling", "factor": 0.001, "shift": 0},
                {"type": "integration", "time_unit": "h"},
            ],
            {},
            ("energy", "kWh", None, TOTAL),
            0.5,
            0.5,
        ),
        # Only the person knows what a factor makes of the unit: 12345 W are 12.345 of it.
        (
            [{"type": "scaling", "factor": 0.001, "shift": 0}],
            {"unit": "kW"},
            ("power", "kW", "kW", MEASUREMENT),
            12.345,
            12.345,
        ),
        (
            [{"type": "script", "template": "{{ value / 230 }}"}],
            {"unit": "A", "device_class": "current"},
            ("current", "A", "A", MEASUREMENT),
            53.67,
            53.67,
        ),
    ],
)
def test_what_follows_from_transformations(
    steps: list[dict[str, Any]],
    presentation: dict[str, Any],
    expected: tuple[Any, ...],
    output: float,
    value: float,
) -> None:
    """The output of a chain has the unit and classes it leads to."""
    binding = bind("042b 39300000", presentation=presentation, transformations=steps)
    description = sensor_description(binding, None)
    assert_valid(description)
    assert (
        description.device_class,
        description.native_unit_of_measurement,
        description.suggested_unit_of_measurement,
        description.state_class,
    ) == expected
    assert native_value(display_of(binding, None), output) == pytest.approx(value)


def test_a_date_stays_a_date() -> None:
    """Neither unit nor state class can be set for it."""
    binding = bind("026c 5f25", presentation={"unit": "d", "state_class": "total"})
    description = sensor_description(binding, None)
    assert_valid(description)
    assert description.device_class is SensorDeviceClass.DATE
    assert native_value(display_of(binding, None), date(2018, 5, 31)) == date(
        2018, 5, 31
    )


def test_a_binding_that_was_never_read_is_plain() -> None:
    """Bound by its number alone, a record is not known to be anything."""
    binding = Binding(id="1", name="it", telegram=0, index=3)
    description = sensor_description(binding, HEAT)
    assert description.device_class is description.native_unit_of_measurement is None
    assert description.state_class is None
    assert native_value(display_of(binding, None), 5) == 5


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("0406 39300000", 12345),
        ("0413 39300000", 12.345),
        # 36000 J/h are 10 W.
        ("0434 24000000", 100),
        ("0c78 00563412", "12345600"),
        ("026c 5f25", date(2018, 5, 31)),
        ("036d 14230e", "14:35:20"),
        ("02ff20 3412", 0x1234),
        ("0d7c0644492e747375 046d657465", "etem"),
        ("09fd16 42", "••••"),
        ("0dfd3b 03010203", "010203"),
    ],
)
def test_values_are_what_a_sensor_takes(sent: str, value: Any) -> None:
    """Numbers in the unit that is shown; bytes, times of day and secrets as text."""
    assert native_value(display_of(bind(sent), None), read(sent).value) == value


def test_no_digit_is_lost() -> None:
    """A counter of 17 digits keeps them."""
    sent = "0703 15cd5b0700e1f505"
    exact = native_value(display_of(bind(sent), None), read(sent).value)
    # Sent in Wh, shown in kWh.
    number = int.from_bytes(bytes.fromhex("15cd5b0700e1f505"), "little")
    assert exact == Decimal(number) / 1000
    scaled = Decimal("12345678901234567.89")
    shown = native_value(display_of(bind("0406 39300000"), None), scaled)
    assert shown == Decimal("12345678901234.56789")


def test_long_text_is_cut_where_a_state_ends() -> None:
    """Home Assistant refuses states of more than 255 characters."""
    binding = bind("0dfd11 03414243")
    assert native_value(display_of(binding, None), "x" * 255) == "x" * 255
    shown = native_value(display_of(binding, None), "x" * 256)
    assert shown == "x" * 254 + "…"


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        ("0406 39300000", "text"),
        ("0406 39300000", float("nan")),
        ("0406 39300000", float("inf")),
        ("026c 5f25", 5),
        ("046d 0807dc24", "text"),
        ("046d 0807dc24", date(2022, 4, 28)),
        ("0406 39300000", None),
    ],
)
def test_what_a_sensor_would_refuse_has_no_value(sent: str, value: Any) -> None:
    """What a transformation makes of a value may not be of its kind any more."""
    assert native_value(display_of(bind(sent), None), value) is None


@pytest.mark.parametrize(
    ("zone", "clock", "summer_time", "local", "utc"),
    [
        # Standard time all year: an hour ahead of UTC in Berlin, summer and winter, whatever the bit says.
        (
            "Europe/Berlin",
            METER_CLOCK_STANDARD,
            False,
            "2026-01-10 12:00",
            "2026-01-10 11:00",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_STANDARD,
            False,
            "2026-07-10 12:00",
            "2026-07-10 11:00",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_STANDARD,
            True,
            "2026-07-10 12:00",
            "2026-07-10 11:00",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_STANDARD,
            False,
            "2026-10-25 02:30",
            "2026-10-25 01:30",
        ),
        # Following summer time: two hours ahead in summer, whether or not the meter sends the bit.
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            False,
            "2026-01-10 12:00",
            "2026-01-10 11:00",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            True,
            "2026-07-10 12:00",
            "2026-07-10 10:00",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            False,
            "2026-07-10 12:00",
            "2026-07-10 10:00",
        ),
        # The hour that comes twice: the bit tells.
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            True,
            "2026-10-25 02:30",
            "2026-10-25 00:30",
        ),
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            False,
            "2026-10-25 02:30",
            "2026-10-25 01:30",
        ),
        # The hour that never comes: a clock that has not yet been put forward.
        (
            "Europe/Berlin",
            METER_CLOCK_SUMMER,
            False,
            "2026-03-29 02:30",
            "2026-03-29 01:30",
        ),
        # Summer is in January in Sydney (+11), winter in July (+10).
        (
            "Australia/Sydney",
            METER_CLOCK_STANDARD,
            False,
            "2026-01-10 12:00",
            "2026-01-10 02:00",
        ),
        (
            "Australia/Sydney",
            METER_CLOCK_SUMMER,
            True,
            "2026-01-10 12:00",
            "2026-01-10 01:00",
        ),
        # Ireland's own law calls summer time its standard time.
        (
            "Europe/Dublin",
            METER_CLOCK_STANDARD,
            False,
            "2026-07-10 12:00",
            "2026-07-10 12:00",
        ),
        ("UTC", METER_CLOCK_SUMMER, False, "2026-07-10 12:00", "2026-07-10 12:00"),
    ],
)
async def test_times_of_a_meter_become_timestamps(
    hass: HomeAssistant,
    zone: str,
    clock: str,
    summer_time: bool,
    local: str,
    utc: str,
) -> None:
    """A meter's clock has no zone: it is in Home Assistant's, by the meter's setting."""
    await hass.config.async_set_time_zone(zone)
    value = to_timestamp(datetime.fromisoformat(local), clock, summer_time)
    assert value.astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

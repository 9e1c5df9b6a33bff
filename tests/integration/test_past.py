"""Which stored totals are the past of a sensor: from the bytes a meter sends."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus.const import METER_CLOCK_STANDARD, METER_CLOCK_SUMMER
from custom_components.mbus.flows.adding import bind
from custom_components.mbus.history.past import NoPast, Past, past_of
from custom_components.mbus.history.totals import LeftOut
from custom_components.mbus.meters.binding import Binding
from custom_components.mbus.meters.meter import Meter as MeterSettings
from custom_components.mbus.meters.reading import Reading
from custom_components.mbus.presentation.display import display_of
from custom_components.mbus.profiles.catalogue import read_catalogue
from custom_components.mbus.protocol import parse_telegram
from tests.simulator.records import day, integer, moment, unsigned

from .test_guards import Meter

CATALOGUE = read_catalogue()
NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
ENERGY = integer("04 06", 2000)

MODULARIS = """
68c4c468080072765702002d4803078b000000041384270000046d2815b21a426cbc194413c920000042ec7edc190c787657020082016cbe19840113
4f210000c2016c9f1ac40113fbe0f50582026c9e1b840213f9e0f505c2026c9f1cc402130e03000082036cbf1184031389070000c2036cbc12c40313
140c000082046cbf1384041335120000c2046cbe14c404139f12000082056cbf1584051304140000c2056cbe16c405133814000082066cbf17840613
7e140000c2066cbf18c40613241600000f0100008216
"""
EVO868 = """
68afaf680801727431635524345007c10000002f2f041306070000046d1e31b12104fd17000000000e787880048120004413c9040000426c9f2c8401
13c904000082016c9f2cd3013b9a0200c4016d0534a7218104fd280182046c9f2c840413c9040000c404131b00000084051300000000c40513000000
0084061300000000c406130000000084071300000000c407130000000084081300000000c408130000000084091300000000c4091300000000ffff61
16
"""
QHEAT = """
6897976808017208493866a7320a04e70000000274fc00046d230bd3250c0605920000446d3b17bf2c4c068251000084016d3b17de248c0106059000
00cc0106988500008c020629770000cc0206226600008c030682510000cc0306933600008c040602260000cc0406691800008c050633140000cc0506
900900008c060618020000cc0606000000008c0706000000003c22000000000f001000f416
"""
"""Captured telegrams: one with a date for each month, one with an interval, one whose interval its profile knows."""


@pytest.fixture(autouse=True)
async def berlin(hass: HomeAssistant) -> None:
    """Live where there is summer time."""
    await hass.config.async_set_time_zone("Europe/Berlin")


def total(storage: int, value: int, vif: str = "06", *, tariff: int = 0) -> bytes:
    """Return a stored total."""
    return integer(f"{header(4, storage, tariff)} {vif}", value)


def at(storage: int, when: date | None, *, tariff: int = 0) -> bytes:
    """Return the date, or date and time, of a storage."""
    if isinstance(when, datetime):
        return moment(f"{header(4, storage, tariff)} 6D", when)
    return day(f"{header(2, storage, tariff)} 6C", when)


def header(data_field: int, storage: int, tariff: int = 0) -> str:
    """Return DIF and DIFE."""
    dif, dife = data_field | 0x40 * (storage & 1), storage >> 1 | tariff << 4
    return f"{dif | 0x80:02X} {dife:02X}" if dife else f"{dif:02X}"


def past(
    *records: bytes,
    clock: str = METER_CLOCK_STANDARD,
    now: datetime = NOW,
    **changes: Any,
) -> Past:
    """Return the past of the first record that a meter sends; `changes` are those of its binding."""
    meter = Meter(7, *records)
    return past_of_frames(meter.peek(), clock=clock, now=now, **changes)


def past_of_frames(
    frames: Sequence[bytes],
    *,
    record: int = 0,
    clock: str = METER_CLOCK_STANDARD,
    now: datetime = NOW,
    **changes: Any,
) -> Past:
    """Return the past of a record of captured telegrams."""
    telegrams = tuple(parse_telegram(frame) for frame in frames)
    binding = Binding.from_dict({**bind(telegrams, 0, record), **changes})
    header = telegrams[0].header
    display = display_of(binding, header.medium if header else None)
    reading = Reading(telegrams=telegrams, time=now)
    meter = MeterSettings(id="", title="", address=7, clock=clock)
    return past_of(binding, display, reading, meter, CATALOGUE)


def taken(found: Past) -> dict[str, float | None]:
    """Return what is taken, by the hour in UTC."""
    return {f"{one.hour:%Y-%m-%d %H}": one.value for one in found.totals}


def left_out(found: Past) -> dict[int, LeftOut]:
    """Return why values are left out, by storage number."""
    return {one.storage_number: one.reason for one in found.left_out}


@pytest.mark.parametrize(
    ("when", "hour"),
    [
        # A date is the end of its day, but the first of a month is its beginning.
        (date(2026, 2, 1), "2026-01-31 22"),
        (date(2026, 1, 31), "2026-01-31 22"),
        (date(2026, 7, 1), "2026-06-30 21"),
        (date(2026, 6, 30), "2026-06-30 21"),
        (date(2026, 6, 15), "2026-06-15 21"),
        # Midnight ends the meter's day, whatever its clock does in summer.
        (datetime(2026, 7, 1, 0, 0), "2026-06-30 21"),
        (datetime(2026, 6, 30, 23, 59), "2026-06-30 21"),
        (datetime(2026, 1, 31, 23, 59), "2026-01-31 22"),
        # The days of 23 and of 25 hours.
        (date(2026, 3, 29), "2026-03-29 21"),
        (date(2026, 3, 28), "2026-03-28 22"),
        (date(2026, 10, 25), "2026-10-25 22"),
        (date(2026, 10, 24), "2026-10-24 21"),
        # Other times are what the clock says: in summer, standard time is an hour behind.
        (datetime(2026, 7, 1, 14, 30), "2026-07-01 13"),
        (datetime(2026, 1, 1, 14, 30), "2026-01-01 13"),
        (datetime(2026, 1, 1, 14, 0), "2026-01-01 12"),
    ],
)
def test_hour(when: date, hour: str) -> None:
    """A total belongs to the hour at whose end the sensor would have shown it."""
    assert taken(past(ENERGY, total(1, 1500), at(1, when))) == {hour: 1500.0}


def test_hour_of_a_clock_with_summer_time() -> None:
    """A clock that follows summer time shows what Home Assistant shows."""
    records = ENERGY, total(1, 1500), at(1, datetime(2026, 7, 1, 14, 30))
    assert taken(past(*records, clock=METER_CLOCK_SUMMER)) == {"2026-07-01 12": 1500.0}


async def test_hour_off_the_full_hour(hass: HomeAssistant) -> None:
    """Statistics begin at full hours in UTC, where midnight is at a quarter past, too."""
    await hass.config.async_set_time_zone("Asia/Kathmandu")
    found = past(ENERGY, total(1, 1500), at(1, date(2026, 2, 1)))
    assert taken(found) == {"2026-01-31 18": 1500.0}


@pytest.mark.parametrize(
    ("zone", "when", "hour"),
    [
        # Midnight is at half past in UTC.
        ("Asia/Kolkata", date(2026, 2, 1), "2026-01-31 18"),
        ("America/St_Johns", date(2026, 2, 1), "2026-02-01 03"),
        ("America/St_Johns", date(2026, 7, 1), "2026-07-01 02"),
        # Summer time begins and ends at midnight.
        ("America/Santiago", date(2026, 9, 5), "2026-09-06 03"),
        ("America/Santiago", date(2026, 4, 4), "2026-04-05 03"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01 03"),
        # A day that never was.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30 09"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-31 09"),
    ],
)
async def test_hour_in_other_zones(
    hass: HomeAssistant, zone: str, when: date, hour: str
) -> None:
    """The day ends at the calendar's midnight, wherever and whenever that is."""
    await hass.config.async_set_time_zone(zone)
    assert taken(past(ENERGY, total(1, 1500), at(1, when))) == {hour: 1500.0}


def test_months_with_dates() -> None:
    """Each with its own date, in a ring; two are from before it was set to zero."""
    found = past_of_frames(
        [bytes.fromhex(MODULARIS)], now=datetime(2013, 10, 18, 20, tzinfo=UTC)
    )
    assert taken(found) == {
        "2012-12-31 22": 0.782,
        "2013-01-31 22": 1.929,
        "2013-02-28 22": 3.092,
        "2013-03-31 21": 4.661,
        "2013-04-30 21": 4.767,
        "2013-05-31 21": 5.124,
        "2013-06-30 21": 5.176,
        "2013-07-31 21": 5.246,
        "2013-08-31 21": 5.668,
        "2013-09-28 21": 8.393,
        "2013-09-30 21": 8.527,
    }
    assert left_out(found) == {3: LeftOut.CONTRADICTED, 4: LeftOut.CONTRADICTED}


def test_months_by_interval() -> None:
    """One date for the newest, and the interval of the block."""
    found = past_of_frames(
        [bytes.fromhex(EVO868)], now=datetime(2021, 1, 17, 17, tzinfo=UTC)
    )
    assert taken(found) == {
        "2020-01-31 22": 0,
        "2020-02-29 22": 0,
        "2020-03-31 21": 0,
        "2020-04-30 21": 0,
        "2020-05-31 21": 0,
        "2020-06-30 21": 0,
        "2020-07-31 21": 0,
        "2020-08-31 21": 0,
        "2020-09-30 21": 0,
        "2020-10-31 22": 0,
        "2020-11-30 22": 0.027,
        "2020-12-31 22": 1.225,
    }
    assert set(left_out(found).values()) == {LeftOut.SAME_HOUR}


def test_months_by_a_profile() -> None:
    """The meter dates the newest only; the total of the due date, which it dates, too, is that of the month."""
    found = past_of_frames(
        [bytes.fromhex(QHEAT)], record=2, now=datetime(2022, 5, 19, 17, tzinfo=UTC)
    )
    assert taken(found) == {
        "2021-04-30 21": 0,
        "2021-05-31 21": 0,
        "2021-06-30 21": 218,
        "2021-07-31 21": 990,
        "2021-08-31 21": 1433,
        "2021-09-30 21": 1869,
        "2021-10-31 22": 2602,
        "2021-11-30 22": 3693,
        "2021-12-31 22": 5182,
        "2022-01-31 22": 6622,
        "2022-02-28 22": 7729,
        "2022-03-31 21": 8598,
        "2022-04-30 21": 9005,
    }
    assert left_out(found) == {6: LeftOut.SAME_HOUR}


INTERVAL = unsigned("81 04 FD 28", 1)
"""One month, of the block from storage 8 on."""


@pytest.mark.parametrize(
    ("values", "anchor", "expected"),
    [
        # Down from the newest, and up to it.
        ((300, 200, 100), 8, {"2026-09": 100, "2026-10": 200, "2026-11": 300}),
        ((100, 200, 300), 10, {"2026-09": 100, "2026-10": 200, "2026-11": 300}),
        # In both ways at once it is a ring, of which nobody knows where it began.
        ((300, 100, 200), 8, {"2026-11": 300}),
        # All the same don't tell.
        ((100, 100, 100), 8, {"2026-11": 100}),
    ],
)
def test_order_of_a_block(
    values: tuple[int, ...], anchor: int, expected: dict[str, int]
) -> None:
    """Whether a block begins with the newest value, its values tell: a total doesn't fall."""
    records = [total(storage, value) for storage, value in enumerate(values, 8)]
    found = past(ENERGY, INTERVAL, at(anchor, date(2026, 11, 1)), *records)
    months = {f"{one.moment:%Y-%m}": one.value for one in found.totals if one.moment}
    assert months == expected
    assert set(left_out(found).values()) <= {LeftOut.NO_DATE}
    assert len(found.totals) + len(found.left_out) == len(values)


def test_block_of_a_size() -> None:
    """What comes after the block has no date."""
    found = past(
        ENERGY,
        INTERVAL,
        unsigned("81 04 FD 22", 2),
        at(8, date(2026, 11, 1)),
        *(total(storage, 300 - storage) for storage in (8, 9, 10)),
    )
    assert [one.storage_number for one in found.totals] == [9, 8]
    assert left_out(found) == {10: LeftOut.NO_DATE}


def test_days_by_interval() -> None:
    """Other intervals than months; hours need a time to begin with."""
    values = [total(storage, 300 - storage) for storage in (8, 9, 10)]
    days = past(ENERGY, unsigned("81 04 FD 27", 1), at(8, date(2026, 11, 10)), *values)
    assert [*taken(days)] == ["2026-11-08 22", "2026-11-09 22", "2026-11-10 22"]
    since = datetime(2026, 11, 10, 9)
    hours = past(ENERGY, unsigned("81 04 FD 26", 1), at(8, since), *values)
    assert [*taken(hours)] == ["2026-11-10 05", "2026-11-10 06", "2026-11-10 07"]
    dateless = past(
        ENERGY, unsigned("81 04 FD 26", 1), at(8, date(2026, 11, 10)), *values
    )
    assert left_out(dateless) == {9: LeftOut.NO_DATE, 10: LeftOut.NO_DATE}


@pytest.mark.parametrize("has_dates", [True, False])
def test_hours_of_a_summer_night(has_dates: bool) -> None:
    """A clock on standard time shows no two hours as one at midnight: where values are kept by the hour, that is one, too."""
    last = datetime(2026, 7, 10, 4, 0)  # which is 03:00 in UTC
    records = [total(8 + number, 500 - number) for number in range(8)]
    if has_dates:
        hours = [timedelta(hours=number) for number in range(8)]
        records += [at(8 + number, last - ago) for number, ago in enumerate(hours)]
    else:
        records += [at(8, last), unsigned("81 04 FD 26", 1)]
    found = past(ENERGY, *records)
    assert left_out(found) == {}
    assert taken(found) == {
        f"{datetime(2026, 7, 10, 2) - timedelta(hours=number):%Y-%m-%d %H}": 500
        - number
        for number in reversed(range(8))
    }


@pytest.mark.parametrize(
    ("last", "hours"),
    [
        # The clock shows 1, 2, 2, 3, 4 and 1, 3, 4.
        (datetime(2026, 10, 25, 4), ["23", "00", "01", "02"]),
        (datetime(2026, 3, 29, 4), ["22", "23", "00", "01"]),
    ],
)
def test_hours_across_the_change_of_the_clock(last: datetime, hours: list[str]) -> None:
    """An interval of hours is so long, whatever a clock that follows summer time shows meanwhile."""
    records = [total(8 + number, 500 - number) for number in range(4)]
    found = past(
        ENERGY,
        *records,
        at(8, last),
        unsigned("81 04 FD 26", 1),
        clock=METER_CLOCK_SUMMER,
    )
    assert [hour[-2:] for hour in taken(found)] == hours


def test_midnight_beside_another_time() -> None:
    """One time alone, as that of an error, makes no hour of the midnight that ended a month."""
    found = past(
        ENERGY,
        *(total(1, 500), at(1, datetime(2026, 7, 1, 0, 0))),
        *(total(2, 510), at(2, datetime(2026, 7, 1, 14, 0))),
    )
    assert [*taken(found)] == ["2026-06-30 21", "2026-07-01 12"]


@pytest.mark.parametrize(
    "interval",
    [
        "84 04 FD 27 FF FF FF 7F",
        "87 04 FD 27 FF FF FF FF FF FF FF 7F",
        "84 04 FD 28 FF FF FF 7F",
        "84 04 FD 29 FF FF FF 7F",
        # A day and a half, a month and a half, and nothing at all.
        "85 04 FD 27 00 00 C0 3F",
        "85 04 FD 28 00 00 C0 3F",
        "81 04 FD 28 00",
    ],
)
def test_interval_that_cannot_be(interval: str) -> None:
    """It dates nothing."""
    found = past(
        ENERGY,
        bytes.fromhex(interval),
        at(8, date(2026, 11, 10)),
        *(total(storage, 300 - storage) for storage in (8, 9, 10)),
    )
    assert [one.storage_number for one in found.totals] == [8]
    assert left_out(found) == {9: LeftOut.NO_DATE, 10: LeftOut.NO_DATE}


@pytest.mark.parametrize(
    "hours_on",
    ["04 23 FF FF FF 7F", "0C 23 99 99 99 99", "07 22 FF FF FF FF FF FF FF 7F"],
)
def test_hours_on_since_ever(hours_on: str) -> None:
    """A counter that is out of its mind keeps no value away."""
    found = past(ENERGY, total(1, 0), at(1, date(2026, 8, 1)), bytes.fromhex(hours_on))
    assert [one.value for one in found.totals] == [0]


def test_total_turned_around() -> None:
    """Scaled by a number below zero, what rises falls; one that sticks out still does."""
    values = (100, 200, 50, 300)
    found = past(
        ENERGY,
        *(
            record
            for storage, value in enumerate(values, 1)
            for record in (total(storage, value), at(storage, date(2026, storage, 1)))
        ),
        transformations=[{"id": "1", "type": "scaling", "factor": -1, "shift": 0}],
        presentation={"state_class": "total"},
    )
    assert [one.value for one in found.totals] == [-100, -200, -300]
    assert left_out(found) == {3: LeftOut.CONTRADICTED}


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ((100, 200, 300), (100, 200, 300)),
        ((100, 100, 300), (100, 100, 300)),
        # One that sticks out, above and below.
        ((100, 900, 200, 300), (100, 200, 300)),
        ((100, 200, 50, 300), (100, 200, 300)),
        # Of two that contradict each other, nobody knows which is wrong.
        ((200, 100), ()),
        ((10, 200, 150, 300), (10, 300)),
        # Set back in between: what came before is not of this count.
        ((700, 800, 900, 5, 10, 15, 20), (5, 10, 15, 20)),
        # Above what the meter shows now.
        ((100, 200, 2001), (100, 200)),
        ((2000,), (2000,)),
    ],
)
def test_a_total_does_not_fall(values: tuple[int, ...], kept: tuple[int, ...]) -> None:
    """What contradicts others is left out, and named."""
    records = [
        record
        for storage, value in enumerate(values, 1)
        for record in (total(storage, value), at(storage, date(2026, storage, 1)))
    ]
    found = past(ENERGY, *records)
    assert tuple(one.value for one in found.totals) == kept
    assert len(found.left_out) == len(values) - len(kept)
    assert set(left_out(found).values()) <= {LeftOut.CONTRADICTED}
    # A register that goes both ways contradicts nothing.
    both_ways = past(ENERGY, *records, presentation={"state_class": "total"})
    assert tuple(one.value for one in both_ways.totals) == values


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([total(1, 500)], LeftOut.NO_DATE),
        ([total(1, 500), at(1, None)], LeftOut.NO_DATE),
        ([total(1, 500), at(2, date(2026, 1, 1))], LeftOut.NO_DATE),
        # The next due date, and when a maximum was.
        ([total(1, 500), day("42 EC 7E", date(2027, 1, 1))], LeftOut.NO_DATE),
        ([total(1, 500), moment("54 6D", datetime(2026, 1, 1))], LeftOut.NO_DATE),
        ([total(1, 500), at(1, date(2026, 1, 1)), at(1, date(2026, 2, 1))], LeftOut.SEVERAL_DATES),
        ([bytes.fromhex("44 06 00 00 00 80"), at(1, date(2026, 1, 1))], LeftOut.NO_VALUE),
        ([total(1, 500), at(1, date(2026, 11, 26))], LeftOut.IN_FUTURE),
        ([total(1, 500), at(1, date(2000, 1, 1))], LeftOut.TOO_EARLY),
        ([total(1, 500), at(1, date(1999, 6, 30))], LeftOut.TOO_EARLY),
        # 100 days on; what was zero before is no reading.
        ([total(1, 0), at(1, date(2026, 8, 1)), unsigned("02 23", 100)], LeftOut.TOO_EARLY),
    ],
)  # fmt: skip
def test_left_out(records: list[bytes], reason: LeftOut) -> None:
    """A value alone that can't be believed, or dated."""
    found = past(ENERGY, *records)
    assert found.totals == ()
    assert left_out(found) == {1: reason}


def test_hours_on_do_not_take_readings_away() -> None:
    """Some meters count their hours since the power came back."""
    found = past(ENERGY, total(1, 5), at(1, date(2026, 8, 1)), unsigned("02 23", 100))
    assert [one.value for one in found.totals] == [5]


def test_several_values_of_a_moment() -> None:
    """The same twice is one; two that differ are none."""
    first = date(2026, 11, 1)
    records = [total(1, 500), at(1, first), total(8, 500), at(8, first)]
    found = past(ENERGY, *records)
    assert [one.storage_number for one in found.totals] == [1]
    assert left_out(found) == {8: LeftOut.SAME_HOUR}
    records[2] = total(8, 501)
    found = past(ENERGY, *records)
    assert found.totals == ()
    assert set(left_out(found).values()) == {LeftOut.SEVERAL_VALUES}


def test_last_value_of_an_hour() -> None:
    """Statistics hold one value an hour."""
    times = [datetime(2026, 11, 20, 9, minute) for minute in (15, 30, 45)]
    records = [
        record
        for storage, when in enumerate(times, 1)
        for record in (total(storage, 500 + storage), at(storage, when))
    ]
    found = past(ENERGY, *records)
    assert taken(found) == {"2026-11-20 08": 503}
    assert left_out(found) == {1: LeftOut.SAME_HOUR, 2: LeftOut.SAME_HOUR}


def test_tariffs_and_subunits() -> None:
    """A tariff's total is not that of all; its date is its own or that of the storage, never another subunit's."""
    stored = (
        total(1, 500),
        total(1, 300, tariff=1),
        at(1, date(2026, 11, 1)),
        integer("C4 40 06", 900),
    )
    all_tariffs = past(ENERGY, *stored)
    assert [one.value for one in all_tariffs.totals] == [500]
    tariff = past(integer("84 10 06", 1000), *stored)
    assert [one.value for one in tariff.totals] == [300]
    subunit = past(integer("84 40 06", 1000), *stored)
    assert left_out(subunit) == {1: LeftOut.NO_DATE}
    own = past(integer("84 10 06", 1000), *stored, at(1, date(2026, 10, 1), tariff=1))
    assert taken(own) == {"2026-09-30 21": 300}


def test_unit_and_scaling() -> None:
    """A stored value has the exponent of its own, and passes the scaling of the binding."""
    stored = integer("44 03", 1_500_250), at(1, date(2026, 11, 1))
    assert [one.value for one in past(ENERGY, *stored).totals] == [1500.25]
    scaling = {"id": "1", "type": "scaling", "factor": 10, "shift": 5000}
    scaled = past(
        ENERGY,
        *stored,
        transformations=[scaling],
        presentation={"device_class": "energy", "unit": "Wh", "state_class": "total"},
    )
    assert [one.value for one in scaled.totals] == [15_007_500]


@pytest.mark.parametrize(
    "step",
    [
        {"type": "damper", "lag": 10},
        {"type": "limit_control", "lower": 0},
        {"type": "default_value", "value": "0", "when": "missing"},
        {"type": "integration", "time_unit": "h"},
        {"type": "derivative", "time_unit": "h"},
        {"type": "script", "template": "{{ value }}"},
    ],
)
def test_steps(step: dict[str, Any]) -> None:
    """What a step makes of a value depends on others, or on nobody knows what."""
    found = past(
        ENERGY,
        total(1, 500),
        at(1, date(2026, 11, 1)),
        transformations=[{"id": "1", **step}],
        presentation={"state_class": "total"},
    )
    assert found == Past(reason=NoPast.STEPS)


def test_no_past() -> None:
    """Why there is nothing at all."""
    stored = total(1, 500), at(1, date(2026, 11, 1))
    assert past(ENERGY).reason is NoPast.NOTHING_STORED
    # A binding of a stored total has no past of its own.
    assert past(*stored, ENERGY).reason is NoPast.NOTHING_STORED
    power = integer("04 2D", 5), integer("44 2D", 5), stored[1]
    assert past(*power).reason is NoPast.NO_TOTAL
    assert past(ENERGY, ENERGY, *stored).reason is NoPast.AMBIGUOUS
    assert past(ENERGY, *stored, index=9).reason is NoPast.NO_RECORD
    # Another meaning: energy exported.
    exported = integer("44 86 3C", 500), stored[1]
    assert past(ENERGY, *exported).reason is NoPast.NOTHING_STORED


def test_meaning_by_a_profile() -> None:
    """What a profile calls the total of a due date is one; what it calls a register of its own is none."""
    records = ENERGY, total(1, 500), at(1, date(2026, 11, 1))
    saia = Meter(7, *records, total(2, 300), at(2, date(2026, 10, 1)))
    saia.manufacturer, saia.version, saia.medium = "SBC", 0x16, 0x02
    found = past_of_frames(saia.peek())
    assert [one.value for one in found.totals] == [500]
    assert found.left_out == ()
    sharky = Meter(7, *records)
    sharky.manufacturer, sharky.version, sharky.medium = "DME", 0x41, 0x04
    assert [one.value for one in past_of_frames(sharky.peek()).totals] == [500]

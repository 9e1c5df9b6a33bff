"""Whatever the bytes: a telegram or an error of this package; whatever the value: there and back."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
import sys
from typing import Any

from hypothesis import example, given, strategies as st
import pytest

from custom_components.mbus.protocol import (
    PROBLEMS,
    EncodeError,
    FrameError,
    IncompleteTelegramError,
    MBusError,
    Signature,
    Telegram,
    encode_value,
    limits,
    parse_telegram,
)
from custom_components.mbus.protocol.application.places import KNOWN_PLACES

from .telegrams import HEADER, frame, record

VARIABLE = b"\x0d"


def parsed(data: bytes) -> Telegram | None:
    """Read a telegram, or what is whole of it."""
    try:
        return parse_telegram(data)
    except IncompleteTelegramError as err:
        return err.telegram
    except FrameError:
        return None


def assert_sound(telegram: Telegram) -> None:
    """Look at everything: nothing raises, nothing is missing without a reason."""
    assert telegram.signatures == tuple(found.signature for found in telegram.records)
    repr(telegram)
    problems = (telegram.problem, *(found.problem for found in telegram.records))
    for problem in filter(None, problems):
        assert problem.key in PROBLEMS
        assert "{" not in str(problem)
    for index, found in enumerate(telegram.records):
        assert found.index == index
        assert (found.value is None) <= (found.problem is not None)
        assert Signature.from_dict(found.signature.as_dict()) == found.signature
        assert len(found.header) >= 1


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a telegram or refused."""
    if telegram := parsed(data):
        assert_sound(telegram)


@given(
    st.sampled_from([0x6E, 0x6F, 0x70, 0x71, 0x72, 0x73, 0x76, 0x77, 0x78, 0x7A]),
    st.binary(max_size=252),
)
def test_any_application_data(ci: int, data: bytes) -> None:
    """Any data in a sound frame are a telegram or refused, with the whole records kept."""
    if telegram := parsed(frame(ci, data)):
        assert_sound(telegram)


# Pieces that begin like records, so that chance gets further than the first one.
pieces = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [
            bytes.fromhex(piece)
            for piece in ("0413", "0C06", "026C", "046D", "0DFD11", "0D78", "02FC03485225", "05FF01", "84FF", "1F", "2F", "7F", "0DFD3B", "0D6DE5", "0D5BF4", "0D5BF8")
        ]
    ),
)  # fmt: skip


@given(st.lists(pieces, max_size=24).map(b"".join))
def test_any_records(data: bytes) -> None:
    """Header, data and rest of the records are the whole of what was sent."""
    data = data[:240]
    telegram = parsed(frame(0x72, HEADER + data))
    assert telegram is not None
    assert_sound(telegram)
    position = 0
    for found in telegram.records:
        whole = found.header + found.raw
        while data[position] in (0x2F, 0x7F):
            position += 1
        assert data[position : position + len(whole)] == whole
        position += len(whole)
    rest = data[position:].lstrip(b"\x2f\x7f")
    if telegram.manufacturer_data or telegram.more_records_follow:
        assert rest[1:] == telegram.manufacturer_data
    elif telegram.trailing_data:
        assert rest == telegram.trailing_data
    else:
        assert rest in (b"", b"\x00", b"\x0f")


@given(
    st.lists(pieces, max_size=24).map(b"".join),
    st.lists(st.tuples(st.integers(0, 239), st.integers(0, 255)), max_size=8),
)
@example(data=bytes.fromhex("0D FD 11 02 61 62 01 13 05"), changes=[(3, 5)])
@example(data=bytes.fromhex("01 13 05 1F 01 02"), changes=[(3, 0x0F)])
@example(data=bytes.fromhex("01 13 05 00"), changes=[(3, 0x2F)])
@example(data=bytes.fromhex("01 13 05 02 FC 01 68 74 01 02"), changes=[(5, 0x21)])
def test_nothing_is_remembered_wrongly(
    data: bytes, changes: list[tuple[int, int]]
) -> None:
    """A telegram is read the same whichever one of its length was read before."""
    changed = bytearray(data[:240])
    for place, byte in changes if changed else ():
        changed[place % len(changed)] = byte
    KNOWN_PLACES.clear()
    parsed(frame(0x72, HEADER + data[:240]))
    after = parsed(frame(0x72, HEADER + changed))
    KNOWN_PLACES.clear()
    assert parsed(frame(0x72, HEADER + changed)) == after


def steps(data: bytes) -> int:
    """Count the lines of Python that reading a payload takes."""
    count = 0

    def trace(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    def work() -> None:
        try:
            telegram = parse_telegram(frame(0x72, HEADER + data))
        except MBusError:
            return
        for found in telegram.records:
            found.value  # noqa: B018

    work()  # what a header means is looked up once
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
    return count


@pytest.mark.parametrize(
    "piece",
    ["00 00", "2F", "04 13 01 00 00 00", "80", "04 93", "02 FC 01 68 74 00 00", "02 FC 74 01 68 00 00", "0D 13 F4 00 00 00 00", "0D 5B F8 00 00 00 00 00 80 35 40", "0C 13 FF FF FF FF"],
)  # fmt: skip
def test_linear_time(piece: str) -> None:
    """Four times the bytes take about four times the steps, whatever the bytes."""
    data = bytes.fromhex(piece) * 60
    one, four = steps(data[:55]), steps(data[:220])
    assert four <= 4.5 * one + 50


integers = ["01", "02", "03", "04", "06", "07"]
bcds = ["09", "0A", "0B", "0C", "0E"]


@given(st.sampled_from(integers + bcds), st.sampled_from(["2B", "2E", "3B", "5A", "FD48", "93FD00", "AB79"]), st.data())  # fmt: skip
def test_numbers_there_and_back(field: str, vif: str, data: st.DataObject) -> None:
    """What is read of any data is written as the same data."""
    header = bytes.fromhex(field + vif)
    length = int(field, 16) & 0x07
    size = {5: 4, 6: 6, 7: 8}.get(length, length)
    raw = data.draw(st.binary(min_size=size, max_size=size))
    found = record(header + raw)
    if found.value is None:
        return
    # A BCD zero may come with a minus.
    again = encode_value(header, found.value)
    assert record(header + again).value == found.value
    assert again == raw or found.value == record(header + bytes(size)).value


@given(st.sampled_from(bcds), st.data())
def test_negative_bcd(field: str, data: st.DataObject) -> None:
    """All numbers that fit, negative ones included, are coded."""
    header = bytes.fromhex(field + "2B")
    found = limits(header)
    assert found is not None
    assert isinstance(found.minimum, int)
    assert isinstance(found.maximum, int)
    value = data.draw(st.integers(found.minimum, found.maximum))
    assert record(header + encode_value(header, value)).value == value
    for beyond in (found.minimum - 1, found.maximum + 1):
        with pytest.raises(EncodeError):
            encode_value(header, beyond)


@given(st.sampled_from(integers), st.sampled_from(["2B", "13", "FD0B", "FD17", "FD48", "AB7A"]), st.data())  # fmt: skip
def test_limits_are_the_limits(field: str, vif: str, data: st.DataObject) -> None:
    """Every step within the limits can be coded, none beyond."""
    header = bytes.fromhex(field + vif)
    found = limits(header)
    assert found is not None
    assert found.step is not None
    minimum, maximum, step = (Decimal(str(limit)) for limit in found)
    for value in (minimum, maximum):
        assert Decimal(str(record(header + encode_value(header, value)).value)) == value
    for beyond in (minimum - step, maximum + step):
        with pytest.raises(EncodeError):
            encode_value(header, beyond)
    steps_within = data.draw(st.integers(0, int((maximum - minimum) / step)))
    value = minimum + step * steps_within
    try:
        raw = encode_value(header, value)
    except EncodeError:
        # Only what would be read as nothing may be missing.
        assert (vif, value) == ("13", -step)
    else:
        assert Decimal(str(record(header + raw).value)) == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_real_there_and_back(number: float) -> None:
    """The digits shown of a real number are enough to tell it from all others."""
    header = bytes.fromhex("05 5B")
    raw = encode_value(header, number)
    value = record(header + raw).value
    assert isinstance(value, float)
    assert encode_value(header, value) == raw or number == 0
    assert (
        len(f"{value!r}".replace("-", "").split("e")[0].replace(".", "").strip("0"))
        <= 9
    )


@given(st.dates(date(1981, 1, 1), date(2080, 12, 31)))
def test_date_there_and_back(value: date) -> None:
    """Type G."""
    header = bytes.fromhex("02 6C")
    assert record(header + encode_value(header, value)).value == value


@given(
    st.sampled_from(["04 6D", "06 6D"]),
    st.datetimes(datetime(1981, 1, 1), datetime(2080, 12, 31, 23, 59, 59)),
)
def test_date_time_there_and_back(header_hex: str, value: datetime) -> None:
    """Types F and I; what a type has no room for is left out."""
    header = bytes.fromhex(header_hex)
    resolution = timedelta(minutes=1) if header[0] == 0x04 else timedelta(seconds=1)
    found = record(header + encode_value(header, value)).value
    assert isinstance(found, datetime)
    assert timedelta() <= value - found < resolution


@given(st.times())
def test_time_there_and_back(value: time) -> None:
    """Type J."""
    header = bytes.fromhex("03 6D")
    found = record(header + encode_value(header, value)).value
    assert found == value.replace(microsecond=0)


@given(st.text(st.characters(max_codepoint=255), min_size=1, max_size=191))
def test_text_there_and_back(value: str) -> None:
    """Texts of variable length."""
    header = VARIABLE + b"\xfd\x11"
    assert record(header + encode_value(header, value)).value == value


@given(st.integers(1 - 10**18, 10**18 - 1))
def test_variable_number_there_and_back(value: int) -> None:
    """Numbers of variable length."""
    header = VARIABLE + b"\xfd\x3a"
    assert record(header + encode_value(header, value)).value == value


@given(st.binary(min_size=1, max_size=191))
def test_variable_bytes_there_and_back(value: bytes) -> None:
    """Bytes of variable length."""
    header = VARIABLE + b"\xfd\x3b"
    assert record(header + encode_value(header, value)).value == value


anything: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.binary(), st.dates(), st.times(), st.datetimes()
)  # fmt: skip


@given(st.binary(max_size=8), anything)
def test_encode_anything(header: bytes, value: Any) -> None:
    """Any header and any value: data or this package's error."""
    try:
        raw = encode_value(header, value)
        limits(header)
    except EncodeError:
        return
    assert record(header + raw).header == header

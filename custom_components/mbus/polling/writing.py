"""Writing a record: from what is entered to its data, and whether the meter took them."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    TemplateError,
)
from homeassistant.helpers.template import Template
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..meters.binding import Binding, BindingError
from ..meters.clock import to_timestamp
from ..meters.meter import Meter
from ..meters.reason import Reason, Why, spelt, why
from ..meters.transformation import inverse, is_number, script_context
from ..presentation.control_kind import is_cleared
from ..presentation.entered_number import CONF_TEMPLATE, chain_number
from ..presentation.reasons import reason_text
from ..presentation.texts import cached_texts
from ..protocol import (
    CLOCK,
    COMBINABLE,
    NO_DATA,
    Bus,
    EncodeError,
    Limits,
    MBusError,
    MeterError,
    Number,
    Problem,
    Readout,
    Record,
    Value,
    convert_unit,
    encode_value,
    limits,
    write_data,
)
from .coordinator import MeterCoordinator
from .meter_clock import async_set_clock, meter_time

_CLEAR: Final = 0x07

_RECORD_ERRORS: Final = frozenset(row.error for row in COMBINABLE.values() if row.error)

_SUMMER_TIME: Final = {4: (1, 0x80), 6: (0, 0x40)}
"""Byte and bit that stand for it, by the length of a date and time (types F and I)."""

_PADDING: Final = " \0"
"""What a meter may fill a text up with."""


async def async_write(
    coordinator: MeterCoordinator, binding: Binding, entered: Value
) -> None:
    """Write a record so that its control shows what was entered, and publish what the meter says then.

    A record without data is written with None. Raises ServiceValidationError for what can't be written, and
    HomeAssistantError where the meter can't be reached or doesn't take it.
    """
    meter = coordinator.meter
    wanted = _record_value(coordinator, binding, entered)
    if binding.header in CLOCK and isinstance(wanted, datetime):
        await async_set_clock(coordinator, _moment(wanted, meter))
        return
    last = coordinator.data.results.get(binding.id)
    # Refuse what can't be coded before anything is asked of the meter.
    _encode(coordinator, binding, last.record if last else None, wanted)
    before: Value = None
    lost: MeterError | None = None

    def encode(readout: Readout) -> bytes:
        # The meter may send other records by now: what is not known for certain is not written to.
        nonlocal before
        record = binding.record_in(readout.telegrams)
        before = record.value
        return b"".join(_encode(coordinator, binding, record, wanted))

    async def write(bus: Bus) -> Readout:
        nonlocal lost
        written = await write_data(
            await bus.master(),
            meter.address,
            encode,
            identity=meter.identity,
            quirks=meter.quirks,
        )
        lost = written.error
        return written.readout

    try:
        await coordinator.async_tell(write)
    except BindingError as err:
        _fail(coordinator, binding, err.reason, err)
    except MBusError as err:
        _fail(coordinator, binding, err, err)
    LOGGER.info(
        "%s: wrote %s to %s, which was %s",
        coordinator.name,
        wanted,
        binding.name,
        before,
    )
    if wanted is not None:
        _check_taken(coordinator, binding, wanted, lost)
    elif lost:
        _fail(coordinator, binding, lost, lost)


def _moment(shown: datetime, meter: Meter) -> datetime:
    """Return when a meter's clock shows this, unless it is such a moment already."""
    return shown if shown.tzinfo else to_timestamp(shown, meter.clock, False)


def _check_taken(
    coordinator: MeterCoordinator,
    binding: Binding,
    wanted: Value,
    lost: MeterError | None,
) -> None:
    """Compare what the meter says after a write; raise HomeAssistantError where it is something else."""
    result = coordinator.data.results.get(binding.id)
    record = result.record if result else None
    if record is None or record.value is None:
        if record and wanted == "" and record.problem == Problem(NO_DATA):
            return  # A text that was cleared.
        reason = result.reason if result else None
        found = _text(coordinator, reason) if reason else "–"
    elif _is_same(coordinator, binding, record, wanted):
        return
    else:
        found = str(record.value)
    if lost:
        _fail(coordinator, binding, lost, lost)
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="not_taken",
        translation_placeholders={
            "binding": binding.title or binding.name,
            "value": str(wanted),
            "found": found,
        },
    )


def _is_same(
    coordinator: MeterCoordinator, binding: Binding, record: Record, wanted: Value
) -> bool:
    """Return whether a record holds a value, as far as its coding tells values apart."""
    read = record.value
    if isinstance(read, str) and isinstance(wanted, str):
        return read.strip(_PADDING) == wanted.strip(_PADDING)
    coded = _coded(coordinator, binding, record.header, record.unit, wanted)
    return coded == encode_value(record.header, read)


def _record_value(
    coordinator: MeterCoordinator, binding: Binding, entered: Value
) -> Value:
    """Return the record's value, in the unit it was bound with, for what was entered."""
    value: Value
    if entered is None:
        return None
    try:
        if template := binding.writing.get(CONF_TEMPLATE):
            context = script_context(binding, coordinator.meter)
            rendered = Template(template, coordinator.hass).async_render(
                {"value": entered, "context": context}, strict=True
            )
            value = _like(entered, rendered)
            if value is None:
                reason = Reason("template_gave", {"value": spelt(rendered)})
                raise _not_codable(coordinator, reason)
            return value
        value = entered
        if is_number(entered):
            value = chain_number(coordinator.described[binding.id].display, entered)
        value = inverse(binding.transformations, value)
        if binding.interpretation and is_number(value):
            value = binding.interpretation.rule.undone(value)
    except (ArithmeticError, TemplateError, ValueError) as err:
        raise _not_codable(coordinator, why(err)) from err
    return value


def _like(entered: Value, rendered: Any) -> Value:
    """Return what a template gave as the kind of value that was entered, which is the record's; None where it is none."""
    match entered:
        case datetime():
            return dt_util.parse_datetime(str(rendered))
        case date():
            return dt_util.parse_date(str(rendered))
        case time():
            return dt_util.parse_time(str(rendered))
        case str():
            return str(rendered)
    return rendered if is_number(rendered) else None


def _encode(
    coordinator: MeterCoordinator,
    binding: Binding,
    record: Record | None,
    value: Value,
) -> tuple[bytes, bytes]:
    """Return header and data that write a value, coded as the meter sends the record now.

    None is a record without data: one that has some is told to clear them.
    """
    header, unit = binding.header, binding.unit
    if record is not None:
        if isinstance(value, str) and is_number(record.value):
            raise _not_codable(coordinator, Reason("number_needed"))
        problem = record.problem
        if problem is None or problem.key not in _RECORD_ERRORS:
            header, unit = record.header, record.unit
        elif len(header) >= len(record.header):
            # The code of an error that a meter puts into the header stands for an action when it is sent there.
            _fail(coordinator, binding, problem)
    if value is None:
        return _clearing(header) if is_cleared(binding) else header, b""
    data = _coded(coordinator, binding, header, unit, value)
    if isinstance(value, datetime) and value.tzinfo:
        _, is_summer_time = meter_time(value, coordinator.meter.clock)
        place, bit = _SUMMER_TIME[len(data)]
        if is_summer_time:
            data = data[:place] + bytes((data[place] | bit,)) + data[place + 1 :]
    return header, data


def _clearing(header: bytes) -> bytes:
    """Return the header without data and with the action "clear" (EN 13757-3, object actions)."""
    return bytes((header[0] & 0xF0, *header[1:-1], header[-1] | 0x80, _CLEAR))


def _coded(
    coordinator: MeterCoordinator,
    binding: Binding,
    header: bytes,
    unit: str | None,
    value: Value,
) -> bytes:
    try:
        if isinstance(value, datetime) and value.tzinfo:
            value, _ = meter_time(value, coordinator.meter.clock)
        if is_number(value) and (coding := limits(header)):
            if unit and binding.unit:
                value = convert_unit(value, binding.unit, unit)
            value = _nearest(coding, value, unit)
        return encode_value(header, value)
    except (OverflowError, ValueError) as err:
        raise _not_codable(coordinator, why(err)) from err


def codable(coordinator: MeterCoordinator, header: bytes, value: float | str) -> Value:
    """Return a value as the kind that a record with this header takes: the form of an action gives all of them as text.

    Raises ServiceValidationError for one that it doesn't take.
    """
    reason: EncodeError | None = None
    for candidate in _candidates(value, coordinator.meter):
        try:
            encode_value(header, candidate)
        except EncodeError as err:
            reason = reason or err
        else:
            return candidate
    assert reason is not None
    raise _not_codable(coordinator, reason) from reason


def _candidates(value: float | str, meter: Meter) -> Iterator[Value]:
    """Yield all that a value may stand for."""
    yield value
    if not isinstance(value, str):
        return
    with suppress(InvalidOperation):
        yield Decimal(value)
    # What only looks like a date makes the parser raise.
    with suppress(OverflowError, ValueError):
        if moment := dt_util.parse_datetime(value):
            yield meter_time(moment, meter.clock)[0] if moment.tzinfo else moment
    yield dt_util.parse_date(value)
    yield dt_util.parse_time(value)


def _nearest(coding: Limits, value: Number, unit: str | None) -> Decimal:
    """Return the number next to one that can be coded. Raises ServiceValidationError beyond the limits."""
    lowest, highest = Decimal(str(coding.minimum)), Decimal(str(coding.maximum))
    number = Decimal(str(value))
    if coding.step is not None:
        step = Decimal(str(coding.step))
        number = lowest + round((number - lowest) / step) * step
    if not lowest <= number <= highest:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="out_of_range",
            translation_placeholders={
                "value": f"{value} {unit or ''}".rstrip(),
                "minimum": str(coding.minimum),
                "maximum": f"{coding.maximum} {unit or ''}".rstrip(),
            },
        )
    return number


def _not_codable(coordinator: MeterCoordinator, reason: Why) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_codable",
        translation_placeholders={"error": _text(coordinator, reason)},
    )


def _fail(
    coordinator: MeterCoordinator,
    binding: Binding,
    reason: Why,
    cause: BaseException | None = None,
) -> NoReturn:
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="write_failed",
        translation_placeholders={
            "binding": binding.title or binding.name,
            "error": _text(coordinator, reason),
        },
    ) from cause


def _text(coordinator: MeterCoordinator, reason: Why) -> str:
    return reason_text(reason, cached_texts(coordinator.hass))

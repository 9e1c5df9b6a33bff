"""The chain of steps between a record's value and its entity's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
import json
import math
import re
from typing import Any, TypeGuard

from homeassistant.const import UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, TemplateError
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.template import Template
from homeassistant.util.json import json_loads

from ..const import DOMAIN
from ..profiles.codings import readers
from ..protocol import Number
from .binding import Binding
from .meter import Meter
from .reason import Reason, Why, spelt, why

type Step = Mapping[str, Any]
type State = dict[str, Any]
type ChainMemory = Mapping[str, Any]
"""What the steps of a chain remember, by their ids."""

SECONDS = {
    UnitOfTime.SECONDS: 1,
    UnitOfTime.MINUTES: 60,
    UnitOfTime.HOURS: 3600,
    UnitOfTime.DAYS: 86400,
}
"""The time units of integration and derivative, in seconds."""

WHEN_MISSING = "missing"
WHEN_ALWAYS = "always"

_JOINED_PERIODS = 3
"""Readings so many periods apart are joined by an integration; a longer gap adds nothing."""

_EXPONENTIAL = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a chain makes of a value: after its last step, and after each one.

    `memory` is what the steps need the next time, JSON-able, empty where none needs any. `reasons` say why a step
    failed, None where it didn't; one after it may still have put a value in place of the missing one.
    """

    value: Any
    memory: ChainMemory
    trace: tuple[Any, ...]
    reasons: tuple[Why | None, ...]

    @property
    def error(self) -> Reason | None:
        """Return which steps failed and why."""
        failed = tuple(
            Reason("step_failed", {"step": number, "reason": reason})
            for number, reason in enumerate(self.reasons, 1)
            if reason
        )
        return Reason("steps_failed", {"steps": failed}) if failed else None


class StepError(Exception):
    """A step has no output."""

    def __init__(self, key: str, value: Any = None) -> None:
        """Take the key of a reason, and the value it names."""
        super().__init__(key)
        self.reason = Reason(key, {"value": spelt(value)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The reading that a step works on: its time and the period in seconds, and what a script is shown.

    `breaks_off`: what was read can't be compared with what was read before.
    """

    time: float
    period: float | None
    breaks_off: bool
    context: Mapping[str, Any]
    hass: HomeAssistant | None

    def since(self, state: Mapping[str, Any]) -> float | None:
        """Return the seconds since the reading a step's state is from; None where there is none to go on from."""
        last: float | None = state.get("time")
        if last is None or last > self.time or self.breaks_off:
            return None
        return self.time - last

    def is_within_gap(self, elapsed: float, state: Mapping[str, Any]) -> bool:
        """Return whether readings so far apart are joined: two of three polls may fail, and each may be a bit late."""
        # Of the periods at either reading the longer one counts.
        periods = self.period, state.get("period", self.period)
        longest: float = max(period or math.inf for period in periods)
        return elapsed < (_JOINED_PERIODS + 0.5) * longest


@dataclass(frozen=True, slots=True, kw_only=True)
class StepType:
    """A kind of step: what it does.

    `apply` gets the step, its input, its state and the moment; it returns its output and brings the state up to date.
    Numeric steps are given numbers only. A missing value passes by any step that doesn't take it.
    """

    apply: Callable[[Step, Any, dict[str, Any], Moment], Any]
    numeric: bool = True
    takes_missing: bool = False


def _scaling(step: Step, value: Number, state: State, now: Moment) -> Number:
    return _like(value, _exact(value) * _exact(step["factor"]) + _exact(step["shift"]))


def _default_value(step: Step, value: Any, state: State, now: Moment) -> Any:
    if value is not None and step.get("when", WHEN_MISSING) == WHEN_MISSING:
        return value
    return _literal(step["value"])


def _limit_control(step: Step, value: Number, state: State, now: Moment) -> Number:
    if (lower := step.get("lower")) is not None:
        value = max(value, lower)
    if (upper := step.get("upper")) is not None:
        value = min(value, upper)
    return value


def _integration(step: Step, value: Number, state: State, now: Moment) -> float:
    total, elapsed = state.get("total", 0.0), now.since(state)
    if elapsed is not None and now.is_within_gap(elapsed, state):
        total += (float(state["value"]) + float(value)) / 2 * elapsed
    state |= {"time": now.time, "value": float(value), "total": total}
    state["period"] = now.period
    return float(total / SECONDS[step["time_unit"]])


def _derivative(step: Step, value: Number, state: State, now: Moment) -> float | None:
    rate = None
    if elapsed := now.since(state):
        difference = _exact(value) - _exact(state["value"])
        rate = float(difference * SECONDS[step["time_unit"]] / _exact(elapsed))
    state |= {"time": now.time, "value": str(value)}
    return rate


def _damper(step: Step, value: Number, state: State, now: Moment) -> float:
    damped = float(value)
    if (elapsed := now.since(state)) is not None:
        last = float(state["value"])
        lower, upper = sorted((last, damped))
        share = -math.expm1(-elapsed / step["lag"])
        damped = last + (damped - last) * share
        # Rounding must not carry it past either end.
        damped = min(max(damped, lower), upper)
    state |= {"time": now.time, "value": damped}
    return damped


def _script(step: Step, value: Any, state: State, now: Moment) -> Any:
    variables = {
        "value": value,
        "context": now.context,
        "state": state.get("state"),
        **readers(value),
    }
    assert now.hass is not None
    result = Template(step["template"], now.hass).async_render(variables, strict=True)
    if isinstance(result, Mapping):
        if "value" not in result:
            raise StepError("script_without_value")
        if "state" in result:
            # Through JSON and back, so that a state is the same before and after a restart.
            state["state"] = json_loads(json_bytes(result["state"]))
        result = result["value"]
    if isinstance(result, str):
        if result.startswith("{"):
            raise StepError("script_unreadable", result)
        # Home Assistant leaves numbers such as 1e-05 as text.
        return _literal(result) if _EXPONENTIAL.fullmatch(result) else result or None
    if result is not None and not isinstance(result, (int, float)):
        raise StepError("script_of_another_type", result)
    return result


STEP_TYPES: Mapping[str, StepType] = {
    "scaling": StepType(apply=_scaling),
    "default_value": StepType(apply=_default_value, numeric=False, takes_missing=True),
    "limit_control": StepType(apply=_limit_control),
    "integration": StepType(apply=_integration),
    "derivative": StepType(apply=_derivative),
    "damper": StepType(apply=_damper),
    "script": StepType(apply=_script, numeric=False),
}


def run(
    steps: Sequence[Step],
    value: Any,
    time: datetime,
    memory: ChainMemory | None = None,
    *,
    period: timedelta | None = None,
    breaks_off: bool = False,
    context: Mapping[str, Any] | None = None,
    hass: HomeAssistant | None = None,
) -> Outcome:
    """Return what a chain makes of the value of a reading; None stands for a missing one.

    `time` and `period` are the reading's, `memory` that of the reading before: so the same call gives the same, however
    often. `breaks_off` for a total that was set back: nothing is compared with what was before. `context` is what
    `script_context` returns; hass is needed for scripts.

    Memory is tied to a step's id (to its place where it has none) and to the steps before it: where those changed,
    nothing is compared with what they gave before, but a sum stays.
    """
    now = Moment(
        time=time.timestamp(),
        period=period.total_seconds() if period else None,
        breaks_off=breaks_off,
        context=context or {},
        hass=hass,
    )
    memory, kept = memory or {}, dict[str, Any]()
    trace, reasons = list[Any](), list[Why | None]()
    for place, step in enumerate(steps):
        key = str(step.get("id", place))
        value, after, reason = _run_step(
            step,
            value,
            memory.get(key),
            now,
            origin_of(steps[:place], step, now.context),
        )
        if after:
            kept[key] = after
        trace.append(value)
        reasons.append(reason)
    return Outcome(value=value, memory=kept, trace=tuple(trace), reasons=tuple(reasons))


def _run_step(
    step: Step, value: Any, memory: ChainMemory | None, now: Moment, origin: str
) -> tuple[Any, ChainMemory | None, Why | None]:
    """Return a step's output, its memory, and why it failed."""
    if (kind := STEP_TYPES.get(step["type"])) is None:
        return None, memory, Reason("no_such_step")
    reason = None
    if kind.numeric and value is not None and not is_number(value):
        value, reason = None, Reason("not_a_number", {"value": spelt(value)})
    if value is None and not kind.takes_missing:
        return None, memory, reason

    state = dict[str, Any](memory["state"]) if memory else {}
    # What a script keeps is its own business; the others can't compare with what another chain gave.
    if memory and kind.numeric and memory["origin"] != origin:
        state.pop("time", None)
    try:
        value = _finite(kind.apply(step, value, state, now))
    except StepError as err:
        return None, memory, err.reason
    except (ArithmeticError, LookupError, TypeError, ValueError, TemplateError) as err:
        return None, memory, why(err)
    return value, {"origin": origin, "state": state} if state else memory, reason


def origin_of(above: Sequence[Step], step: Step, context: Mapping[str, Any]) -> str:
    """Return a short stand-in for where a step's input comes from: the record and the steps above it."""
    origin = [context.get("record"), *above, step["type"]]
    return sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()[:16]


def _finite(value: Any) -> Any:
    """Return a value; raises StepError for an infinite number and for one that is none."""
    if isinstance(value, (int, float, Decimal)) and not _is_finite(value):
        raise StepError("not_finite", value)
    return value


def _is_finite(number: Number) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError, ValueError:
        return False


def script_context(binding: Binding, meter: Meter) -> dict[str, Any]:
    """Return what a script sees as `context`: what the record means, and which meter it is of."""
    record = binding.meaning.as_dict() if binding.meaning else {}
    if binding.ordinal > 1:
        record["ordinal"] = binding.ordinal
    return {
        "record": {**record, "unit": binding.value_unit},
        "meter": {
            "title": meter.title,
            "address": str(meter.address),
            "identification": meter.identity.identification if meter.identity else None,
            "manufacturer": meter.identity.manufacturer if meter.identity else None,
            "version": meter.version,
            "medium": meter.medium,
        },
    }


def inverse(steps: Sequence[Step], value: Any) -> Any:
    """Return the record's value for an entity's, to write it.

    Raises ServiceValidationError for steps other than scaling: these need a write template.
    """
    for place, step in reversed([*enumerate(steps, 1)]):
        if step["type"] != "scaling" or not is_number(value):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="write_template_needed",
                translation_placeholders={"step": str(place)},
            )
        value = _like(
            value, (_exact(value) - _exact(step["shift"])) / _exact(step["factor"])
        )
    return value


def is_number(value: Any) -> TypeGuard[Number]:
    """Return whether a value is one that can be computed with."""
    return (
        isinstance(value, (int, float, Decimal))
        and not isinstance(value, bool)
        and _is_finite(value)
    )


def _literal(text: Any) -> Any:
    """Return the number that a text is; anything else as it is."""
    if not isinstance(text, str):
        return text
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if _is_finite(number):
            return number
    return text


def _exact(number: Number | str) -> Decimal:
    """Return a number as it is written, so that 0.1 is a tenth."""
    return Decimal(str(number))


def _like(value: Number, result: Decimal) -> Number:
    """Return a result as whole as it is, and a Decimal only where a float would lose digits the value has."""
    if isinstance(value, int) and result == result.to_integral_value():
        return int(result)
    if isinstance(value, Decimal) or (isinstance(value, int) and abs(value) >= 10**15):
        return result
    return float(result)

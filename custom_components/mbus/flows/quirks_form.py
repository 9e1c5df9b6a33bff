"""The section of a meter's settings that says what it needs beyond the standard."""

from collections.abc import Mapping
from copy import replace
from typing import Any, Final

from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..protocol import Quirks, parse_frame
from .fields import (
    CONF_FIRST_BYTE_TIMEOUT,
    CONF_PAUSE,
    MillisecondsSelector,
    choice,
    number,
)

CONF_APPLICATION_RESET: Final = "application_reset"
CONF_IGNORE_MORE_RECORDS: Final = "ignore_more_records"
CONF_INITIAL_FRAMES: Final = "initial_frames"
CONF_REQUESTS: Final = "requests"
CONF_RESET: Final = "reset"

_HEX: Final = TextSelector(TextSelectorConfig(multiple=True))

QUIRKS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_RESET): choice(
            "before_each_read", "never", translation_key=CONF_RESET
        ),
        vol.Required(CONF_IGNORE_MORE_RECORDS): BooleanSelector(),
        vol.Optional(CONF_FIRST_BYTE_TIMEOUT): MillisecondsSelector(
            50, 60_000, or_none=True
        ),
        vol.Required(CONF_PAUSE): MillisecondsSelector(0, 600_000),
        vol.Optional(CONF_APPLICATION_RESET): number(0, 255),
        vol.Optional(CONF_INITIAL_FRAMES): _HEX,
        vol.Optional(CONF_REQUESTS): _HEX,
    }
)


def quirks_form(quirks: Quirks) -> dict[str, Any]:
    """Return the section with the quirks that a meter has."""
    timeout = quirks.first_byte_timeout
    return {
        CONF_RESET: quirks.reset,
        CONF_IGNORE_MORE_RECORDS: quirks.ignore_more_records,
        CONF_FIRST_BYTE_TIMEOUT: timeout and round(timeout * 1000),
        CONF_PAUSE: round(quirks.pause * 1000),
        CONF_APPLICATION_RESET: quirks.application_reset,
        CONF_INITIAL_FRAMES: [*map(_digits, quirks.initial_frames)],
        CONF_REQUESTS: [*map(_digits, quirks.requests)],
    }


def entered_quirks(form: Mapping[str, Any], known: Quirks) -> Quirks:
    """Return the quirks that were entered, beside what was learnt of the meter.

    Raises FrameError or ValueError for a frame or a request that is none.
    """
    frames = tuple(map(bytes.fromhex, form.get(CONF_INITIAL_FRAMES, ())))
    for frame in frames:
        parse_frame(frame)
    timeout = form.get(CONF_FIRST_BYTE_TIMEOUT)
    return replace(
        known,
        reset=form[CONF_RESET],
        ignore_more_records=form[CONF_IGNORE_MORE_RECORDS],
        first_byte_timeout=timeout and timeout / 1000,
        pause=form[CONF_PAUSE] / 1000,
        application_reset=form.get(CONF_APPLICATION_RESET),
        usual_application=False,
        initial_frames=frames,
        requests=tuple(map(bytes.fromhex, form.get(CONF_REQUESTS, ()))),
    )


def leaving_application(quirks: Quirks, before: Quirks) -> Quirks:
    """Return quirks by which a meter that was told to send something else is told to leave that when it isn't any more."""
    was_told = before.application_reset is not None or before.usual_application
    return replace(
        quirks, usual_application=was_told and quirks.application_reset is None
    )


def _digits(data: bytes) -> str:
    return data.hex(" ").upper()

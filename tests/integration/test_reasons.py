"""Reasons and errors, in the words of the translations."""

from datetime import datetime

from homeassistant.core import HomeAssistant
import pytest

from custom_components.mbus import protocol
from custom_components.mbus.presentation.reasons import error_text
from custom_components.mbus.presentation.texts import Texts, async_get_texts
from custom_components.mbus.protocol import Identity, MBusError, SecondaryAddress

METER = Identity(identification="12345678", manufacturer="KAM", version=1, medium=4)
OTHER = Identity(identification="87654321", manufacturer="KAM", version=1, medium=4)
FACTS = {
    "address": SecondaryAddress.parse("12345678"),
    "attempts": 3,
    "baud_rate": 2400,
    "expected": METER,
    "found": OTHER,
    "kind": "port",
    "length": 255,
    "limit": 250,
    "link": "socket://gateway:10001",
    "delay": 0.7,
    "noise": b"\x00\xff",
    "old_baud_rate": 300,
    "reason": "the other side closed it",
    "shown": datetime(2026, 11, 25, 12, 0),
    "telegrams": 64,
    "timeout": 2.5,
    "value": 1,
    "written": 2,
}
"""A value for each attribute that an error may have."""
PROBLEMS: dict[str, str] = getattr(protocol, "PROBLEMS", {})
OF_OTHERS = {
    "ApplicationError",
    "EncodeError",
    "FrameError",
    "IncompleteTelegramError",
    "MBusError",
    "NoWayError",
    "UnsupportedError",
}
"""Errors that say what bytes or other errors say."""


@pytest.fixture(name="texts")
async def texts_fixture(hass: HomeAssistant) -> Texts:
    """Return the texts in English."""
    return await async_get_texts(hass)


def error_of(kind: type[MBusError]) -> MBusError:
    """Return an error with all the attributes that its kind can have."""
    error = kind.__new__(kind)
    vars(error).update(FACTS)
    return error


KINDS = sorted(
    name
    for name in protocol.__all__
    if name.endswith("Error")
    and issubclass(getattr(protocol, name), MBusError)
    and name not in OF_OTHERS
)


@pytest.mark.parametrize("name", KINDS)
async def test_every_error_has_its_own_text(texts: Texts, name: str) -> None:
    """What it names is put in, and nothing of it is English that a translation doesn't reach."""
    english = {key: f"<{text}>" for key, text in texts.items()}
    text = error_text(error_of(getattr(protocol, name)), english)
    assert text.startswith("<")
    assert text.endswith(">")
    assert "{" not in text


async def test_words(texts: Texts) -> None:
    """Numbers are written as people do, and meters are told apart by what differs."""
    assert error_text(error_of(protocol.LinkTimeoutError), texts) == (
        "socket://gateway:10001 does not answer within 2.5 s"
    )
    other = protocol.OtherMeterError(address=5, expected=METER, found=OTHER)
    assert error_text(other, texts) == "another meter answered at 5: KAM 87654321"
    twin = Identity(identification="12345678", manufacturer="KAM", version=2, medium=10)
    other = protocol.OtherMeterError(address=5, expected=METER, found=twin)
    assert error_text(other, texts) == (
        "another meter answered at 5: KAM 12345678, version 2, cooling meter"
    )
    lost = protocol.LinkSilentError(link="a")
    closed = protocol.LinkClosedError(link="b")
    neither = protocol.NoWayError(link="a", errors=(lost, closed))
    assert error_text(neither, texts) == "no meter answers over a; b is closed"


@pytest.mark.parametrize("key", PROBLEMS)
async def test_every_problem_has_a_text(texts: Texts, key: str) -> None:
    """It names what the protocol's own text names, and in English says the same."""
    text = texts[f"component.mbus.selector.problem.options.{key}"]
    assert text == PROBLEMS[key]

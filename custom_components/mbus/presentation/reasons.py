"""Why there is no value or no answer, in the language of Home Assistant."""

from collections.abc import Mapping
import re
from typing import Any

from homeassistant.exceptions import HomeAssistantError

from ..meters.reading import MeterData
from ..meters.reason import Reason, Why
from ..profiles.mistake import ProfileError
from ..protocol import (
    EncodeError,
    FrameError,
    Identity,
    LinkNotFoundError,
    MBusError,
    NoisyLineError,
    OtherMeterError,
    Problem,
    Signature,
)
from .naming import record_name
from .texts import Texts, option_key
from .titles import identity_text


def reason_text(reason: Why, texts: Texts) -> str:
    """Return why; what the system or a library says stays as it is."""
    match reason:
        case Reason():
            key, facts = option_key("reason", reason.key), reason.facts
        case Problem():
            key, facts = option_key("problem", reason.key), reason.facts
        case FrameError() | EncodeError():
            return reason_text(reason.problem, texts)
        case MBusError():
            key, facts = option_key("error", _key(reason)), _facts(reason, texts)
    return texts[key].format_map(
        {name: _fact(value, texts) for name, value in facts.items()}
    )


def mistake_text(error: ProfileError, texts: Texts) -> str:
    """Return what is wrong in a profile file, and with which of its fields."""
    text = texts[option_key("profile_mistake", error.key)].format_map(error.facts)
    return f"{error.place}: {text}" if error.place else text


def fault_text(data: MeterData, texts: Texts) -> str:
    """Return why a meter is not heard."""
    return reason_text(data.reason, texts) if data.reason else "–"


def failure_text(error: HomeAssistantError, texts: Texts) -> str:
    """Return what an action failed of; an error of another integration says so itself."""
    domain, key = error.translation_domain, error.translation_key
    text = texts.get(f"component.{domain}.exceptions.{key}.message")
    return text.format_map(error.translation_placeholders or {}) if text else str(error)


def _key(error: MBusError) -> str:
    """Return the name of an error's class as it stands in the translations."""
    name = type(error).__name__.removesuffix("Error")
    key = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{key}_{error.kind}" if isinstance(error, LinkNotFoundError) else key


def _facts(error: MBusError, texts: Texts) -> Mapping[str, Any]:
    """Return what the text of an error names."""
    facts = vars(error)
    if isinstance(error, OtherMeterError):
        return facts | {"found": identity_text(error.found, texts, error.expected)}
    if isinstance(error, NoisyLineError):
        return facts | {"noise": error.shown}
    return facts


def _fact(value: Any, texts: Texts) -> Any:
    match value:
        case Reason() | Problem() | MBusError():
            return reason_text(value, texts)
        case Signature():
            return record_name(value, texts)
        case Identity():
            return identity_text(value, texts)
        case tuple():
            return "; ".join(_fact(one, texts) for one in value)
        case float():
            return f"{value:.12g}"
    return value

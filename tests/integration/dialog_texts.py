"""A check that everything that a dialog shows has a text, and that the text gets what it names."""

from collections.abc import Iterable, Mapping
import json
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigSubentryFlowManager, OptionsFlowManager
from homeassistant.data_entry_flow import FlowManager, FlowResultType, section
from homeassistant.helpers import config_validation as cv
from probatio import to_field_list

from custom_components.mbus.const import SUBENTRY_METER

_TEXTS = json.loads(Path("custom_components/mbus/translations/en.json").read_text())

type Texts = Mapping[str, Any]


def texts_of(flows: FlowManager[Any, Any, Any]) -> Texts:
    """Return the texts of the flows of a manager."""
    texts: Texts
    match flows:
        case ConfigSubentryFlowManager():
            texts = _TEXTS["config_subentries"][SUBENTRY_METER]
        case OptionsFlowManager():
            texts = _TEXTS["options"]
        case _:
            texts = _TEXTS["config"]
    return texts


def check_texts(texts: Texts, result: Mapping[str, Any]) -> None:
    """Fail where something that the dialog shows has no text."""
    placeholders = result.get("description_placeholders") or {}
    shown: list[str] = []
    match result["type"]:
        case FlowResultType.ABORT if not result.get("translation_domain"):
            shown = [texts["abort"][result["reason"]]]
        case FlowResultType.SHOW_PROGRESS:
            shown = [texts["progress"][result["progress_action"]]]
        case FlowResultType.MENU:
            step = texts["step"][result["step_id"]]
            labels = [step["menu_options"][option] for option in result["menu_options"]]
            shown = [step.get("description", ""), *labels]
            # The frontend puts nothing into the title of a menu.
            step["title"].format()
        case FlowResultType.FORM:
            # As it goes to the frontend, which takes selectors, and of the rest only what it knows.
            to_field_list(result["data_schema"], custom_serializer=cv.custom_serializer)
            step = texts["step"][result["step_id"]]
            errors = (result["errors"] or {}).values()
            shown = [
                *_heading(step),
                *_field_texts(result["data_schema"].schema, step),
                *(texts["error"][key] for key in errors),
            ]
    for text in shown:
        text.format(**placeholders)


def check_errors(
    texts: Texts, errors: Mapping[str, Any], user_input: Mapping[str, Any]
) -> None:
    """Fail where what the form refuses has no text, or one that names what nobody tells it."""
    for field in errors.keys() & user_input.keys():
        texts["error"][errors[field]].format()


def _field_texts(schema: Mapping[Any, Any], texts: Texts) -> Iterable[str]:
    for marker, field in schema.items():
        if isinstance(field, section):
            inner = texts["sections"][str(marker)]
            yield inner["name"]
            yield inner.get("description", "")
            yield from _field_texts(field.schema.schema, inner)
        else:
            yield texts["data"][str(marker)]
            yield texts["data_description"][str(marker)]


def _heading(step: Texts) -> Iterable[str]:
    yield step["title"]
    yield step.get("description", "")

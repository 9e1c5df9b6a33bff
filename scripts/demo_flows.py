"""The way a person takes through Home Assistant's dialogs, taken over HTTP."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from scripts.demo_home_assistant import DemoError, HomeAssistant

type Step = Mapping[str, Any]
type Answers = Mapping[str, Mapping[str, Any] | Callable[[Step], Mapping[str, Any]]]
"""What is entered at each step, by step id: the form's data, or a function that takes it from what is shown."""

CONFIG = "config/config_entries/flow"
OPTIONS = "config/config_entries/options/flow"
SUBENTRIES = "config/config_entries/subentries/flow"


async def walk(
    home_assistant: HomeAssistant, flow: str, start: Mapping[str, Any], answers: Answers
) -> Step:
    """Go through a flow to its end and return its last step.

    Raises DemoError where a form finds fault with its answer, or asks what there is no answer for.
    """
    step: Step = await home_assistant.post(flow, start)
    while True:
        path = f"{flow}/{step['flow_id']}"
        match step["type"]:
            case "create_entry":
                return step
            case "abort":
                raise DemoError(
                    f"the dialog ended: {step['reason']} {step.get('description_placeholders') or ''}"
                )
            case "progress":
                await asyncio.sleep(0.1)
                step = await home_assistant.get(path)
            case "menu" | "form":
                if step.get("errors"):
                    raise DemoError(
                        f"step {step['step_id']}: {step['errors']} {step['description_placeholders'] or ''}"
                    )
                if (answer := answers.get(step["step_id"])) is None:
                    raise DemoError(
                        f"the dialog asks what the demo doesn't know: {step}"
                    )
                data = answer(step) if callable(answer) else answer
                step = await home_assistant.post(path, data)
            case other:
                raise DemoError(f"the dialog went to a step of type {other}: {step}")


async def add_gateway(home_assistant: HomeAssistant, port: int) -> Mapping[str, Any]:
    """Add the gateway at 127.0.0.1 without meters and return its config entry."""
    answers: Answers = {
        "user": {"next_step_id": "tcp"},
        "tcp": {
            "name": "Gateway",
            "host": "127.0.0.1",
            "port": port,
            "search": False,
            "line": {},
            "timing": {},
        },
        "meters": {"next_step_id": "later"},
    }
    return await _add_connection(home_assistant, answers)


async def add_level_converter(
    home_assistant: HomeAssistant, port: str
) -> Mapping[str, Any]:
    """Add the level converter with all meters that a search finds and return its config entry."""
    answers: Answers = {
        "user": {"next_step_id": "serial"},
        "serial": {
            "name": "Level converter",
            "port": port,
            # The simulated meters know every rate, and a search is quicker at a high one.
            "line": {"baud_rate": "38400"},
            "timing": {},
        },
        "found": lambda step: {"meters": _field(step, "meters")["default"]},
    }
    return await _add_connection(home_assistant, answers)


async def _add_connection(
    home_assistant: HomeAssistant, answers: Answers
) -> Mapping[str, Any]:
    end = await walk(home_assistant, CONFIG, {"handler": "mbus"}, answers)
    entry: Mapping[str, Any] = end["result"]
    return entry


async def change_options(
    home_assistant: HomeAssistant, entry_id: str, form: str, changes: Mapping[str, Any]
) -> None:
    """Change options of a connection on one of their forms, and wait while it reloads for that."""
    answers: Answers = {
        "init": {"next_step_id": form},
        form: changes,
        "short_period": {"next_step_id": "use_short_period"},
    }
    await walk(home_assistant, OPTIONS, {"handler": entry_id}, answers)
    while True:
        entries = await home_assistant.get("config/config_entries/entry?domain=mbus")
        states = {entry["entry_id"]: entry["state"] for entry in entries}
        if states[entry_id] == "loaded":
            break
        await asyncio.sleep(0.1)


async def add_meter(
    home_assistant: HomeAssistant, entry_id: str, address: int, *, all_records: bool
) -> str:
    """Add the meter at an address with all its records or those ticked from the start, and return its title."""

    def tick(step: Step) -> Mapping[str, Any]:
        field = _field(step, "records")
        options = field["selector"]["select"]["options"]
        return {
            "records": [option["value"] for option in options]
            if all_records
            else field["default"]
        }

    answers: Answers = {
        "user": {"next_step_id": "address"},
        "address": {"address": str(address)},
        "known_meter": {"next_step_id": "records"},
        "records": tick,
        "records_incomplete": tick,
        "history": lambda step: {"sensors": _field(step, "sensors")["default"]},
    }
    end = await walk(
        home_assistant, SUBENTRIES, {"handler": [entry_id, "meter"]}, answers
    )
    return str(end["title"])


def _field(step: Step, name: str) -> Mapping[str, Any]:
    """Return what a form says of one of its fields."""
    return next(field for field in step["data_schema"] if field["name"] == name)

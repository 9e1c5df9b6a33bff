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


async def walk(home_assistant: HomeAssistant, flow: str, start: Mapping[str, Any], answers: Answers) -> Step:
    """Go through a flow to its end and return its last step.

    Raises DemoError where a form finds fault with its answer, or asks what there is no answer for.
    """
    step: Step = await home_assistant.post(flow, start)
    while True:
        path = f"{flow}/{step['flow_id']}"
        match step["type"]:
            case "create_entry":
                return step
            case "abort" if step["reason"] in EXPECTED_ENDS:
                return step
            case "abort":
                raise DemoError(f"the dialog ended: {step['reason']} {step.get('description_placeholders') or ''}")
            case "progress":
                await asyncio.sleep(0.1)
                step = await home_assistant.get(path)
            case "menu" | "form":
                if step.get("errors"):
                    raise DemoError(f"step {step['step_id']}: {step['errors']} {step['description_placeholders'] or ''}")
                if (answer := answers.get(step["step_id"])) is None:
                    raise DemoError(f"the dialog asks what the demo doesn't know: {step}")
                data = answer(step) if callable(answer) else answer
                step = await home_assistant.post(path, data)
            case other:
                raise DemoError(f"the dialog went to a step of type {other}: {step}")


async def connect_tcp(home_assistant: HomeAssistant, port: int) -> str:
    """Add the gateway at 127.0.0.1, its meters to follow, and return the id of its config entry."""
    link = {"name": "Gateway", "host": "127.0.0.1", "port": port}
    answers: Answers = {
        "user": {"next_step_id": "tcp"},
        "tcp": lambda step: filled(step, link),
        "meters": {"next_step_id": "later"},
    }
    return await connect(home_assistant, answers)


async def connect_serial(home_assistant: HomeAssistant, port: str) -> str:
    """Add the level converter with all meters that a search of its bus finds; return the id of its config entry."""
    link = {"name": "Level converter", "port": port}
    answers: Answers = {
        "user": {"next_step_id": "serial"},
        "serial": lambda step: filled(step, link),
        "meters": {"next_step_id": "search"},
        "found": filled,
    }
    return await connect(home_assistant, answers)

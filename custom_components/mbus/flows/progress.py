"""The end of a progress screen."""

import asyncio
from typing import Any

from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowHandler, FlowResult, FlowResultType

REMINDERS = (1.0, 2.0, 4.0, 8.0)
"""Seconds after which the frontend is told again that a progress is over."""


@callback
def async_progress_done[ResultT: FlowResult[Any, Any]](
    flow: FlowHandler[Any, ResultT, Any], next_step_id: str
) -> ResultT:
    """End a flow's progress screen.

    The frontend begins to listen for the end when it shows the screen, and never asks whether that is past: of work that
    ends before, it would show the progress for ever. So it is told again until it has come for what follows.
    """
    flow.hass.async_create_background_task(
        _async_remind(flow), "M-Bus reminder of a dialog's end of progress"
    )
    return flow.async_show_progress_done(next_step_id=next_step_id)


async def _async_remind(flow: FlowHandler[Any, Any, Any]) -> None:
    for seconds in REMINDERS:
        await asyncio.sleep(seconds)
        if (
            not flow.cur_step
            or flow.cur_step["type"] is not FlowResultType.SHOW_PROGRESS_DONE
        ):
            return
        flow.async_notify_flow_changed()

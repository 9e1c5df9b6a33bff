"""Taking what a meter stores of its totals into the history of their sensors."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import SelectOptionDict
import voluptuous as vol

from ..history.past import NoPast, Past, past_of
from ..history.told import left_out_text, taken_text
from ..meters.meter import Meter
from ..meters.reading import Reading
from ..polling.plan import async_plans
from ..polling.statistics import has_recorder
from ..presentation.described import describe
from ..presentation.naming import binding_name
from ..presentation.reasons import fault_text, reason_text
from ..presentation.texts import async_get_texts
from ..profiles.catalogue import async_get_catalogue
from .fields import ticks
from .reading_flow import ReadingSteps

CONF_SENSORS: Final = "sensors"


class HistorySteps(ReadingSteps):
    """Steps `import_history`, from the menu, and `history`, which shows what there is and takes what is ticked."""

    _past_reading: Reading
    _pasts: Mapping[str, Past]
    _past_names: Mapping[str, str]

    async def async_step_import_history(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Read all of the meter: what it stores is often in telegrams that nobody else wants."""
        return await self._async_read(
            self._meter, done="meter_history", failed="meter_history"
        )

    async def async_step_meter_history(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the meter stores, or why nothing of it can be taken: what follows a progress can't end the flow."""
        reading = self._data.reading
        if reading is None or not self._data.is_heard or reading.error:
            return await self.async_step_history_not_read()
        notes, coordinator = self._runtime.store.notes, self._coordinator
        plans = await async_plans(self.hass, notes, coordinator, reading)
        pasts = {key: plan.past for key, plan in plans.items()}
        await self._async_set_pasts(coordinator.meter, reading, pasts)
        if any(past.totals for past in pasts.values()):
            return await self.async_step_history()
        return await self.async_step_no_history()

    async def async_step_history_not_read(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say why the meter couldn't be read, or not wholly, and read it again."""
        if user_input is not None:
            return await self.async_step_import_history()
        texts, reading = await async_get_texts(self.hass), self._data.reading
        error = (
            reason_text(reading.error, texts)
            if self._data.is_heard and reading and reading.error
            else fault_text(self._data, texts)
        )
        return self.async_show_form(
            step_id="history_not_read",
            data_schema=vol.Schema({}),
            description_placeholders={"error": error},
        )

    async def async_step_no_history(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Say why nothing that the meter stores can become history."""
        if user_input is not None:
            return self.async_abort(reason="history_left")
        return self.async_show_form(
            step_id="no_history",
            data_schema=vol.Schema({}),
            description_placeholders={"sensors": await self._async_left_out()},
        )

    async def _async_offer_history(self, meter: Meter, reading: Reading) -> bool:
        """Say whether new bindings, those of `meter`, have a past that can be taken; it is shown next then."""
        if not has_recorder(self.hass):
            return False
        catalogue = await async_get_catalogue(self.hass)
        pasts = {
            key: past_of(one.binding, one.display, reading, meter, catalogue)
            for key, one in describe(meter, {}).items()
        }
        pasts = {
            key: past
            for key, past in pasts.items()
            if past.reason is not NoPast.NOTHING_STORED
        }
        await self._async_set_pasts(meter, reading, pasts)
        return any(past.totals for past in pasts.values())

    async def async_step_history(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for which sensors the stored totals become history."""
        if user_input is not None:
            wanted = user_input[CONF_SENSORS]
            await self._runtime.history.async_take(self._past_reading, wanted)
            return await self._async_end_history(
                "history_taken" if wanted else "history_left"
            )
        texts = await async_get_texts(self.hass)
        options = [
            SelectOptionDict(
                value=key, label=f"{self._past_names[key]}: {taken_text(past, texts)}"
            )
            for key, past in self._pasts.items()
            if past.totals
        ]
        schema = vol.Schema(
            {
                vol.Required(
                    CONF_SENSORS, default=[option["value"] for option in options]
                ): ticks(options)
            }
        )
        return self.async_show_form(
            step_id="history",
            data_schema=schema,
            description_placeholders={"left_out": await self._async_left_out()},
        )

    async def _async_end_history(self, reason: str) -> SubentryFlowResult:
        return self.async_abort(reason=reason)

    async def _async_set_pasts(
        self, meter: Meter, reading: Reading, pasts: Mapping[str, Past]
    ) -> None:
        texts = await async_get_texts(self.hass)
        self._past_reading, self._pasts = reading, pasts
        self._past_names = {
            key: binding_name(meter.bindings[key], texts) for key in pasts
        }

    async def _async_left_out(self) -> str:
        texts = await async_get_texts(self.hass)
        return "\n\n".join(
            text
            for key, past in self._pasts.items()
            if (text := left_out_text(self._past_names[key], past, texts))
        )

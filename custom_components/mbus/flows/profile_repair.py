"""A repair that lets a meter's bindings mean what is known of its family."""

from dataclasses import replace
from typing import Any

from homeassistant.components.repairs import RepairsFlowResult
import voluptuous as vol

from ..const import CONF_BINDINGS
from ..meters.meter import Meter, bindings_from, stored_bindings
from ..meters.reading import Reading
from ..meters.reinterpretation import Reinterpretation, reinterpret, reinterpreted
from ..polling.outlook import Outlook, Shown, async_outlook
from ..presentation.amounts import amount_text
from ..presentation.naming import binding_name
from ..presentation.texts import Texts, cached_texts
from ..profiles.catalogue import cached_catalogue
from .meter_repair import MeterRepairFlow


class ProfileFlow(MeterRepairFlow):
    """Let a meter's records mean what its family's profile says of them, all together, or leave them as they are."""

    _reading: Reading
    _offered: Reinterpretation | None = None

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Read the whole meter, and list what would change and what wouldn't."""
        self._reading = await self._async_read()
        return await self.async_step_apply()

    async def async_step_apply(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Store what changes; where values change in size, the statistics are to go on without a step."""
        telegrams, coordinator = self._reading.telegrams, self._coordinator
        meter = Meter.from_subentry(self._subentry)
        changes = reinterpret(meter, telegrams, cached_catalogue(self.hass))
        bindings = reinterpreted(
            stored_bindings(self._subentry.data),
            changes,
            telegrams,
            self._interpret(telegrams),
        )
        changed = replace(meter, bindings=bindings_from(bindings))
        # What is shown when it changes may be of a later reading than what the meter says of its records.
        outlook = await async_outlook(
            coordinator, changed, coordinator.data.reading or self._reading
        )
        # What is confirmed is what was shown, also where a file changed meanwhile.
        if user_input is not None and (changes == self._offered or not changes.changed):
            seams = coordinator.config_entry.runtime_data.seams
            seams.async_take_out(outlook.seams, unseen=())
            self._store({CONF_BINDINGS: bindings})
            return self.async_create_entry(data={})
        self._offered = changes
        return self.async_show_form(
            step_id="apply_most" if changes.kept else "apply",
            data_schema=vol.Schema({}),
            description_placeholders={
                **self._placeholders,
                **self._listed(meter, changed, changes, outlook),
            },
        )

    async_step_apply_most = async_step_apply

    def _listed(
        self,
        meter: Meter,
        changed: Meter,
        changes: Reinterpretation,
        outlook: Outlook,
    ) -> dict[str, str]:
        texts = cached_texts(self.hass)
        lines = []
        for key in changes.changed:
            before = binding_name(meter.bindings[key], texts)
            after = binding_name(replace(changed.bindings[key], title=None), texts)
            lines.append(
                f"- {before}: {_shown(outlook.before.get(key), texts)} → {after}: {_shown(outlook.after.get(key), texts)}"
            )
        kept = [f"- {binding_name(binding, texts)}" for binding in changes.kept]
        return {"changed": "\n".join(lines), "kept": "\n".join(kept)}


def _shown(shown: Shown | None, texts: Texts) -> str:
    value, unit = shown or (None, None)
    if value is None:
        return f"– {unit}" if unit else "–"
    return amount_text(value, unit, texts)

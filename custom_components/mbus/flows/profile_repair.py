"""A repair that lets a meter's bindings mean what is known of its family."""

from dataclasses import replace
from typing import Any

from homeassistant.components.repairs import RepairsFlowResult
import voluptuous as vol

from ..const import CONF_BINDINGS
from ..meters.meter import Meter, stored_bindings
from ..meters.reinterpretation import Reinterpretation, reinterpret, reinterpreted
from ..presentation.display import display_of
from ..presentation.naming import binding_name
from ..presentation.texts import cached_texts
from ..profiles.catalogue import cached_catalogue
from ..protocol import Telegram
from .meter_repair import MeterRepairFlow


class ProfileFlow(MeterRepairFlow):
    """Let a meter's records mean what its family's profile says of them, all together, or leave them as they are."""

    _telegrams: tuple[Telegram, ...]

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Read the whole meter, and list what would change and what wouldn't."""
        self._telegrams = (await self._async_read()).telegrams
        return await self.async_step_apply()

    async def async_step_apply(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Store what changes."""
        meanings = self._interpret(self._telegrams)
        meter = Meter.from_subentry(self._subentry)
        catalogue = cached_catalogue(self.hass)
        changes = reinterpret(meter, self._telegrams, catalogue)
        if user_input is not None:
            bindings = reinterpreted(
                stored_bindings(self._subentry.data), changes, self._telegrams, meanings
            )
            self._store({CONF_BINDINGS: bindings})
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="apply",
            data_schema=vol.Schema({}),
            description_placeholders={
                **self._placeholders,
                **self._listed(meter, changes),
            },
        )

    def _listed(self, meter: Meter, changes: Reinterpretation) -> dict[str, str]:
        texts = cached_texts(self.hass)
        lines = []
        for binding_id, interpretation in changes.changed.items():
            binding = meter.bindings[binding_id]
            meaning = replace(
                binding, title=None, ordinal=1, interpretation=interpretation
            )
            shown = display_of(meaning, meter.medium).description
            line = f"- {binding_name(binding, texts)} → {binding_name(meaning, texts)}"
            if unit := shown.native_unit_of_measurement:
                line += f" ({unit})"
            lines.append(line)
        kept = [f"- {binding_name(binding, texts)}" for binding in changes.kept]
        return {"changed": "\n".join(lines) or "–", "kept": "\n".join(kept) or "–"}

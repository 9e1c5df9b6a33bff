"""What every sensor shows, beside the record it is bound to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import json

from scripts.demo_home_assistant import HomeAssistant

NO_VALUE = ("unknown", "unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One binding: where its record is, by which profile it is read, if by any, and the state of its entity."""

    address: int | str
    telegram: int
    index: int | None
    profile: str | None
    entity: str | None
    value: str | None
    unit: str | None
    state_class: str | None
    problem: str | None

    def is_done(self, *, problems_count: bool) -> bool:
        """Return whether there is nothing left to wait for."""
        return self.value is not None or (problems_count and self.problem is not None)


async def read_table(
    home_assistant: HomeAssistant, entry_ids: Sequence[str]
) -> list[Row]:
    """Return a row for each binding of the connections."""
    states = {state["entity_id"]: state for state in await home_assistant.get("states")}
    entities = {
        (entity["platform"], entity["unique_id"]): entity["entity_id"]
        for entity in await home_assistant.ask("config/entity_registry/list")
    }
    rows = []
    for entry_id in entry_ids:
        diagnostics = await home_assistant.get(f"diagnostics/config_entry/{entry_id}")
        for meter in sorted(
            diagnostics["data"]["meters"], key=lambda meter: f"{meter['address']:>3}"
        ):
            for binding in meter["bindings"]:
                entity = entities.get(("mbus", binding["id"]))
                state = states.get(
                    entity or "", {"state": "unavailable", "attributes": {}}
                )
                rows.append(
                    Row(
                        address=meter["address"],
                        telegram=binding["telegram"],
                        index=binding["index"],
                        profile=binding["profile"],
                        entity=entity,
                        value=None if state["state"] in NO_VALUE else state["state"],
                        unit=state["attributes"].get("unit_of_measurement"),
                        state_class=state["attributes"].get("state_class"),
                        problem=binding["problem"] or meter["error"],
                    )
                )
    return rows


def as_json(rows: Sequence[Row]) -> str:
    """Return the table as a JSON list of objects."""
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)


def as_text(rows: Sequence[Row]) -> str:
    """Return the table to be read: entity, value, unit, state class, and the problem where there is one."""
    cells = [("entity", "value", "unit", "state class", "problem")]
    cells += [
        (
            row.entity or "-",
            row.value or "-",
            row.unit or "",
            row.state_class or "",
            row.problem or "",
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    )

"""Repair issues of meters, connections and profile files: raised when something is to be done, withdrawn when all is well."""

from collections.abc import Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..meters.meter import Meter, configured_as
from ..presentation.reasons import mistake_text
from ..presentation.texts import cached_texts
from ..presentation.titles import identity_text
from ..profiles.catalogue import Catalogue
from ..protocol import OtherMeterError

OTHER_METER = "other_meter"
RECORDS_CHANGED = "records_changed"
PROFILE_OFFERED = "profile_offered"
PROFILE_UNREADABLE = "profile_unreadable"
CYCLE_TOO_LONG = "cycle_too_long"
MEMORY_LIMIT = "memory_limit"


def issue_id(kind: str, subject_id: str) -> str:
    """Return the id of an issue of a meter (by subentry id) or a connection (by entry id)."""
    return f"{kind}_{subject_id}"


@callback
def report_other_meter(
    hass: HomeAssistant, entry: ConfigEntry, meter: Meter, error: OtherMeterError
) -> None:
    """Ask whether the meter that answers now takes the place of the one configured; not if it is configured itself."""
    texts = cached_texts(hass)
    expected = error.expected
    placeholders = {
        "meter": meter.title,
        "address": str(meter.address),
        "expected": identity_text(expected, texts, error.found) if expected else "–",
        "found": identity_text(error.found, texts, expected),
    }
    if other := configured_as(entry.subentries, error.found, meter.id):
        _create(
            hass,
            OTHER_METER,
            entry.entry_id,
            meter,
            {**placeholders, "other": other},
            translation_key="configured_meter",
        )
    else:
        _create(hass, OTHER_METER, entry.entry_id, meter, placeholders)


@callback
def report_records_changed(
    hass: HomeAssistant, entry_id: str, meter: Meter, names: Iterable[str]
) -> None:
    """Name the bindings whose record now means something else; none of them withdraws the issue."""
    if listed := sorted(names):
        _create(
            hass,
            RECORDS_CHANGED,
            entry_id,
            meter,
            {
                "meter": meter.title,
                "bindings": "\n".join(f"- {name}" for name in listed),
            },
        )
    else:
        ir.async_delete_issue(hass, DOMAIN, issue_id(RECORDS_CHANGED, meter.id))


@callback
def report_profile(
    hass: HomeAssistant, entry: ConfigEntry, meter: Meter, name: str | None
) -> None:
    """Offer the profile of a name to bindings made without it; None withdraws the offer."""
    if name is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id(PROFILE_OFFERED, meter.id))
        return
    _create(
        hass,
        PROFILE_OFFERED,
        entry.entry_id,
        meter,
        {"meter": meter.title, "profile": name},
        severity=ir.IssueSeverity.WARNING,
    )


@callback
def report_profile_files(hass: HomeAssistant, catalogue: Catalogue) -> None:
    """Say which of a user's own files hold no profile, and no more of those that do by now."""
    wrong = {
        issue_id(PROFILE_UNREADABLE, error.path.stem): error
        for error in reversed(catalogue.errors)  # x.yaml before x.yml
    }
    registry = ir.async_get(hass)
    for domain, known in [*registry.issues]:
        if (
            domain == DOMAIN
            and known.startswith(PROFILE_UNREADABLE)
            and known not in wrong
        ):
            ir.async_delete_issue(hass, DOMAIN, known)
    for known, error in wrong.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            known,
            is_fixable=False,
            is_persistent=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=PROFILE_UNREADABLE,
            translation_placeholders={
                "file": error.path.name,
                "line": str(error.line),
                "reason": mistake_text(error, cached_texts(hass)),
            },
        )


@callback
def withdraw_other_meter(hass: HomeAssistant, meter_id: str) -> None:
    """Say no more that another meter answers."""
    ir.async_delete_issue(hass, DOMAIN, issue_id(OTHER_METER, meter_id))


@callback
def withdraw_all(hass: HomeAssistant, meter_id: str) -> None:
    """Forget what is wrong with a meter that is gone."""
    for kind in (OTHER_METER, RECORDS_CHANGED, PROFILE_OFFERED):
        ir.async_delete_issue(hass, DOMAIN, issue_id(kind, meter_id))


@callback
def withdraw_connection(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget what is wrong with a connection that is not running any more."""
    for kind in (CYCLE_TOO_LONG, MEMORY_LIMIT):
        report_connection(hass, kind, entry, None)


@callback
def _create(
    hass: HomeAssistant,
    kind: str,
    entry_id: str,
    meter: Meter,
    placeholders: dict[str, str],
    *,
    translation_key: str | None = None,
    severity: ir.IssueSeverity = ir.IssueSeverity.ERROR,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(kind, meter.id),
        data={"entry_id": entry_id, "meter_id": meter.id},
        is_fixable=translation_key is None,
        is_persistent=False,
        severity=severity,
        translation_key=translation_key or kind,
        translation_placeholders=placeholders,
    )


@callback
def report_memory(
    hass: HomeAssistant, entry: ConfigEntry, used: int, limit: int, *, is_full: bool
) -> None:
    """Say that the readings alone don't fit into memory, or no more."""
    placeholders = {"used": str(used), "limit": str(limit)}
    report_connection(hass, MEMORY_LIMIT, entry, placeholders if is_full else None)


@callback
def report_cycle(
    hass: HomeAssistant, entry: ConfigEntry, duration: float, load: float
) -> None:
    """Say that reading every meter once takes longer than the period, or no more; `duration` is in seconds."""
    placeholders = {"duration": f"{duration:.1f}", "load": f"{load * 100:.0f}"}
    report_connection(hass, CYCLE_TOO_LONG, entry, placeholders if load > 1 else None)


@callback
def report_connection(
    hass: HomeAssistant,
    kind: str,
    entry: ConfigEntry,
    placeholders: dict[str, str] | None,
) -> None:
    """Say what is wrong with a connection; no placeholders: nothing any more."""
    if placeholders is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id(kind, entry.entry_id))
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(kind, entry.entry_id),
        is_fixable=False,
        is_persistent=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=kind,
        translation_placeholders={"connection": entry.title, **placeholders},
    )

"""What a person may ask of a meter beside its polling; failures are told in plain words."""

from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN
from .coordinator import MeterCoordinator


async def async_read_now(coordinator: MeterCoordinator) -> None:
    """Read all telegrams of a meter at once. Raises HomeAssistantError when it doesn't answer."""
    await coordinator.async_read_now()
    if not coordinator.last_update_success:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="read_failed",
            translation_placeholders={
                "meter": coordinator.meter.title,
                "error": coordinator.failure,
            },
        )


async def async_set_clock(coordinator: MeterCoordinator) -> None:
    """Set the meter's clock to the present time."""

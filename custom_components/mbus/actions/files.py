"""Writing what an action gives into a file, and reading what it takes: only in folders that Home Assistant allows."""

from contextlib import suppress
import os
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN
from .fields import refused


async def async_write_new(hass: HomeAssistant, filename: str, text: str) -> str:
    """Write a file that is not there yet, and return its path.

    Raises ServiceValidationError for a folder that isn't allowed and for a name that is taken, HomeAssistantError where
    the file can't be written; then there is none.
    """
    return await hass.async_add_executor_job(_write_new, hass, filename, text)


async def async_read(hass: HomeAssistant, filename: str) -> str:
    """Return what is in a file. Raises ServiceValidationError where it isn't allowed or can't be read."""
    return await hass.async_add_executor_job(_read, hass, filename)


def _write_new(hass: HomeAssistant, filename: str, text: str) -> str:
    path, data = _allowed(hass, filename), text.encode(errors="replace")
    try:
        with path.open("xb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink()
                raise
    except FileExistsError as err:
        raise refused("name_taken", path=str(path)) from err
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="file_not_written",
            translation_placeholders={"path": str(path), "error": _why(err)},
        ) from err
    return str(path)


def _read(hass: HomeAssistant, filename: str) -> str:
    path = _allowed(hass, filename)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise refused("file_not_read", path=str(path), error=_why(err)) from err


def _allowed(hass: HomeAssistant, filename: str) -> Path:
    path = Path(hass.config.path(filename))
    try:
        with suppress(OSError):
            path.stat()
    except ValueError as err:
        # No file can be called so.
        raise refused("folder_not_allowed", path=ascii(filename)) from err
    if not hass.config.is_allowed_path(str(path)):
        raise refused("folder_not_allowed", path=str(path))
    return path


def _why(err: OSError | UnicodeDecodeError) -> str:
    """Return what the system says, without the path."""
    return (err.strerror if isinstance(err, OSError) else err.reason) or str(err)

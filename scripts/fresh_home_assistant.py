"""A folder for a Home Assistant of our own, and the process that runs in it."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Iterable
import json
import os
from pathlib import Path
import sys

LOG = "output.log"


def make_folder(
    folder: Path, configuration: str, components: Iterable[Path], port: int
) -> None:
    """Make an empty folder with custom components, from which Home Assistant serves 127.0.0.1:`port`."""
    custom = folder / "custom_components"
    custom.mkdir(parents=True)
    for component in components:
        (custom / component.name).symlink_to(component)
    (folder / "configuration.yaml").write_text(configuration)
    (folder / ".storage").mkdir()
    # In the YAML these would be taken for a change to confirm, and be reverted with a restart after 5 minutes.
    http = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }
    stored = {"stable": http, "pending": None, "yaml_migration_done": True}
    store(folder, "http", 2, 2, stored)


def store(
    folder: Path, key: str, version: int, minor_version: int, data: object
) -> None:
    """Put something into the storage of a Home Assistant that doesn't run."""
    stored = {
        "version": version,
        "minor_version": minor_version,
        "key": key,
        "data": data,
    }
    (folder / ".storage" / key).write_text(json.dumps(stored))


async def start(folder: Path) -> Process:
    """Start Home Assistant in a folder, in which it keeps its log, too."""
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONPATH"
    }
    with (folder / LOG).open("ab") as out:
        # In a session of its own, or Ctrl-C would reach it before we have a say.
        return await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("hass"),
            "--config",
            folder,
            "--skip-pip",
            "--log-no-color",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

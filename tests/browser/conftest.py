"""A Home Assistant with simulated meters, and a person with a browser in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path
import shutil

from playwright.async_api import Browser, ViewportSize, async_playwright, expect
import pytest

from scripts.demo_flows import add_gateway, add_meter
from scripts.demo_home_assistant import HomeAssistant
from scripts.demo_main import free_port
from tests.simulator import SimulatedBus, demo_meters

from .person import Person

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",  # which root of a container needs
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
)
DESKTOP = ViewportSize(width=1280, height=900)
PATIENCE = 30_000  # ms; a busy machine takes its time for a page


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the pictures be kept that the tests take."""
    parser.addoption("--pictures", type=Path, metavar="FOLDER")


@pytest.fixture
async def browser(socket_enabled: None) -> AsyncIterator[Browser]:
    """Return a browser of this machine; without one, the test is skipped."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)}")
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        await browser.close()


@pytest.fixture
async def bus(browser: Browser) -> AsyncIterator[SimulatedBus]:
    """Return a bus with heat, water, gas, electricity and an old meter at addresses 1 to 5."""
    async with SimulatedBus(demo_meters()) as simulated:
        yield simulated


@pytest.fixture
async def port(bus: SimulatedBus) -> int:
    """Return the TCP port of the bus."""
    return await bus.serve_tcp()


@pytest.fixture
async def home_assistant(
    browser: Browser, tmp_path: Path
) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant that runs as a process of its own."""
    async with HomeAssistant.running(tmp_path / "config", free_port(0)) as running:
        yield running


@pytest.fixture
async def entry_id(home_assistant: HomeAssistant, port: int) -> str:
    """Return the connection to the bus, on which the heat and the water meter are read with the records proposed."""
    entry_id = str((await add_gateway(home_assistant, port))["entry_id"])
    for address in (1, 2):
        await add_meter(home_assistant, entry_id, address, all_records=False)
    return entry_id


@pytest.fixture
def locale() -> str:
    """Return the language of the browser."""
    return "en-US"


@pytest.fixture
async def person(
    browser: Browser,
    locale: str,
    home_assistant: HomeAssistant,
    pytestconfig: pytest.Config,
    tmp_path: Path,
) -> AsyncIterator[Person]:
    """Return somebody who is logged in."""
    pictures = pytestconfig.getoption("pictures", None) or tmp_path
    context = await browser.new_context(
        viewport=DESKTOP, service_workers="block", locale=locale
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    person = Person(page, home_assistant.url, pictures)
    await person.log_in()
    yield person
    await context.close()

"""Somebody in front of Home Assistant's pages, who reads, clicks and types."""

from collections.abc import Mapping
from pathlib import Path
import re
from typing import Final

from playwright.async_api import Locator, Page, expect

from scripts.demo_home_assistant import PASSWORD, USERNAME

SCHEMES: Final = ("light", "dark")
SETTLED: Final = 500
"""Milliseconds after which no page moves any more, so that pictures of it are alike."""

READ: Final = """
root => {
    const lines = [];
    const walk = node => {
        if (node.nodeType === Node.TEXT_NODE && node.textContent.trim()) {
            if (node.parentElement?.checkVisibility()) lines.push(node.textContent.trim());
        } else if (node.nodeType !== Node.ELEMENT_NODE || !["STYLE", "SCRIPT"].includes(node.tagName)) {
            (node.shadowRoot ?? node).childNodes.forEach(walk);
            if (node.tagName === "SLOT") node.assignedNodes().forEach(walk);
        }
    };
    walk(root);
    return lines.join("\\n");
}
"""
"""What a browser makes lines of all visible text with, in its shadows, too."""

type Looks = str | re.Pattern[str]


class Person:
    """Clicks what can be seen, and counts how often that was needed."""

    def __init__(self, page: Page, url: str, pictures: Path) -> None:
        """Sit down before a page; pictures that are taken go into a folder."""
        self.page = page
        self.clicks = 0
        self._url = url
        self._pictures = pictures

    @property
    def dialog(self) -> Locator:
        """The dialog that is open: that of a flow, of a repair, or of a question."""
        return self.page.locator("ha-dialog[open]").last

    async def log_in(self) -> None:
        """Enter name and password, and wait for the first page."""
        await self.page.goto(self._url)
        await self.page.locator("input[name=username]").fill(USERNAME)
        await self.page.locator("input[name=password]").fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url(f"{self._url}/home/**")

    async def visit(self, path: str) -> None:
        """Go to a page without the menus in between."""
        await self.page.goto(f"{self._url}/{path}")

    async def sees(self, text: Looks) -> None:
        """Wait for a text in the dialog. Raises AssertionError where it doesn't come."""
        await expect(self.dialog.get_by_text(text).first).to_be_visible()

    async def reads(self) -> str:
        """Return all that can be read: of the dialog that is open, or else of the page's main part."""
        for place in (
            self.dialog,
            self.page.locator("ha-panel-config, partial-panel-resolver").first,
        ):
            if await place.count():
                return str(await place.evaluate(READ))
        raise ValueError("there is nothing to read")

    async def sees_on_page(self, text: Looks) -> None:
        """Wait for a text anywhere. Raises AssertionError where it doesn't come."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def click(self, place: Locator) -> None:
        """Click a place."""
        await place.click()
        self.clicks += 1

    async def configure(self, title: str, gear: str = "Configure meter") -> None:
        """Open the dialog of a meter by its gear on the integration's page."""
        await self.visit("config/integrations/integration/mbus")
        meter = self.page.locator("ha-config-sub-entry-row").filter(has_text=title)
        await self.click(meter.get_by_role("button", name=gear))

    async def choose(self, text: Looks) -> None:
        """Click a text in the dialog: an option of a menu, a row of a list."""
        await self.click(self.dialog.get_by_text(text, exact=True).first)

    async def looks_for(self, text: str) -> None:
        """Type into the dialog's search once it is there; it has the keys without a click."""
        await self.dialog.locator("input").first.fill(text)

    async def press(self, name: Looks) -> None:
        """Click a button of the dialog."""
        await self.click(self.dialog.get_by_role("button", name=name).last)

    async def submit(self, fields: Mapping[str, str] | None = None) -> None:
        """Fill fields of the dialog's form by their labels, and submit it."""
        for label, text in (fields or {}).items():
            await self.enter(label, text)
        await self.press("Submit")

    async def field(self, label: str) -> Locator:
        """Return the field of the dialog's form that has a label. Raises ValueError where there is none."""
        fields = self.dialog.locator("ha-selector")
        await expect(fields.first).to_be_visible()
        labels = await fields.evaluate_all("fields => fields.map(field => field.label)")
        return fields.nth(labels.index(label))

    async def enter(self, label: str, text: str) -> None:
        """Click a field of the dialog and type over what it holds."""
        field = await self.field(label)
        place = field.locator("input, textarea, .cm-content").first
        await self.click(place)
        await place.fill(text)

    async def pick(self, label: str, option: str) -> None:
        """Open a field that offers a few options, and click one of them."""
        field = await self.field(label)
        await self.click(field.locator("ha-picker-field"))
        await self.click(
            field.locator("ha-dropdown-item").get_by_text(option, exact=True)
        )

    async def take_picture(self, name: str, *, when: Looks | None = None) -> None:
        """Keep how the page looks by day and by night, if asked to once a text is there."""
        if when:
            await self.sees_on_page(when)
        for scheme in SCHEMES:
            await self.page.emulate_media(color_scheme=scheme)
            await self.page.wait_for_timeout(SETTLED)
            await self.page.screenshot(path=self._pictures / f"{name}-{scheme}.png")
        await self.page.emulate_media(color_scheme=SCHEMES[0])

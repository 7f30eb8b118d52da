"""`onequeue try` in a process of its own, and somebody who uses its page."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

ANA = "UANA00001"
PATIENCE = 30_000
"""Milliseconds that something may take which a session has to be run for."""

WIDTH, HEIGHT = 1280, 800

_SETTINGS = "[tiers.sonnet]\nseats = 1\n"
_STILL = """
for (const time of document.querySelectorAll('.message time')) time.textContent = '09:41';
for (const last of document.querySelectorAll('.replies .quiet')) last.textContent = 'last at 09:41';
for (const list of document.querySelectorAll('#thread .messages')) list.scrollTop = list.scrollHeight;
"""


@dataclass
class Visitor:
    """A person with the page open; `troubles` are script errors and what the policy refused."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Loads the page and waits for its first channel."""
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("dialog", lambda asked: asked.accept())
        await self.page.goto(self.url)
        await expect(self.page).to_have_title("ops · Onequeue try")

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.troubles.append(text)

    async def go(self, channel: str) -> None:
        """Turns to a channel, or to Home."""
        await self.page.locator("#sidebar").get_by_role("link", name=channel).click()
        await expect(self.page).to_have_title(f"{channel} · Onequeue try")

    async def send(self, text: str) -> None:
        """Types words into the channel and sends them."""
        await self.page.locator("#composer").fill(text)
        await self.page.locator("#composer").press("Enter")
        await expect(self.page.locator("#composer")).to_have_value("")

    def card(self, words: str) -> Locator:
        """The card of the newest task of those words."""
        shown = self.page.locator("#channel .message:not(.ephemeral)", has_text=words)
        return shown.filter(has_text=re.compile(r"#\d+ · p\d+")).last

    async def task(self, text: str, words: str) -> Locator:
        """Sends a command; the card of its task."""
        await self.send(text)
        card = self.card(words)
        await expect(card).to_be_visible(timeout=PATIENCE)
        return card

    async def thread(self, card: Locator) -> Locator:
        """Opens the thread of a card that has been answered."""
        await card.locator(".replies").click(timeout=PATIENCE)
        return self.page.locator("#thread")

    async def seen(self) -> Any:
        """Everything the simulated Slack shows this person."""
        answer = await self.page.request.get(f"{self.url}/_sim/state?as=ana")
        return await answer.json()

    async def picture(self, name: str, height: int) -> None:
        """Takes a picture for the README where ONEQUEUE_PICTURES names a folder; it shows no time of day."""
        if folder := os.environ.get("ONEQUEUE_PICTURES"):
            await self.page.mouse.move(0, 0)
            await self.page.set_viewport_size({"width": WIDTH, "height": height})
            await self.page.evaluate(_STILL)
            await self.page.screenshot(path=Path(folder) / f"{name}.png")
            await self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


@asynccontextmanager
async def tried(folder: Path) -> AsyncIterator[str]:
    """Runs the command with one seat for Sonnet; the address it prints. It ends well when told to."""
    (folder / "onequeue.toml").write_text(_SETTINGS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "try", "--no-browser"),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        yield address[0]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(30):
            status = await process.wait()
    assert status == 0


@asynccontextmanager
async def visiting(browser: Browser, url: str) -> AsyncIterator[Visitor]:
    """A visitor with a page of its own."""
    page = await browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce", locale="en-GB"
    )
    page.set_default_timeout(15_000)
    visitor = Visitor(page, url)
    await visitor.open()
    yield visitor
    await page.close()
    assert visitor.troubles == []

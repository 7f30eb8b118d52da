"""A browser, a page in it, and the stand-in it talks to."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.rehearsal import FakeRehearsal
from tests.browser.visitor import Visitor, tried, visiting

MARKS = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
"""One browser serves every test here, so they share its event loop."""

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Where Chromium is. Without one the test is skipped, except in CI, where it fails."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        why = f"no browser: install one of {', '.join(NAMES)}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return found


@dataclass
class Visit:
    """An open page; `troubles` are script errors and what the policy refused."""

    page: Page
    rehearsal: FakeRehearsal
    troubles: list[str] = field(default_factory=list)

    async def open(self, address: str = "") -> None:
        """Loads the page and waits until it shows the workspace."""
        await self.page.goto(f"{self.rehearsal.url}/{address}")
        await expect(self.page).to_have_title(re.compile(r" · Onequeue try$"))


@pytest_asyncio.fixture(loop_scope="session")
async def rehearsal() -> AsyncIterator[FakeRehearsal]:
    fake = FakeRehearsal()
    await fake.start()
    yield fake
    await fake.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, rehearsal: FakeRehearsal) -> AsyncIterator[Visit]:
    page = await browser.new_page(viewport={"width": 1360, "height": 860}, locale="en-GB")
    page.set_default_timeout(10_000)
    visit = Visit(page, rehearsal)
    page.on("pageerror", lambda error: visit.troubles.append(str(error)))
    page.on("console", lambda line: visit.troubles.append(line.text) if line.type == "error" else None)
    yield visit
    await page.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def trial(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where `onequeue try` shows its page. One process serves all who try it."""
    async with tried(tmp_path_factory.mktemp("try")) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, trial: str) -> AsyncIterator[Visitor]:
    async with visiting(browser, trial) as visitor:
        yield visitor

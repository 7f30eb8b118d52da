"""`onequeue try` as a person meets it: the real process, a real browser, from the command to the digest."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.conftest import ARGUMENTS, chromium

pytestmark = pytest.mark.browser


async def test_a_task_from_the_command_to_the_digest(tmp_path: Path) -> None:
    picture = Path(os.environ.get("ONEQUEUE_PICTURES", tmp_path)) / "try.png"
    executable = chromium()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = (sys.executable, "-m", "bot", "try", "--no-browser")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=env, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
            page = await browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
            await page.goto(address[0])
            await page.locator("#composer").fill("/task p3 investigate stall")
            await page.locator("#composer").press("Enter")
            await expect(page.locator("#channel")).to_contain_text("#1 · p3 · Opus · done", timeout=30_000)
            await page.locator("#channel .replies").first.click()
            await expect(page.locator("#thread")).to_contain_text("claude-opus-5-5", timeout=15_000)
            await expect(page.locator("#thread")).to_contain_text("p3 -> Opus")
            await page.screenshot(path=picture)
            await page.get_by_role("button", name=re.compile("digest", re.IGNORECASE)).first.click()
            await expect(page.locator("#channel")).to_contain_text("1 task ended", timeout=15_000)
            await browser.close()
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(15):
            status = await process.wait()
    assert status == 0

"""`make screenshots`: the console as a real embedded stack shows it, into docs/images/."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from playwright.async_api import Browser, async_playwright

from handoff.leaving import leave_after
from handoff.stack.state import StackState, read_state
from handoff.tokens import mint
from tests.browser.conftest import ARGUMENTS

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PEOPLE = "0198c000-0000-7000-8000-00000000ac0"
OLIVE, AMIR, BO, CHEN, DARA = (UUID(f"{PEOPLE}{number}") for number in range(1, 6))
NOTES = """The tunnel to Northwind drops every ten minutes since firmware 4.2.1.

Tried: dead peer detection off, shorter lifetimes. No change.
Next I would roll the firmware back, but I may not touch that gateway."""
DESK: dict[str, Any] = {"width": 1200, "height": 720}
PHONE: dict[str, Any] = {"width": 390, "height": 760}


@contextlib.contextmanager
def running_stack(place: Path) -> Iterator[StackState]:
    """`handoff up`, in a process of its own."""
    command = [sys.executable, "-P", "-m", "handoff", "up", f"--data-dir={place}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stack:
        assert stack.stdout is not None
        try:
            for line in stack.stdout:
                if line.strip() == "ready":
                    break
            state = read_state(place)
            assert state is not None, "the stack did not start"
            yield state
        finally:
            stack.terminate()


class Desk:
    """The demo account at work."""

    def __init__(self, state: StackState, http: httpx.AsyncClient) -> None:
        assert state.auth_secret is not None
        self._secret = state.auth_secret
        self._http = http

    async def post(self, who: UUID, path: str, body: Any = None) -> Any:
        token = mint(who, secret=self._secret, lifetime=timedelta(hours=1), now=datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._http.post(path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def hand_off(self, who: UUID, title: str, **body: Any) -> str:
        session = await self.post(who, "/ai-sessions", {"title": title})
        path = f"/ai-sessions/{session['id']}/handoff"
        made = await self.post(who, path, {"intent": "escalate", **body})
        return f"{path}s/{made['id']}"

    async def set_the_scene(self) -> str:
        """A shift's queue. Answers with the path of the handoff that is looked at."""
        solved = await self.hand_off(CHEN, "LDAP sync stopped at 14:00", priority="high")
        await self.post(AMIR, f"{solved}/claim")
        await self.post(AMIR, f"{solved}/resolve", {"outcome": "fixed", "note": "New certificate."})
        context = {"customer": "Northwind", "firmware": "4.2.1", "model": "gw-200"}
        shown = await self.hand_off(
            BO,
            "VPN drops every ten minutes",
            priority="urgent",
            engineer_notes=NOTES,
            context=context,
        )
        await self.hand_off(DARA, "Invoice run fails for two VAT numbers", priority="high")
        await self.hand_off(CHEN, "Dashboard shows yesterday’s numbers")
        await self.hand_off(BO, "Ask the vendor about IPv6 in the lab", intent="park")
        taken = await self.hand_off(BO, "Password reset mail arrives twice", priority="low")
        await self.post(AMIR, f"{taken}/claim")
        await asyncio.sleep(3)
        await self.post(BO, f"{shown}/escalate-now", {"round": 1})
        await asyncio.sleep(3)
        return shown


async def take(browser: Browser, url: str, path: str, name: str, *, scheme: Any, size: Any) -> None:
    """One picture, as Amir sees it."""
    context = await browser.new_context(base_url=url, color_scheme=scheme, viewport=size)
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Amir Adel").click()
    await page.goto(path)
    await page.locator("#live[data-state=live]").wait_for()
    await page.wait_for_timeout(800)
    await page.screenshot(path=IMAGES / f"{name}.png")
    await context.close()


async def take_all() -> None:
    """Four pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None, "install chromium first: apt-get install chromium"
    with tempfile.TemporaryDirectory(prefix="handoff-images-") as name:
        Path(name).chmod(0o755)
        with running_stack(Path(name)) as state:
            assert state.api_url is not None
            url = state.api_url
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
                path = await Desk(state, http).set_the_scene()
            handoff = f"/handoffs/{path.rpartition('/')[2]}"
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=found, args=list(ARGUMENTS)
                )
                await take(browser, url, "/", "queue", scheme="dark", size=DESK)
                await take(browser, url, "/", "queue-phone", scheme="light", size=PHONE)
                await take(browser, url, handoff, "handoff", scheme="dark", size=DESK)
                await take(browser, url, handoff, "handoff-light", scheme="light", size=DESK)
                await browser.close()


def main() -> None:
    asyncio.run(take_all())


if __name__ == "__main__":
    leave_after(main)

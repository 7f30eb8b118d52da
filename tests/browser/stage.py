"""The page before the simulated Slack itself, with a tiny app behind it that answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.rehearsal.page import page_routes
from bot.rehearsal.slack import SlackSim
from tests.browser.rehearsal import EXAMPLES
from tests.integration.rehearsal_forms import (
    CAP,
    HOW,
    NOTIFY,
    PLACE,
    PROMPT,
    TIER,
    Json,
    button,
    home,
    modal,
    plain,
)
from tests.integration.rehearsal_slack import bolt_app, connected, manifest_with

ANA, OPS, TEAM = "UANA00001", "COPS00001", "TACME0001"
FORM = modal(
    {"type": "section", "text": {"type": "mrkdwn", "text": "What should be *done*?"}},
    {**PROMPT, "hint": plain("At most 20 characters.")},
    {**TIER, "dispatch_action": True},
    CAP,
    NOTIFY,
    PLACE,
    HOW,
    button("more"),
    notify_on_close=True,
)
THUMBS: Json = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": plain("Good"), "value": "up"},
            "negative_button": {"text": plain("Bad"), "value": "down"},
        }
    ],
}


class TinyApp:
    """Opens a form from both shortcuts, answers it as told, and remembers every payload."""

    def __init__(self, sim: SlackSim) -> None:
        self.sim = sim
        self.bolt: AsyncApp = bolt_app(sim)
        self.seen: list[Json] = []
        self.answer: Json = {}
        for callback in ("new_task", "run_as_task"):
            self.bolt.shortcut(callback)(self._open)
        for action in ("refresh", "more", "tier", "feedback", "level"):
            self.bolt.action(action)(self._note)
        self.bolt.view("new_task")(self._submitted)
        self.bolt.view_closed("new_task")(self._note)
        self.bolt.event("app_home_opened")(self._event)
        self.bolt.event("agent_session_stopped")(self._event)
        self.bolt.event("message")(self._event)

    def saw(self, kind: str) -> list[Json]:
        return [body for body in self.seen if body.get("type") == kind]

    async def saw_one(self, kind: str) -> Json:
        """The last of that kind, once there is one."""
        await self.sim.wait_for(lambda _: self.saw(kind))
        return self.saw(kind)[-1]

    async def _open(self, ack: Any, body: Json, client: Any) -> None:
        await ack()
        self._remember(body)
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def _submitted(self, ack: Any, body: Json) -> None:
        self._remember(body)
        await ack(**self.answer)

    async def _note(self, ack: Any, body: Json) -> None:
        await ack()
        self._remember(body)

    async def _event(self, event: Json, client: Any) -> None:
        self._remember(event)
        if event["type"] == "app_home_opened" and event["tab"] == "home":
            buttons = [*button("refresh")["elements"], *button("unheard")["elements"]]
            row = {**button("refresh"), "elements": [*buttons, LEVEL]}
            text = {"type": "mrkdwn", "text": "*2 tasks wait*"}
            await client.views_publish(
                user_id=event["user"], view=home({"type": "section", "text": text}, row)
            )

    def _remember(self, body: Json) -> None:
        self.seen.append(body)
        self.sim.state.touch()


LEVEL = {**TIER["element"], "action_id": "level", "placeholder": plain("Level")}


@asynccontextmanager
async def staged() -> AsyncIterator[TinyApp]:
    """Page, simulator and app, started and connected."""
    sim = SlackSim(manifest_with(add=("files:read",)))
    about = {"banner": "Simulated.", "real_claude": False, "examples": EXAMPLES, "zone": "Europe/Berlin"}
    claude: Json = {"failures": [], "kinds": [], "served": []}

    async def told_about(_: web.Request) -> web.Response:
        return web.json_response(about)

    async def of_claude(_: web.Request) -> web.Response:
        return web.json_response(claude)

    sim.app.add_routes(
        [*page_routes(), web.get("/_try/about", told_about), web.get("/_claude/state", of_claude)]
    )
    await sim.start()
    try:
        app = TinyApp(sim)
        async with connected(sim, app.bolt):
            yield app
    finally:
        await sim.close()

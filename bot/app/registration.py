"""Bolt: what arrives from Slack goes to intake or controls. Registration only."""

import asyncio
import logging
import re
import secrets
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.app.quiet import quiet
from bot.ports import Identity
from bot.takers import Events, Forms, Homes, Presses, Requests, Sent
from bot.threads import NotKnownYet

SHORTCUTS: Final = ("new_task", "run_as_task")
FORM: Final = "new_task"
FOLLOW_UP: Final = "follow_up"
"""What the manifest and the forms are named by."""

_LAST_WORDS: Final = 1.5
_ANY: Final = re.compile("")
_log = logging.getLogger(__package__)


def build(
    requests: Requests,
    presses: Presses,
    me: Identity,
    signing_secret: str = "",
    homes: Homes | None = None,
    forms: Forms | None = None,
    presence: Events | None = None,
    follow_ups: Sent | None = None,
) -> AsyncApp:
    """The Bolt app. It acknowledges after the request is stored, and asks Slack nothing before that.

    Without `homes` nobody is shown a Home tab.
    Requests over HTTP must bear a signature made with `signing_secret`; without one all are refused.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=me.team, bot_id=me.bot, bot_user_id=me.user)

    app = AsyncApp(
        name="onequeue",
        logger=quiet("bolt"),
        authorize=authorize,
        signing_secret=signing_secret or secrets.token_hex(32),
        process_before_response=True,
    )

    @app.command("/task")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        # The acknowledgement comes last: what raises after it takes it back.
        await ack(await (forms or requests).slash(body))

    if homes is not None:
        _take_presses_in(homes, app)

    @app.action(_ANY)
    async def action(ack: Any, body: dict[str, Any], respond: Any) -> None:
        if said := await presses.press(body):
            await _say(respond, said)
        await ack()

    if forms is not None:
        _hear_forms(app, forms)
    if follow_ups is not None:
        _take_form(app, FOLLOW_UP, follow_ups)

    @app.event(_ANY)
    async def event(body: dict[str, Any]) -> None:
        if homes is not None:
            homes.opened(body)
        try:
            if presence is not None:
                await presence.event(body)
            await requests.event(body)
        except NotKnownYet as error:
            _log.info("Slack sends an event again: %s", error)
            raise
        except Exception:
            _log.exception("an event was not taken; Slack sends it again")
            raise

    return app


def _take_presses_in(homes: Homes, app: AsyncApp) -> None:
    async def in_home(body: dict[str, Any]) -> bool:
        return bool((body.get("view") or {}).get("type") == "home")

    @app.action(_ANY, matchers=[in_home])
    async def home_action(ack: Any, body: dict[str, Any]) -> None:
        await homes.press(body)
        await ack()


def _hear_forms(app: AsyncApp, forms: Forms) -> None:
    async def shortcut(ack: Any, body: dict[str, Any]) -> None:
        await forms.shortcut(body)
        await ack()

    for name in SHORTCUTS:
        app.shortcut(name)(shortcut)
    _take_form(app, FORM, forms)


def _take_form(app: AsyncApp, name: str, taker: Sent) -> None:
    async def submitted(ack: Any, body: dict[str, Any]) -> None:
        wrong = await taker.submitted(body)
        await (ack(response_action="errors", errors=dict(wrong)) if wrong else ack())

    app.view(name)(submitted)


async def _say(respond: Any, text: str) -> None:
    """Tells one person at once, if Slack takes it in time: the acknowledgement cannot wait longer."""
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await respond(text=text, response_type="ephemeral", replace_original=False)
    except Exception:
        _log.exception("a press could not be answered")

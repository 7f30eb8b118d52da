"""The real Bolt app before a furnished queue: all that Slack can send it, as anybody, once or again."""

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.access import Rules
from bot.app import build
from bot.board import Board
from bot.forms import OF_A_MESSAGE, Forms
from bot.presence import Presence
from bot.views.form import CALLBACK, FOLLOW_UP
from dispatch import scripts
from dispatch.policy import Seating
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import NewTask, Source, Tier
from tests.fakes.register import TEAM, FakeRegister
from tests.fakes.windows import FakeWindows
from tests.integration.guarded import (
    ANA,
    ANSWERED,
    ASKING,
    ME,
    OPS,
    QUEUED,
    STOPPED,
    TERMS,
    THREAD,
    WAYS,
    Door,
    door,
    press,
)

RUNNING: Final = 10
"""ana's script that runs: no gate holds it back."""

Json = Mapping[str, Any]
_TABLES: Final = (
    "paused",
    "task",
    "attempt",
    "history",
    "question",
    "gate",
    "rationed",
    "retry_request",
    "feedback",
    "ledger",
)


@dataclass(frozen=True)
class Sent:
    """Something that Slack sends, without who did it, and what that comes to: as in `guarded.Way`.

    `reads` where it is no more than whoever may read may do. `joins` where it goes on from what was asked in
    a channel that Slack lets only ana read.
    """

    payload: Json
    others: bool = False
    operates: bool = False
    starts: bool = False
    urgent: bool = False
    opus: bool = False
    script: bool = False
    direct: bool = False
    reads: bool = False
    joins: bool = False


def _in_home(payload: Json) -> Json:
    view = {"type": "home", "id": "V1", "private_metadata": '{"filter":"all"}', "state": {"values": {}}}
    kept = {name: value for name, value in payload.items() if name not in ("channel", "container")}
    return {**kept, "type": "block_actions", "view": view}


def form(values: Json, metadata: str = "", view_id: str = "V0FORM001", name: str = CALLBACK) -> Json:
    """A form that was sent; what it says of itself can be forged."""
    state = {name: {name: value} for name, value in values.items()}
    view = {"type": "modal", "callback_id": name, "id": view_id, "private_metadata": metadata}
    return {"type": "view_submission", "view": {**view, "state": {"values": state}}}


def follow_up(task: int | str, words: str = "and the refunds?", **more: Json) -> Json:
    """The form for a follow-up, sent with that number in it."""
    return form({"words": _words(words), **more}, str(task), name=FOLLOW_UP)


def _words(text: str) -> Json:
    return {"type": "plain_text_input", "value": text}


def _chosen(value: str) -> Json:
    return {"type": "static_select", "selected_option": {"value": value}}


def _home_presses() -> dict[str, Sent]:
    found = {}
    for name, way in WAYS.items():
        if name.startswith("button: "):
            payload = _in_home(way.payload)
            found[f"Home {name}"] = Sent(payload, way.others, way.operates, way.starts, way.urgent, way.opus)
    return found


_IN_OPS: Final = {"type": "conversations_select", "selected_conversation": OPS}
_STOP: Final = {
    "type": "agent_session_stopped",
    "channel": OPS,
    "thread_ts": THREAD,
    "event_ts": "1800000000.000900",
}
_THUMBS: Final = {"action_id": "feedback", "value": f"{STOPPED} up", "type": "feedback_buttons"}
_SAID: Final = {"words": _words("tidy"), "priority": _chosen("p5"), "channel": _IN_OPS}
_ABOUT: Final = json.dumps([OPS, THREAD, None])

SENT: Final[Mapping[str, Sent]] = {
    **{
        name: Sent(
            way.payload, way.others, way.operates, way.starts, way.urgent, way.opus, way.script, way.direct
        )
        for name, way in WAYS.items()
    },
    **_home_presses(),
    "form": Sent(form(_SAID), starts=True),
    "form: urgent": Sent(
        form({**_SAID, "priority": _chosen("p1"), "model": _chosen("haiku")}), starts=True, urgent=True
    ),
    "form: on Opus": Sent(form({**_SAID, "model": _chosen("opus")}), starts=True, opus=True),
    "form: about a message": Sent(form({"words": _words("why")}, _ABOUT), starts=True),
    "form: follow-up": Sent(follow_up(ANSWERED), starts=True, joins=True),
    "form: urgent follow-up": Sent(
        follow_up(ANSWERED, priority=_chosen("p1")), starts=True, urgent=True, opus=True, joins=True
    ),
    "Slack's Stop": Sent({"team_id": TEAM, "event": _STOP}, others=True),
    "thread: stop": Sent(
        {
            "team_id": TEAM,
            "event": {
                "type": "message",
                "channel": OPS,
                "ts": "1800000000.000300",
                "thread_ts": THREAD,
                "text": f"<@{ME.user}> stop",
            },
        },
        others=True,
    ),
    "mention in a thread without a task": Sent(
        {
            "team_id": TEAM,
            "event": {
                "type": "message",
                "channel": OPS,
                "ts": "1800000000.000400",
                "thread_ts": "1700000000.000777",
                "text": f"<@{ME.user}> and the refunds?",
            },
        },
        starts=True,
    ),
    "thumb": Sent({**press("feedback", "", ""), "actions": [_THUMBS]}, reads=True),
    "button: stop": Sent(press("stop", RUNNING, "Stop"), others=True),
    "Home button: stop": Sent(_in_home(press("stop", RUNNING, "Stop")), others=True),
}
"""All that may change something, one of each."""

_CARDLESS: Final = "1700000000.000666"
FORGED: Final[Mapping[str, Json]] = {
    "another task's button": press("cheaper", QUEUED, "Run on Haiku"),
    "a button of a state that is over": press("stop", QUEUED, "Stop"),
    "other words on a button": press("bump", QUEUED, "Bump to p1, Opus"),
    "a question's answer that it does not offer": press("answer:5", 1, "payments"),
    "a decision on a question": press("approve_task", 1, "Approve for this task"),
    "a question that is none": press("answer:1", ASKING * 1000, "payments"),
    "a task that is none": press("cancel", 10**17, "Cancel"),
    "a number that is none": press("cancel", "1; DROP TABLE task", "Cancel"),
    "a number with a sign": press("cancel", "-1", "Cancel"),
    "an action that is none": press("drop", QUEUED, "Drop"),
    "a thumb for a task that is none": {
        **press("feedback", "", ""),
        "actions": [{**_THUMBS, "value": "999 up"}],
    },
    "a thumb that is none": {
        **press("feedback", "", ""),
        "actions": [{**_THUMBS, "value": f"{STOPPED} both"}],
    },
    "an alarm in a Home": _in_home(press("acknowledge_alarm", "\n", "Acknowledge")),
    "a button in a modal": {
        **_in_home(press("cancel", QUEUED, "Cancel")),
        "view": {"type": "modal", "id": "V1"},
    },
    "a form about a place that is none": form({"words": _words("tidy")}, '["#ops", "1", null]'),
    "a form about nothing": form({"words": _words("tidy")}, "[]"),
    "a form whose metadata is no JSON": form({"words": _words("tidy")}, "{"),
    "a form with an id that is none": form(_SAID, view_id="V1 V2"),
    "a form for a place that is none": form(
        {**_SAID, "channel": {"type": "x", "selected_conversation": "<!here>"}}
    ),
    "a form of another's": {**form(_SAID), "view": {**form(_SAID)["view"], "callback_id": "delete"}},
    "a follow-up of a task that waits": follow_up(QUEUED),
    "a follow-up of a script": follow_up(RUNNING),
    "a follow-up of a task that is none": follow_up(10**17),
    "a follow-up of no number": follow_up("1 OR 1"),
    "a follow-up of nothing": follow_up(""),
    "a follow-up without words": follow_up(ANSWERED, " "),
    "a follow-up's button on a task that waits": press("follow_up", QUEUED, "Follow up"),
    "a form without words": form({"words": _words("   ")}),
    "a form with an option too many": form({**_SAID, "cap": _words("2 model=opus")}),
    "a shortcut": {"type": "shortcut", "callback_id": CALLBACK},
    "a shortcut of a message that is none": {
        "type": "message_action",
        "callback_id": OF_A_MESSAGE,
        "channel": {"id": "../x"},
        "message": {"ts": "1"},
    },
    "Stop in a thread without a task": {"team_id": TEAM, "event": {**_STOP, "thread_ts": _CARDLESS}},
}
"""What changes nothing, whoever sends it: operators too."""


@dataclass
class AppDoor:
    """The app before a queue."""

    door: Door
    app: AsyncApp
    windows: FakeWindows
    number: int = 0

    async def send(self, payload: Json, person: str, *, again: bool = False, shared: bool = False) -> str:
        """Has Slack send it as that person's, the last one once more with `again`; the answer in it."""
        self.number += not again
        body = _as_of(payload, person, f"1.{self.number}.abc")
        if shared:
            body["is_ext_shared_channel"] = True
        answer = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
        assert answer.status in (200, 404), answer.body
        text = str(answer.body)
        said: dict[str, Any] = json.loads(text) if text.startswith("{") else {"text": text}
        assert said.get("response_type", "ephemeral") == "ephemeral"
        return str(said.get("text") or " ".join((said.get("errors") or {}).values()))

    def state(self) -> object:
        """Everything but what people are told."""
        with closing(self._reading()) as raw:
            rows = [raw.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES]  # noqa: S608
        return rows, list(self.door.alarms.acknowledged)

    def told(self) -> list[tuple[str, str, str, str]]:
        """What people are told in words: kind, channel, person and words of each delivery."""
        with closing(self._reading()) as raw:
            return raw.execute(
                "SELECT kind, channel, person, body FROM delivery WHERE key LIKE 'told:%' ORDER BY id"
            ).fetchall()

    def _reading(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{(self.door.folder / 'onequeue.db').as_uri()}?mode=ro", uri=True)


def _as_of(payload: Json, person: str, trigger: str) -> dict[str, Any]:
    if "event" in payload:
        event = {**payload["event"], "user": person}
        return {"type": "event_callback", **payload, "event": event}
    if "text" in payload:
        named = {"command": "/task", "user_id": person, "team_id": TEAM, "channel_name": "ops"}
        return {**payload, **named, "trigger_id": trigger}
    kind = {"type": "block_actions"} if "actions" in payload else {}
    who = {"id": person, "team_id": TEAM}
    return {**kind, **payload, "user": who, "team": {"id": TEAM}, "trigger_id": trigger}


@asynccontextmanager
async def app_door(folder: Path, rules: Rules, slack: FakeRegister) -> AsyncIterator[AppDoor]:
    async with door(folder, rules, slack) as opened:
        clock, windows, store, nobody = opened.desk._clock, opened.windows, opened.store, None
        now = clock.now()
        new = NewTask(
            f"seed:{RUNNING}", Source.MENTION, ANA, "words", 5, channel=OPS, thread=THREAD, script="status"
        )
        await store.queue.enqueue(new, scripts.route(TERMS.scripts["status"]), now)
        claim = await store.queue.claim(Tier.SCRIPT, Seating(9), now + timedelta(hours=1), now)
        assert claim is not None
        assert claim.task.id == RUNNING
        forms = Forms(opened.intake, windows, DEFAULT_TABLE, [])
        unseen: Any = nobody
        presence = Presence(opened.intake, store.queue, unseen, clock, [])
        board = Board(unseen, opened.controls, windows, clock)
        app = build(
            opened.intake,
            opened.controls,
            ME,
            homes=board,
            forms=forms,
            presence=presence,
            follow_ups=opened.follow_ups,
        )
        yield AppDoor(opened, app, windows)

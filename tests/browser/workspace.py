"""A canned workspace for the page: people, channels, and one message for each thing it can draw."""

from typing import Any

Json = dict[str, Any]

ANA, SAM, BOT = "UANA00001", "USAM00001", "UBOT00001"
OPS, RANDOM, GALLERY, HOSTILE, SECRET = "COPS00001", "CRAN00001", "CGAL00001", "CHOS00001", "CSEC00001"
START = 1_795_593_600
"""Seconds since the epoch: 25 November 2026, 08:00 UTC."""

ATTACK = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
MARKDOWN = """# What I found

The consumer **stopped** at *08:12*, see `worker.py` and [the log](https://logs.example.com/x?a=1).

1. First cause
   - nested point
2. Second cause

- [x] read the log
- [ ] drain the queue

| queue | waiting |
| --- | ---: |
| payments | 412 |
| refunds | 3 |

> One lease was held for 44 h.

```python
def claim(queue: str) -> None:
    ...
```"""


def ts(minute: int, second: int = 0) -> str:
    return f"{START + minute * 60 + second}.000100"


def message(at: str, user: str, text: str, *blocks: Json, **more: Any) -> Json:
    """One message as the state shows it."""
    return {
        "ts": at,
        "thread_ts": None,
        "user": user,
        "text": text,
        "blocks": list(blocks),
        "files": [],
        "reactions": [],
        "edited": False,
        "ephemeral_to": None,
        "metadata": None,
        **more,
    }


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def context(text: str) -> Json:
    return {"type": "context", "elements": [mrkdwn(text)]}


def button(text: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **more}


def user(id_: str, name: str, real_name: str, zone: str, *, is_bot: bool = False) -> Json:
    return {"id": id_, "name": name, "real_name": real_name, "tz": zone, "is_bot": is_bot}


def channel(id_: str, name: str, members: list[str], **more: Any) -> Json:
    return {
        "id": id_,
        "name": name,
        "kind": "channel",
        "user": None,
        "members": members,
        "archived": False,
        "topic": "",
        **more,
    }


def workspace() -> Json:
    """A fresh state; only #gallery and #hostile hold messages."""
    everyone = [ANA, SAM, BOT]
    channels = [
        channel(OPS, "ops", everyone, topic="Operations"),
        channel(RANDOM, "random", [ANA, SAM], topic="Anything else"),
        channel(GALLERY, "gallery", everyone),
        channel(HOSTILE, "hostile", everyone, topic=ATTACK),
        channel(SECRET, "secret", [SAM], kind="private"),
    ]
    return {
        "version": 1,
        "team": {"id": "TACME0001", "name": "Acme"},
        "bot": BOT,
        "users": [
            user(ANA, "ana", "Ana Weber", "Europe/Berlin"),
            user(SAM, "sam", "Sam Rivera", "America/New_York"),
            user("UEVE00001", "eve", ATTACK, "Nowhere/Else"),
            user(BOT, "onequeue", "Onequeue", "Etc/UTC", is_bot=True),
        ],
        "channels": channels,
        "messages": {each["id"]: [] for each in channels},
        "home": None,
        "modal": None,
        "shortcuts": [],
        "sessions": {},
        "status": {},
        "calls": [],
        "envelopes": [],
        "pings": [],
        "sockets": 2,
    }


def card(at: str, state: str = "done", **more: Any) -> Json:
    sign = {"queued": "large_blue_circle", "running": "large_orange_circle", "done": "white_check_mark"}[
        state
    ]
    return message(
        at,
        BOT,
        f"#42 · p3 · Opus · {state}: investigate stall in payments",
        section(f":{sign}: *#42 · p3 · Opus · {state}* · for ana\ninvestigate stall in payments"),
        context("7 min 12 s · $0.93 · answer in the thread"),
        **more,
    )


def answer(at: str, root: str) -> Json:
    return message(
        at,
        BOT,
        "What I found",
        {"type": "markdown", "text": MARKDOWN},
        section(f"For <@{ANA}>"),
        context("p3 -> Opus · claude-opus-5-5 · 7 min 12 s · 84k in, 6k out · $0.93 · #42"),
        thread_ts=root,
    )

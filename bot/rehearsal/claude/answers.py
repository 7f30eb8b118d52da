"""The simulated answers: short markdown that reads well and says that it is simulated."""

import re
import zlib

PINGS = "<!channel> <@U123> @here @everyone"
LONG_SECTIONS = 14

_STEPS = (
    "Write down what is seen, since when, and what changed just before.",
    "Look at the oldest item that has not moved: its state, its owner, its last error.",
    "Compare the rate of arrivals with the rate of work finished over the last hour.",
    "Check the limits on the way: connections, locks, quotas, disk.",
    "Change one thing, watch for ten minutes, and keep the note of it.",
)
_TABLE = """| Where to look | What would be normal | What would not |
|---|---|---|
| Oldest waiting item | seconds old | minutes old, and growing |
| Errors in the last hour | a few, different | many, all the same |
| Work in flight | goes up and down | flat at its limit |"""
_FENCE = """```sh
# the oldest ten that have not moved
sqlite3 app.db "SELECT id, state, updated_at FROM items ORDER BY updated_at LIMIT 10"
```"""
_CAUSES = {
    "opus": (
        "A stall that begins at once usually has one cause that holds everything behind it: a lock, a full "
        "pool, a dependency that stopped answering. A stall that grows slowly is usually work arriving "
        "faster than it is finished. The oldest waiting item tells the two apart, so it comes first."
    ),
    "sonnet": (
        "The quickest way in is the oldest item that has not moved. If it waits on something outside, the "
        "fix is there and not in the queue."
    ),
}


def write(words: str, topic: str, model: str, line: str | None) -> str:
    """The answer to a task, in markdown. The steering words are in `mind`."""
    asked = words.lower()
    if re.search(r"\blong\b", asked):
        return _long(topic, model)
    parts = [f"## {topic}", *_body(asked, line), _note(model)]
    if "ping everyone" in asked:
        parts.insert(1, f"Telling everyone: {PINGS}")
    return "\n\n".join(parts)


def _body(asked: str, line: str | None) -> list[str]:
    if line == "haiku":
        return ["In short: start with what has waited longest.", _steps(2), *_extras(asked, 0)]
    cause = _CAUSES.get(line or "", _CAUSES["sonnet"])
    opening = "Here is how I would go about it, most telling check first."
    return [opening, _steps(5 if line == "opus" else 3), cause, *_extras(asked, zlib.crc32(asked.encode()))]


def _extras(asked: str, variety: int) -> list[str]:
    wanted = []
    if re.search(r"\btables?\b", asked) or variety % 3 == 1:
        wanted.append(_TABLE)
    if re.search(r"\bcode\b", asked) or variety % 3 == 2:
        wanted.append(_FENCE)
    return wanted


def _long(topic: str, model: str) -> str:
    parts = [f"# {topic}", "A long answer in parts, with a table and a command in each."]
    for number in range(1, LONG_SECTIONS + 1):
        parts += [f"## Part {number}", _CAUSES["opus"], _steps(5), _TABLE, _FENCE]
    return "\n\n".join([*parts, _note(model)])


def _steps(count: int) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(_STEPS[:count], start=1))


def _note(model: str) -> str:
    return f"_A simulated answer in the place of {model}: no model was asked, and nothing was looked at._"

"""`onequeue run` in a storm: whatever was acknowledged is answered once, in the right thread."""

import asyncio
import random
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import Message, SlackSim
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, environment
from tests.incidents.disturbances import deck, disturb
from tests.incidents.people import Person, Request, acknowledged

SEED = 20_261_124
ENOUGH = 8
SETTLED_SECONDS = 100

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


@dataclass
class Storm:
    """A bot between a Slack and a Claude, and people around it."""

    slack: SlackSim
    bot: Bot
    database: Path
    people: Sequence[Person] = field(default_factory=tuple)

    @property
    def requests(self) -> list[Request]:
        return [request for person in self.people for request in person.requests]

    def taken(self) -> list[Request]:
        return [request for request in self.requests if acknowledged(self.slack, request)]

    def posts(self) -> list[Message]:
        """Whatever the bot posted where everyone sees it."""
        state = self.slack.state
        return [
            message
            for found in state.messages.values()
            for message in found
            if message.user == state.bot_user_id and message.ephemeral_to is None
        ]

    def unanswered(self) -> list[str]:
        """The words of what was acknowledged and has no card that says done, or no end of an answer."""
        posts = self.posts()
        done = {card_words(post): number for post in posts if (number := card_number(post)) and is_done(post)}
        ends = {answer_number(post) for post in posts}
        return [request.words for request in self.taken() if done.get(request.words) not in ends]

    def tasks(self) -> dict[str, list[int]]:
        """The stored tasks by their words."""
        with closing(sqlite3.connect(self.database)) as raw:
            found: dict[str, list[int]] = {}
            for number, words in raw.execute("SELECT id, words FROM task"):
                found.setdefault(words, []).append(number)
            return found

    def unsent(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as raw:
            return [key for (key,) in raw.execute("SELECT key FROM delivery WHERE state != 'sent'")]


def card_number(post: Message) -> int:
    found = re.match(r"#(\d+) · p\d+ · (?:Opus|Sonnet|Haiku) · ", post.text)
    return int(found[1]) if found else 0


def card_words(post: Message) -> str:
    return post.text.partition(": ")[2]


def is_done(post: Message) -> bool:
    return "· done: " in post.text


def answer_number(post: Message) -> int:
    """The task whose answer ends here, by the line under it."""
    below = [block for block in post.blocks or () if block["type"] == "context"]
    if card_number(post) or not below:
        return 0
    found = re.search(r"· #(\d+)$", below[-1]["elements"][0]["text"])
    return int(found[1]) if found else 0


def key(post: Message) -> str:
    """What we call it ourselves; files have their name."""
    if post.files:
        return post.files[0].name
    return str((post.metadata or {}).get("event_payload", {}).get("key"))


@pytest.fixture(params=[False, True], ids=["bursts pass", "Slack counts"])
async def storm(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storm]:
    slack = SlackSim(manifest(), rate_limits=request.param)
    claude = ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    bot = Bot(environment(tmp_path, slack, claude), tmp_path)
    try:
        await bot.start()
        yield Storm(slack, bot, tmp_path / "onequeue.db")
    finally:
        await bot.kill()
        await slack.close()
        await claude.close()


async def test_nothing_is_lost_and_nothing_is_doubled(storm: Storm, request: pytest.FixtureRequest) -> None:
    counts = "counts" in request.node.callspec.id
    chance = random.Random(SEED)
    rough_sockets = 3 if counts else 14  # where it counts, Slack opens one connection a minute
    slack = storm.slack
    ways = [("slash", "#ops"), ("slash", "#payments"), ("mention", "#ops"), ("mention", "#payments")]
    storm.people = [
        *(Person(("ana", "sam")[number % 2], way, channel) for number, (way, channel) in enumerate(ways)),  # type: ignore[arg-type]
        *(Person(name, "dm", slack.dm(name)) for name in ("ana", "sam")),
    ]
    storming = asyncio.create_task(disturb(slack, deck(chance, rough_sockets), chance))
    await asyncio.gather(*(person.ask(slack, ENOUGH) for person in storm.people))
    await storming
    slack.recover()
    try:
        await slack.wait_for(lambda _: not storm.unanswered(), timeout=SETTLED_SECONDS)
    except TimeoutError:
        pytest.fail(f"lost: {storm.unanswered()}\n" + "\n".join(storm.bot.lines[-40:]))
    assert await storm.bot.stop() == 0
    tell(storm)
    check(storm)


def check(storm: Storm) -> None:
    tasks, posts = storm.tasks(), storm.posts()
    assert storm.unsent() == []
    assert {words: len(numbers) for words, numbers in tasks.items() if len(numbers) != 1} == {}
    assert {request.words for request in storm.taken()} <= set(tasks), "whatever was taken is stored"
    asked = {request.words for request in storm.requests}
    assert set(tasks) <= asked, "nobody asked for more"
    cards = Counter(card_number(post) for post in posts if card_number(post))
    answers = Counter(answer_number(post) for post in posts if answer_number(post))
    numbers = {number for (number,) in tasks.values()}
    assert cards == Counter(numbers), "one card for each task"
    assert answers == Counter(numbers), "one answer for each task"
    assert {name: n for name, n in Counter(key(post) for post in posts).items() if n > 1} == {}
    for request in storm.requests:
        for number in tasks.get(request.words, []):
            (card,) = [post for post in posts if card_number(post) == number]
            thread = request.ts or card.ts
            said = [post for post in posts if f":{number}:" in key(post) or answer_number(post) == number]
            assert {post.thread_ts for post in said} == {thread}, "in the right thread"
            parts = [key(post) for post in said if key(post).startswith(f"answer:{number}:")]
            assert parts == sorted(parts), "in order"
            assert card_words(card) == request.words


def tell(storm: Storm) -> None:
    """Prints the figures."""
    slack, posts, tasks = storm.slack, storm.posts(), storm.tasks()
    calls = slack.state.calls
    kinds = Counter(call.error for call in calls if call.error)
    sent, taken = len(storm.requests), len(storm.taken())
    stored = sum(len(numbers) for numbers in tasks.values())
    ends = Counter(envelope.state for envelope in slack.state.envelopes)
    doubled = sum(count - 1 for count in Counter(key(post) for post in posts).values())
    print(  # noqa: T201
        f"\nrequests sent {sent}, accepted {taken}, refused to the person {sent - taken}, stored {stored}\n"
        f"cards {sum(map(bool, map(card_number, posts)))}, "
        f"answers {sum(map(bool, map(answer_number, posts)))}, messages {len(posts)}, doubled {doubled}\n"
        f"envelopes {len(slack.state.envelopes)}: {dict(ends)}\n"
        f"calls {len(calls)}, of which failed: {dict(kinds)}\n"
        f"looked whether it arrived: "
        f"{sum(call.method in ('conversations.history', 'conversations.replies') for call in calls)}, "
        f"connections opened: {sum(call.method == 'apps.connections.open' for call in calls)}"
    )

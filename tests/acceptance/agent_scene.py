"""`onequeue run` with agents on a project: what people read, what was booked, what a session leaves."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.manifest import manifest
from bot.money import dollars
from bot.rehearsal.claude import ClaudeSim, Served, Step, call
from bot.rehearsal.slack import Message, SlackSim, visible
from dispatch.clock import SystemClock
from dispatch.pricing import PriceList
from dispatch.usage import Price
from tests.acceptance.process import Bot, environment
from tests.integration.agent_room import marked
from tests.integration.gateway_room import usage_of
from tests.integration.test_worktrees import git

OPS, ANA = "COPS00001", "UANA00001"
SETTINGS = """\
grace_seconds = 1
[anthropic]
silence_seconds = 4
[channels.{channel}]
replies = "{replies}"
project = "payments"
[projects.payments]
repo = "{repo}"
runner = "claude-code"
profile = "full"
setup = "! cat {folder}/onequeue.toml"
"""
"""The setup fails where it is not shut in."""

_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
_PATIENCE = 60


@dataclass
class Scene:
    """One bot, the Slack and Claude on its two sides, and the project its agents work on."""

    slack: SlackSim
    claude: ClaudeSim
    bot: Bot
    folder: Path
    repo: Path
    began: frozenset[str] = frozenset()
    _asked: list[str] = field(default_factory=list)

    @property
    def next_number(self) -> int:
        """The number that the next task gets."""
        return len(self._asked) + 1

    def place(self, number: int, attempt: int = 1) -> Path:
        """Where the agent of an attempt works."""
        return self.folder / "onequeue.db.agents" / "places" / f"payments-{number}-{attempt}" / "files"

    async def ask(self, words: str) -> int:
        """Hands over a task; its number."""
        self._asked.append(words)
        receipt = await self.slack.slash("ana", "#ops", words)
        assert f"#{len(self._asked)} " in receipt, receipt
        return len(self._asked)

    async def say(self, words: str) -> str:
        """Another slash command, and the answer to it."""
        return await self.slack.slash("ana", "#ops", words)

    async def reply(self, number: int, words: str) -> int:
        """Says something in a task's thread, once the bot shows there that it works; its number as a task."""
        (card,) = [one for one in self._posts() if _key(one) == f"card:{number}"]
        await self.until(lambda: any(ts == str(card.ts) for _, ts in self.slack.state.sessions))
        self._asked.append(words)
        await self.slack.say("ana", "#ops", words, thread_ts=str(card.ts))
        return len(self._asked)

    def card(self, number: int) -> str:
        """What a task's card says now; empty while it has none."""
        found = [visible(message) for message in self._posts() if _key(message) == f"card:{number}"]
        assert len(found) < 2, "one card for each task"
        return found[0] if found else ""

    def says(self, number: int, words: str) -> bool:
        """Whether a task's card has those words now."""
        return words in self.card(number)

    def replies(self, number: int) -> list[str]:
        """What the thread was told about a task's ends."""
        start = f"answer:{number}:"
        return [visible(message) for message in self._posts() if _key(message).startswith(start)]

    async def until(self, is_so: Callable[[], object]) -> None:
        """Returns once that is so."""
        async with asyncio.timeout(_PATIENCE):
            while not is_so():
                await SystemClock().sleep(0.05)

    async def ended(self, number: int, state: str, *words: str) -> None:
        """Waits until card and thread say that it ended so; the thread then has all of these words."""
        await self.until(lambda: f"· {state}" in self.card(number) and self.replies(number))
        (task,) = self.rows("SELECT * FROM task WHERE id = ?", number)
        assert task["state"] == state
        told = "\n".join(self.replies(number))
        assert [word for word in words if word not in told] == [], told
        spent = dollars(task["cost_micro_usd"], task["unpriced"])
        assert spent in told, "the thread says what it cost"
        assert spent in self.card(number), "the card says what it cost"

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What the database says."""
        database = self.folder / "onequeue.db"
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as reader:
            reader.row_factory = sqlite3.Row
            return list(reader.execute(query, values))

    def gates(self) -> dict[str, sqlite3.Row]:
        """The gates that are not open, by name."""
        return {row["name"]: row for row in self.rows("SELECT * FROM gate WHERE state <> 'open'")}

    def verdicts(self, number: int) -> list[str]:
        """How the attempts of a task ended."""
        rows = self.rows("SELECT verdict FROM attempt WHERE task_id = ? ORDER BY number", number)
        return [row["verdict"] for row in rows]

    def reckon(self, unknown: int = 0) -> None:
        """Holds the ledger against what Claude served, and each task against the ledger.

        `unknown` requests were sent and never answered.
        """
        booked = self.rows("SELECT * FROM ledger ORDER BY id")
        assert all(row["booked_at"] for row in booked), "no line is open"
        served = {one.request_id: one for one in self.claude.served if one.usage}
        priced = [row for row in booked if row["request_id"]]
        assert sorted(row["request_id"] for row in priced) == sorted(served)
        for row in priced:
            _check(row, served[row["request_id"]])
        assert len(booked) - len(priced) == unknown
        for task in self.rows("SELECT * FROM task"):
            own = [row for row in booked if row["task_id"] == task["id"]]
            assert task["cost_micro_usd"] == sum(row["cost_micro_usd"] or 0 for row in own)
            assert task["unpriced"] == sum(row["cost_micro_usd"] is None for row in own)

    async def nothing_left(self) -> None:
        """Waits until processes and files are as before the first task."""
        with suppress(TimeoutError):
            await self.until(lambda: self.found() == self.began)
        assert self.found() == self.began

    def found(self) -> frozenset[str]:
        """The processes that come from the bot or carry its mark, and the files beside its database."""
        files = [path for path in self.folder.rglob("*") if self._is_kept(path)]
        return frozenset([*map(str, files), *self.survivors(), *_below(self.bot.pid)])

    def survivors(self) -> list[str]:
        """The processes of sessions, whoever their parent is now."""
        return [*marked(self.folder / "onequeue.db.agents"), *_sleepers()]

    def _is_kept(self, path: Path) -> bool:
        """Whether a file may not come or go: what git and the database keep for themselves may."""
        within = path.relative_to(self.folder).parts
        if within[:2] == ("payments", ".git"):
            return within[2:3] == ("worktrees",) and len(within) > 3
        return not within[0].startswith("onequeue.db-")

    def _posts(self) -> list[Message]:
        everywhere = [message for found in self.slack.state.messages.values() for message in found]
        return [one for one in everywhere if one.user == self.slack.state.bot_user_id]


@asynccontextmanager
async def agent_scene(folder: Path, *, steered: bool = False) -> AsyncIterator[Scene]:
    """A running bot whose #ops channel is about the project `payments`, with one file in it.

    Replies in its threads steer where it is `steered`.
    """
    repo = folder / "payments"
    for made in (repo, folder / "tmp"):
        made.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "limit.txt").write_text("1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=first")
    replies = "steer" if steered else "wait"
    settings = SETTINGS.format(channel=OPS, replies=replies, repo=repo, folder=folder)
    (folder / "onequeue.toml").write_text(settings)
    slack, claude = SlackSim(manifest()), ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    bot = Bot(environment(folder, slack, claude, TMPDIR=str(folder / "tmp")), folder)
    try:
        await bot.start()
        scene = Scene(slack, claude, bot, folder, repo)
        for room in ("runs", "places"):
            (folder / "onequeue.db.agents" / room).mkdir(parents=True, exist_ok=True)
        scene.began = scene.found()
        yield scene
        assert await bot.stop() == 0
        assert "Traceback" not in "\n".join(bot.lines), "\n".join(bot.lines)[-6000:]
    finally:
        await bot.kill()
        await claude.close()
        await slack.close()


def bash(command: str) -> Step:
    """A turn that runs a command."""
    return call("Bash", command=command, description="as scripted")


HIDING = "setsid nohup sleep 71234 >/dev/null 2>&1 &"
"""A command that leaves a process behind which has nothing to do with its parent any more."""


def _sleepers() -> list[str]:
    return [line for _, line in _processes() if line.startswith("sleep 71234")]


def _below(parent: int) -> list[str]:
    """The command lines of everything that a process has started, and of what that has started."""
    children: dict[int, list[tuple[int, str]]] = {}
    for number, line in _processes():
        children.setdefault(_parent(number), []).append((number, line))
    found, looking = [], [parent]
    while looking:
        for number, line in children.get(looking.pop(), []):
            found.append(line)
            looking.append(number)
    return found


def _processes() -> list[tuple[int, str]]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                words = Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            found.append((int(entry.name), words.decode("utf-8", "replace")))
    return found


def _parent(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _key(message: Message) -> str:
    return str((message.metadata or {}).get("event_payload", {}).get("key", ""))


def _check(row: sqlite3.Row, served: Served) -> None:
    assert [row[name] for name in _TOKENS] == [getattr(served, name) for name in _TOKENS]
    if row["estimated"]:
        assert row["output_tokens"] <= served.output_tokens
        assert row["cost_micro_usd"] > 0
        return
    price = PriceList(SystemClock().now)(served.model, usage_of(served))
    assert isinstance(price, Price)
    assert row["cost_micro_usd"] == price.micro_usd


__all__: Sequence[str] = ["ANA", "HIDING", "OPS", "Scene", "agent_scene", "bash", "git"]

"""What a session's own events tell: how it started, what it writes, what it does, how it ended. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from dispatch.diagnosis import SessionFacts
from dispatch.ports import Draft, Recorder
from dispatch.runners.claude_code.command import SERVER, Asked
from dispatch.runners.claude_code.recording import Recording
from dispatch.transcript import Unrecorded
from dispatch.usage import MICRO_USD

_NOBODY: Final = Unrecorded()
_NOT_STARTED = ("bwrap:", "apply-seccomp:", "Sandbox is required")
_ADVICE = re.compile(r" If it persists, check your inference gateway \([^()]*\)\.")
"""What Claude Code advises where it does not reach the API itself; it is our gateway that it means."""

_ENDED: Final = ("end_turn", "stop_sequence")

_DOING: Final = {
    "Read": ("reading {} file", "reading {} files"),
    "Edit": ("editing {} file", "editing {} files"),
    "Write": ("editing {} file", "editing {} files"),
    "Grep": ("searching", "searching"),
    "Glob": ("searching", "searching"),
    "Bash": ("running a command", "running its {}. command"),
}


class Report:
    """Reads the events of one session, in order. What it writes goes into the draft as it comes, and all
    that happens to the recorder.

    `wrong` says why the session may not go on, once its start was not as asked. `is_started` and
    `is_over` are its beginning and end, unless it goes on from there. `doing` is a line for people, without
    names of files.
    """

    def __init__(self, asked: Asked, draft: Draft, recorder: Recorder = _NOBODY) -> None:
        self.is_started = False
        self.is_over = False
        self.wrong = ""
        self.version = ""
        self.doing = ""
        self.said_micro_usd: int | None = None
        self.tool_results: list[str] = []
        self._said_usd: list[float | None] = []
        self._asked = asked
        self._draft = draft
        self._recording = Recording(recorder)
        self._result: Mapping[str, Any] = {}
        self._error_class: str | None = None
        self._window: Mapping[str, Any] = {}
        self._streamed: str | None = None
        self._separator = ""
        self._kept = len(draft.text)
        self._done: Counter[str] = Counter()
        self._files: set[tuple[str, str]] = set()
        self._broken = 0

    @property
    def tools_broke(self) -> bool:
        """Whether tools were called and not one of them could start."""
        return bool(self._broken) and self._broken == len(self.tool_results)

    @property
    def is_answered(self) -> bool:
        """Whether its newest result looks like an answer, from which it could go on."""
        result = self._result
        good = result.get("subtype") == "success" and result.get("is_error") is not True
        return good and result.get("stop_reason") in _ENDED

    def go_on(self) -> None:
        """The session has more to read: its newest result was not its end."""
        self.is_over = False
        self._result = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Reads the next event. What is not known is passed over."""
        self._recording.take(event)
        own = event.get("parent_tool_use_id") is None
        match event.get("type"), event.get("subtype"):
            case "system", "init":
                self._start(event)
            case "stream_event", _ if own:
                self._hear(_mapping(event.get("event")))
            case "assistant", _:
                self._read_message(event, own=own)
            case "user", _:
                self._read_results(_mapping(event.get("message")))
            case "rate_limit_event", _:
                self._window = _mapping(event.get("rate_limit_info")) or event
            case "result", _:
                self._end(event)

    def close(self) -> None:
        """There are no more events: what was being said broke off."""
        self._recording.close()

    def facts(self, exit_code: int | None, stderr: str, *, killed_by_us: bool) -> SessionFacts:
        """What is known of the session's end."""
        result = self._result
        text, errors = result.get("result"), result.get("errors")
        return SessionFacts(
            exit_code=exit_code,
            killed_by_us=killed_by_us,
            has_result=self.is_over,
            subtype=_word(result.get("subtype")),
            is_error=result.get("is_error") is True,
            terminal_reason=_word(result.get("terminal_reason")),
            api_error_status=_whole(result.get("api_error_status")),
            api_error_type=_word(result.get("api_error_type")),
            api_error_code=_word(result.get("api_error_code")),
            api_error=_word(result.get("api_error")),
            stop_reason=_word(result.get("stop_reason")),
            num_turns=_whole(result.get("num_turns")) or 0,
            result=_ADVICE.sub("", text) if isinstance(text, str) else "",
            errors=tuple(str(error) for error in errors) if isinstance(errors, list) else (),
            error_class=self._error_class,
            window_status=_word(self._window.get("status")),
            window_resets_at=_number(self._window.get("resetsAt")),
            stderr=stderr,
        )

    def _start(self, event: Mapping[str, Any]) -> None:
        self.version = str(event.get("claude_code_version") or "")
        given = event.get("tools")
        tools = frozenset(str(name) for name in given) if isinstance(given, list) else frozenset()
        servers = {str(one.get("name")): str(one.get("status")) for one in _list(event.get("mcp_servers"))}
        self.wrong = self.wrong or "; ".join(
            f"its {name} is {found} and not {asked}"
            for name, found, asked in (
                ("model", event.get("model"), self._asked.model),
                ("permission mode", event.get("permissionMode"), self._asked.permission_mode),
                ("list of tools", sorted(tools), sorted(self._asked.all_tools)),
                ("tool servers", servers, {SERVER: "connected"} if self._asked.tools else {}),
            )
            if found != asked
        )
        self.is_started = True

    def _hear(self, event: Mapping[str, Any]) -> None:
        delta = _mapping(event.get("delta"))
        match event.get("type"):
            case "message_start":
                message = _mapping(event.get("message"))
                self._begin(message)
            case "content_block_delta" if delta.get("type") == "text_delta":
                self._write(str(delta.get("text")))

    def _begin(self, message: Mapping[str, Any]) -> None:
        """Begins a message. One before it that broke off and is told anew is forgotten."""
        self._streamed = _word(message.get("id"))
        self._draft.model = _word(message.get("model")) or self._draft.model
        self._draft.text = self._draft.text[: self._kept]
        self._separator = "\n\n" if self._draft.text else ""

    def _write(self, text: str) -> None:
        self._draft.text += self._separator + text
        self._separator = ""

    def _read_message(self, event: Mapping[str, Any], *, own: bool) -> None:
        message = _mapping(event.get("message"))
        blocks = _list(message.get("content"))
        if own:
            self._error_class = _word(event.get("error"))
            self._add_unheard(message, blocks)
        for block in blocks:
            if block.get("type") == "tool_use":
                self._note(str(block.get("name")), _mapping(block.get("input")))

    def _add_unheard(self, message: Mapping[str, Any], blocks: list[Mapping[str, Any]]) -> None:
        """Adds a message that came in one piece. What Claude Code says itself is none of the model's."""
        if self._error_class or message.get("model") == "<synthetic>":
            return
        if message.get("id") == self._streamed:
            self._kept = len(self._draft.text)
            return
        self._begin(message)
        for block in blocks:
            if block.get("type") == "text":
                self._write(str(block.get("text")))
        self._kept = len(self._draft.text)

    def _note(self, tool: str, given: Mapping[str, Any]) -> None:
        if tool not in _DOING:
            return
        one, many = _DOING[tool]
        if path := given.get("file_path"):
            self._files.add((one, str(path)))
            count = sum(kind == one for kind, _ in self._files)
        else:
            self._done[one] += 1
            count = self._done[one]
        self.doing = (one if count == 1 else many).format(count)

    def _read_results(self, message: Mapping[str, Any]) -> None:
        for block in _list(message.get("content")):
            if block.get("type") == "tool_result":
                text = _text(block.get("content"))
                self.tool_results.append(text)
                self._broken += text.startswith(_NOT_STARTED)

    def _end(self, event: Mapping[str, Any]) -> None:
        self.is_over = True
        self._result = event
        if "model_usage_since_last_result" not in event:
            self._said_usd.clear()
        self._said_usd.append(_cost(event) if _is_listed(event) else None)
        known = [cost for cost in self._said_usd if cost is not None and cost >= 0]
        whole = len(known) == len(self._said_usd)
        self.said_micro_usd = round(sum(known) * MICRO_USD) if whole else None


def _cost(event: Mapping[str, Any]) -> float | None:
    """What this process cost, in dollars: the total of a session that goes on holds its earlier ones too."""
    since = event.get("model_usage_since_last_result")
    if not isinstance(since, dict):
        return _number(event.get("total_cost_usd"))
    costs = [_number(_mapping(one).get("costUSD")) for one in since.values()]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def _is_listed(event: Mapping[str, Any]) -> bool:
    """Whether Claude Code knows the price of every model it used; for others it names another's."""
    used = _mapping(event.get("modelUsage")).values()
    return all(_mapping(one).get("costBasis", "list") == "list" for one in used)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(block.get("text", "")) for block in _list(content))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

"""Sessions on the Messages API. The only door to the anthropic library."""

import json
import logging
from typing import cast

import anthropic
import httpx2
from anthropic.lib.streaming import BetaAsyncMessageStream
from anthropic.lib.tools import BetaAsyncBuiltinFunctionTool, BetaAsyncStreamingToolRunner, ToolError
from anthropic.types.beta import BetaMessage, BetaOutputConfigParam, BetaToolParam
from anthropic.types.beta.parsed_beta_message import ParsedBetaContentBlock

from dispatch.closing import finished
from dispatch.faults import Fault, FaultKind, from_api, retry_after
from dispatch.ports import Draft, Pause, Recorder, Session, Tool
from dispatch.runners.briefing import system
from dispatch.runners.conversation import WAITS, Conversation
from dispatch.task import Outcome, Verdict
from dispatch.transcript import MODEL, Kind, broken_off, spelled

MAX_REQUESTS = 40
"""How many requests one session may make."""

LONGEST_DETAIL = 500
"""Characters of a server's own words that are kept in a fault."""

_ENDED = ("end_turn", "stop_sequence")
_BROKE = "The tool broke. Go on without it."
_log = logging.getLogger(__name__)


class MessagesRunner:
    """`ports.Runner` that holds the conversation itself and calls the session's tools in this process."""

    def __init__(self, max_requests: int = MAX_REQUESTS) -> None:
        self._max_requests = max_requests

    async def run(self, session: Session) -> Outcome:
        """One conversation, from the prompt, or from where it paused, to the last message."""
        draft, conversation = session.draft, Conversation(session)
        try:
            async with _client(session) as client:
                return await self._converse(client, session, conversation)
        except _SDK_ERRORS as error:
            return draft.ended or _failed(draft, _fault(error))

    async def _converse(
        self, client: anthropic.AsyncAnthropic, session: Session, conversation: Conversation
    ) -> Outcome:
        if session.resumed is not None:
            await conversation.hear()
        while (outcome := await self._until_it_stops(client, session, conversation)) is None:
            session.preview.drop()
        return outcome

    async def _until_it_stops(
        self, client: anthropic.AsyncAnthropic, session: Session, conversation: Conversation
    ) -> Outcome | None:
        """What the session has come to; None where it goes on."""
        turns = self._turns(client, session, conversation)
        last: BetaMessage | None = None
        try:
            while stream := await anext(turns, None):
                last = await _read(stream, session)
                if last is None:
                    break
                calls = last.stop_reason == "tool_use"
                conversation.add(last, await turns.generate_tool_call_response() if calls else None)
                if conversation.paused:
                    break
                if calls:
                    await conversation.hear()
            return await self._came_to(last, session, conversation)
        finally:
            await turns.close()

    async def _came_to(
        self, last: BetaMessage | None, session: Session, conversation: Conversation
    ) -> Outcome | None:
        """What that message ends it with; None where people have said more, which it is to answer too.

        Until that is known it has come to nothing: whoever cuts it finds it ended or going on.
        """
        draft, outcome = session.draft, _outcome(last, session.draft, conversation)
        if not self._may_go_on(last, conversation):
            draft.outcome = outcome
            return outcome
        try:
            await finished(conversation.hear())
        finally:
            if conversation.is_answered:
                draft.outcome = outcome
        return draft.outcome

    def _may_go_on(self, last: BetaMessage | None, conversation: Conversation) -> bool:
        ended = last is not None and last.stop_reason in _ENDED and bool(last.content)
        return ended and not conversation.paused and conversation.turns < self._max_requests

    def _turns(
        self, client: anthropic.AsyncAnthropic, session: Session, conversation: Conversation
    ) -> BetaAsyncStreamingToolRunner[None]:
        return client.beta.messages.tool_runner(
            stream=True,
            # Every request carries the whole conversation, so that no server has to remember any of it.
            thread=False,
            max_iterations=self._max_requests - conversation.turns,
            model=session.model,
            max_tokens=session.max_output_tokens,
            thinking={"type": "adaptive"},
            output_config=cast(BetaOutputConfigParam, {"effort": session.effort}),
            cache_control={"type": "ephemeral"},
            system=system(session),
            tools=[_Callable(tool, conversation, session.recorder) for tool in session.access.tools],
            messages=conversation.messages.copy(),
        )


class _Callable(BetaAsyncBuiltinFunctionTool):
    """A tool as the library calls it, its schema sent as it is."""

    def __init__(self, tool: Tool, conversation: Conversation, recorder: Recorder) -> None:
        self._tool = tool
        self._conversation = conversation
        self._recorder = recorder

    def to_dict(self) -> BetaToolParam:
        return {
            "name": self._tool.name,
            "description": self._tool.description,
            "input_schema": dict(self._tool.schema),
        }

    async def call(self, input: object) -> str:  # noqa: A002
        try:
            answer = await self._tool.call(input if isinstance(input, dict) else {})
        except Pause:
            self._conversation.paused = True
            answer = WAITS
        except Exception as error:
            _log.exception("the tool %s broke", self._tool.name)
            self._recorder.add(self._tool.name, Kind.ERROR, _BROKE)
            raise ToolError(_BROKE) from error
        self._recorder.add(self._tool.name, Kind.RESULT, answer)
        return answer


def _client(session: Session) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=session.access.base_url,
        api_key=session.access.key,
        max_retries=0,
        # The library's own client would put the environment's proxy between us and our gateway.
        http_client=httpx2.AsyncClient(trust_env=False),
    )


async def _read(stream: BetaAsyncMessageStream[None], session: Session) -> BetaMessage | None:
    """The message at the end of a stream, or None where it broke off."""
    draft, separator, last, unsaid, said = session.draft, "", None, "", ""
    try:
        while event := await anext(stream, None):
            if event.type == "message_start":
                draft.model = event.message.model
                separator = "\n\n" if draft.text else ""
            elif event.type == "text":
                draft.text += separator + event.text
                unsaid += event.text
                said += event.text
                session.preview.grow(said)
                separator = ""
            elif event.type == "content_block_start" and event.content_block.type == "tool_use":
                session.preview.drop()
            elif event.type == "content_block_stop":
                _take_down(event.content_block, session)
                unsaid = ""
            elif event.type == "message_stop":
                last = event.message
    finally:
        if unsaid:
            session.recorder.add(MODEL, Kind.SAID, broken_off(unsaid))
    return last


def _take_down(block: "ParsedBetaContentBlock[None]", session: Session) -> None:
    recorder = session.recorder
    if block.type == "text":
        recorder.add(MODEL, Kind.SAID, block.text)
    elif block.type == "tool_use":
        recorder.add(block.name, Kind.CALL, spelled(block.input))
        if block.name not in {tool.name for tool in session.access.tools}:
            recorder.add(block.name, Kind.ERROR, "There is no such tool.")


def _outcome(last: BetaMessage | None, draft: Draft, conversation: Conversation) -> Outcome:
    if conversation.paused:
        return Outcome(Verdict.ASKED, draft.text, draft.model, conversation=conversation.saved(draft))
    if last is None:
        return _failed(draft, Fault(FaultKind.NETWORK, "the answer broke off"))
    if last.stop_reason == "refusal":
        return _failed(draft, Fault(FaultKind.REFUSAL, _why_refused(last)))
    if last.stop_reason not in _ENDED:
        return _failed(draft, Fault(FaultKind.INCOMPLETE, _why_incomplete(last)))
    answer = "".join(block.text for block in last.content if block.type == "text").strip()
    if not answer:
        return _failed(draft, Fault(FaultKind.INCOMPLETE, "the model ended without an answer"))
    return Outcome(Verdict.ANSWERED, answer, last.model)


def _failed(draft: Draft, fault: Fault) -> Outcome:
    return Outcome(Verdict.FAILED, draft.text, draft.model, fault)


def _why_refused(last: BetaMessage) -> str:
    explanation = last.stop_details.explanation if last.stop_details else None
    return explanation or "the model declined to answer"


def _why_incomplete(last: BetaMessage) -> str:
    match last.stop_reason:
        case "max_tokens":
            return "the answer was cut at the length it may have"
        case "model_context_window_exceeded":
            return "the conversation outgrew what the model can read"
        case _:
            return "the session made as many requests as it may and had not ended"


_SDK_ERRORS = (anthropic.AnthropicError, httpx2.HTTPError, json.JSONDecodeError)


def _fault(error: Exception) -> Fault:
    match error:
        case anthropic.APIStatusError():
            message = (error.api_message or f"the API answered {error.status_code}")[:LONGEST_DETAIL]
            waits = retry_after(error.response.headers.get("retry-after"))
            return from_api(error.status_code, error.type, error.error_code, message, waits)
        case anthropic.APIConnectionError() | httpx2.TransportError() | json.JSONDecodeError():
            return from_api(None, None, message=f"the connection broke ({type(error).__name__})")
        case _:
            return Fault(FaultKind.UNKNOWN, f"{type(error).__name__}: {error}")

"""What of a session's own events is taken down: words, calls and results, each as a whole. Pure."""

from collections.abc import Mapping
from typing import Any

from dispatch.ports import Recorder
from dispatch.transcript import MODEL, RUNTIME, Kind, broken_off, spelled

_SYNTHETIC = "<synthetic>"


class Recording:
    """Reads the events of one session, in order."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._called: dict[str, str] = {}
        self._unsaid = ""

    def take(self, event: Mapping[str, Any]) -> None:
        """Takes down what the event tells. What is not known is passed over."""
        match event:
            case {"type": "stream_event", "event": {"type": "message_start"}}:
                self.close()
            case {"type": "stream_event", "event": {"delta": {"type": "text_delta", "text": str(text)}}}:
                self._unsaid += text
            case {"type": "assistant", "message": {"content": list(blocks)} as message}:
                own = not event.get("error") and message.get("model") != _SYNTHETIC
                for block in blocks:
                    self._take_block(block, MODEL if own else RUNTIME)
            case {"type": "user", "message": {"content": list(blocks)}}:
                for block in blocks:
                    self._take_result(block)

    def close(self) -> None:
        """Takes down what there is of a message that broke off."""
        if self._unsaid:
            self._recorder.add(MODEL, Kind.SAID, broken_off(self._unsaid))
        self._unsaid = ""

    def _take_block(self, block: object, who: str) -> None:
        match block:
            case {"type": "text", "text": str(text)} if who == MODEL:
                self._unsaid = ""
                self._recorder.add(MODEL, Kind.SAID, text)
            case {"type": "text", "text": str(text)}:
                self.close()
                self._recorder.add(who, Kind.NOTE, text)
            case {"type": "tool_use", "name": str(name), **more}:
                self._called[str(more.get("id"))] = name
                self._recorder.add(name, Kind.CALL, spelled(more.get("input")))

    def _take_result(self, block: object) -> None:
        match block:
            case {"type": "tool_result", **more}:
                kind = Kind.ERROR if more.get("is_error") else Kind.RESULT
                name = self._called.get(str(more.get("tool_use_id")), "tool")
                self._recorder.add(name, kind, _text(more.get("content")))


def _text(content: object) -> str:
    """The text of a result; of what is no text, such as a picture, only its type."""
    if not isinstance(content, list):
        return spelled(content)
    parts = [block for block in content if isinstance(block, dict)]
    return "\n".join(str(block.get("text", f"({block.get('type')})")) for block in parts)

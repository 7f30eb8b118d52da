"""What Slack would not take does not pass for something that it takes."""

from typing import Any

import pytest

from tests.slackshapes import check_call

Json = dict[str, Any]
SECTION: Json = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
BUTTON: Json = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}, "value": "1"}
HOME: Json = {"type": "home", "blocks": [SECTION]}


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("chat.postMessage", {"text": ""}),
        ("chat.postMessage", {"text": "x" * 4_001}),
        ("chat.update", {"text": "x", "blocks": [SECTION] * 51}),
        ("chat.update", {"text": "x", "blocks": [{**SECTION, "block_id": "one"}] * 2}),
        ("chat.postEphemeral", {"text": "x", "blocks": [{"type": "actions", "elements": [BUTTON] * 2}]}),
        ("chat.stopStream", {"blocks": [{**SECTION, "text": {"text": "x" * 3_001}}]}),
        ("chat.appendStream", {"markdown_text": "x" * 12_001}),
        ("views.publish", {"view": {**HOME, "blocks": [SECTION] * 101}}),
        ("views.publish", {"view": {**HOME, "blocks": [{"type": "markdown", "text": "x"}]}}),
        ("views.publish", {"view": {**HOME, "private_metadata": "x" * 3_001}}),
        ("views.open", {"view": {"type": "modal", "title": {"text": "x" * 25}, "blocks": [SECTION]}}),
    ],
)
def test_what_is_too_much_is_found(method: str, args: Json) -> None:
    with pytest.raises(AssertionError):
        check_call(method, args)

"""What counts as a message heard: those that Slack told of, and nothing else it sends."""

from datetime import timedelta

from bot.ear import Ear
from tests.fakes.leaping import LeapingClock


def test_messages_are_told_from_other_requests() -> None:
    clock = LeapingClock()
    ear = Ear(clock)
    assert (ear.heard_at, ear.messages) == (None, ())
    ear.hear({"event": {"type": "message", "ts": "1.2"}})
    clock.advance(timedelta(seconds=5))
    for other in ({"command": "/task"}, {"event": {"type": "app_mention", "ts": "1.3"}}, {"event": "x"}):
        ear.hear(other)
    assert ear.messages == ("1.2",)
    assert ear.heard_at == clock.now()


def test_only_the_last_are_remembered() -> None:
    ear = Ear(LeapingClock())
    for number in range(250):
        ear.hear({"event": {"type": "message", "ts": f"{number}.0"}})
    assert ear.messages[0] == "150.0"
    assert ear.messages[-1] == "249.0"

"""What a terminal shows of a task's questions."""

from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo

from bot.printing import PRINTERS
from bot.records import full_record
from dispatch.questions import Decision, QuestionKind
from dispatch.states import State
from tests.unit.messages import make_attempt, task
from tests.unit.test_questions import question

ZONE = ZoneInfo("Europe/Berlin")


def test_a_question_is_printed_with_all_of_its_action_and_nothing_a_terminal_obeys() -> None:
    action = "rm -r \x1b[31m" + "x" * 5_000
    asked = [
        question(answer="refunds"),
        question(QuestionKind.APPROVAL, text=action, reason="it hangs", id=8, options=()),
        question(QuestionKind.UPGRADE, text="hard", id=9, options=(), answer=Decision.RAISE, person=None),
    ]
    record = full_record(task(State.WAITING), [make_attempt()], (), asked)
    shown = PRINTERS["show"](record, ZONE)
    assert (
        "question 7, asked 2026-11-23 13:00:00 CET, answered 2026-11-23 13:00:00 CET\n"
        "Which queue first?\n  - payments\n  - refunds\nanswer by UANA00001: refunds\n"
    ) in shown
    assert "approval 8, asked 2026-11-23 13:00:00 CET, open until 2026-11-23 17:00:00 CET" in shown
    assert "rm -r " + "x" * 5_000 + "\nwhy: it hangs" in shown
    assert shown.endswith("hard\nanswer by the settings: raise")
    assert "\x1b" not in shown


def test_the_record_says_what_is_open() -> None:
    record = full_record(
        task(State.WAITING), [], (), [question(deadline=task().created_at + timedelta(hours=1))]
    )
    (asked,) = cast("list[dict[str, object]]", record["questions"])
    assert (asked["kind"], asked["ending"], asked["answer"]) == ("question", None, None)
    assert asked["deadline"] == "2026-11-23T13:00:00+00:00"

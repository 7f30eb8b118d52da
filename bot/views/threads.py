"""What is told in a task's thread, as mrkdwn. Pure."""

from collections.abc import Sequence
from typing import Final

from bot.money import dollars
from bot.views.message import line
from bot.words import counted
from dispatch.task import Task

HELP: Final = """\
*In this thread* a reply of whoever asked is a follow-up: it sees what was asked and answered, and has a \
card of its own. While a task runs it waits, or reaches that where the channel is set so. \
`p2 and now …` gives it another priority. Anybody else begins with my name.
*As the whole message:* `stop` ends what runs or waits here · `status` · `cost` · `bump` makes it more urgent
`!aside …` is not for me."""

FILE_ALONE: Final = (
    "Nothing queued: a file alone does not say what to do with it. Send it again with words that do."
)
FILE_UNREAD: Final = (
    "What was attached was not read: an answer is words alone. Once the task has ended, send it here again "
    "with words that say what to do with it."
)


def cost(tasks: Sequence[Task]) -> str:
    """What the tasks of a thread have cost, and the newest of them."""
    newest = tasks[-1]
    if newest.script is None:
        spent = dollars(newest.cost_micro_usd, newest.unpriced)
        own = f"#{newest.id} has cost {spent} of {dollars(newest.route.cap_micro_usd)}"
    else:
        own = f"#{newest.id} is a script and costs nothing"
    whole = dollars(sum(task.cost_micro_usd for task in tasks), sum(task.unpriced for task in tasks))
    return line([own, f"{whole} in this thread, {counted(len(tasks), 'task')}" if len(tasks) > 1 else ""])


def still_asks(task: Task) -> str:
    """Something was said that answers nothing."""
    return f"#{task.id} still waits for an answer."


def nothing_to_stop(newest: Task) -> str:
    """Nothing runs or waits in the thread."""
    return f"Nothing to stop here: #{newest.id} is {newest.state}."

"""Ready-made scripts and tasks that run them."""

from dataclasses import replace
from datetime import timedelta

from dispatch.ports import Access, Session
from dispatch.scripts import Script, route
from dispatch.task import Task
from tests.fakes.values import make_task

STATUS = Script("status", ("true",))


def make_script_task(script: Script = STATUS, **changes: object) -> Task:
    """A queued task that runs the script, changed as said."""
    return replace(make_task(), **{"script": script.name, "route": route(script), **changes})  # type: ignore[arg-type]


def script_session(*command: str, words: str = "", seconds: float = 30) -> Session:
    """One run of the command for ana, as task 42."""
    return Session(
        task_id=42,
        attempt=1,
        model="",
        effort="",
        max_output_tokens=0,
        wall_clock=timedelta(seconds=seconds),
        prompt=words,
        access=Access("", "", ()),
        script=Script("status", command),
        requester="UANA00001",
    )

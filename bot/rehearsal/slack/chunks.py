"""The pieces a streamed message is made of, and what the message looks like after each."""

from collections.abc import Sequence

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.elements import SOURCE
from bot.rehearsal.slack.shapes import by_type, items, one_of, string, typed
from bot.rehearsal.slack.state import Json


def _checked_apart(value: object, at: str) -> None:
    """Blocks in a chunk are checked as those of a message are."""


CHUNKS = items(
    by_type(
        {
            "markdown_text": typed("markdown_text", {"text": string(limits.MARKDOWN, shortest=0)}),
            "plan_update": typed("plan_update", {"title": string()}),
            "task_update": typed(
                "task_update",
                {
                    "id": string(),
                    "title": string(),
                    "status": one_of("pending", "in_progress", "complete", "error"),
                },
                {"details": string(), "output": string(), "sources": items(SOURCE)},
            ),
            "blocks": typed("blocks", {"blocks": _checked_apart}),
        }
    )
)


def grown(text: str, blocks: Sequence[Json], chunks: Sequence[Json], display: str) -> tuple[str, list[Json]]:
    """Text and blocks of a message after the chunks. In the plan display all tasks stand in one plan."""
    now = list(blocks)
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                text += chunk["text"]
                _write(now, chunk["text"])
            case "task_update":
                _note_task(now, _task(chunk), display)
            case "plan_update" if display == "plan":
                n = _plan(now)
                now[n] = {**now[n], "title": chunk["title"]}
            case "blocks":
                start = len(now)
                now += [
                    {**block, "block_id": block.get("block_id", f"b{start + n}")}
                    for n, block in enumerate(chunk["blocks"])
                ]
    return text, now


def _write(blocks: list[Json], text: str) -> None:
    if blocks and blocks[-1]["type"] == "markdown":
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"] + text}
    elif text:
        blocks.append({"type": "markdown", "text": text, "block_id": f"b{len(blocks)}"})


def _task(chunk: Json) -> Json:
    rich: Json = {name: _rich(chunk[name]) for name in ("details", "output") if name in chunk}
    kept: Json = {name: chunk[name] for name in ("title", "status", "sources") if name in chunk}
    return {"type": "task_card", "task_id": chunk["id"], **kept, **rich}


def _rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _note_task(blocks: list[Json], task: Json, display: str) -> None:
    if display == "plan":
        n = _plan(blocks)
        tasks = list(blocks[n]["tasks"])
        _put(tasks, task)
        blocks[n] = {**blocks[n], "tasks": tasks}
    else:
        _put(blocks, {**task, "block_id": f"b{len(blocks)}"})


def _put(tasks: list[Json], task: Json) -> None:
    """In the place of the task with that id, with what is not said again, or at the end."""
    for n, known in enumerate(tasks):
        if known.get("task_id") == task["task_id"]:
            tasks[n] = {**known, **task, **({"block_id": known["block_id"]} if "block_id" in known else {})}
            return
    tasks.append(task)


def _plan(blocks: list[Json]) -> int:
    for n, block in enumerate(blocks):
        if block["type"] == "plan":
            return n
    blocks.append({"type": "plan", "title": "Plan", "tasks": [], "block_id": f"b{len(blocks)}"})
    return len(blocks) - 1

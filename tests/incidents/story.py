"""Whether a database tells one consistent story, and whether it holds what was acknowledged."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from dispatch.states import MOVES, Move, State

Said = tuple[str, ...]
"""One acknowledgement of `tests.incidents.load`, in words."""

_BROKEN = {
    "a foreign key that leads nowhere": "SELECT * FROM pragma_foreign_key_check",
    "a cost that is not the ledger's": """
        SELECT id FROM task WHERE (cost_micro_usd, unpriced) != (
            SELECT coalesce(sum(cost_micro_usd), 0), count(unpriced) FROM ledger
            WHERE task_id = task.id AND booked_at IS NOT NULL
        )""",
    "a task without its card": """
        SELECT id FROM task WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE key = 'card:' || task.id)""",
    "an end that people are not told": """
        SELECT id FROM task WHERE state IN ('done', 'failed') AND NOT EXISTS (
            SELECT 1 FROM delivery WHERE key = 'answer:' || task.id || ':' || task.attempt
        )""",
    "an answer to a task that has not got one": """
        SELECT delivery.id FROM delivery JOIN attempt
        ON attempt.task_id = delivery.task_id AND attempt.number = delivery.attempt
        WHERE kind = 'answer' AND verdict NOT IN ('answered', 'failed', 'cancelled')
        AND NOT (verdict = 'lost' AND attempt.number >= 3 AND (
            SELECT count(*) FROM attempt AS lost
            WHERE lost.task_id = attempt.task_id AND lost.number <= attempt.number AND lost.verdict = 'lost'
        ) >= 3)""",
    "a done task that was not answered": """
        SELECT task.id FROM task LEFT JOIN attempt ON task_id = task.id AND number = task.attempt
        WHERE state = 'done' AND verdict IS NOT 'answered'""",
    "attempts that are not numbered one by one": """
        SELECT id FROM task WHERE attempt != (SELECT count(*) FROM attempt WHERE task_id = task.id)
        OR attempt != (SELECT coalesce(max(number), 0) FROM attempt WHERE task_id = task.id)""",
    "an open attempt of a task that does not run": """
        SELECT task.id FROM task JOIN attempt ON task_id = task.id
        WHERE (ended_at IS NULL) != (state = 'running' AND number = task.attempt)""",
    "what another task has taken up, and yet ran": """
        SELECT id FROM task
        WHERE taken_by IS NOT NULL AND (state != 'cancelled' OR attempt OR cost_micro_usd)""",
    "a task that waits for one that has ended": """
        SELECT task.id FROM task JOIN task AS before ON before.id = task.behind
        WHERE task.state = 'held' AND before.finished_at IS NOT NULL""",
    "a history that ends in another state": """
        SELECT id, state FROM task WHERE state IS NOT (
            SELECT history.state FROM history WHERE task_id = task.id ORDER BY history.id DESC LIMIT 1
        )""",
}


def contradictions(raw: sqlite3.Connection) -> list[str]:
    """What is wrong with it."""
    (check,) = raw.execute("PRAGMA integrity_check(1)").fetchone()
    found = [] if check == "ok" else [check]
    found += [f"{what}: {rows[:5]}" for what, sql in _BROKEN.items() if (rows := raw.execute(sql).fetchall())]
    return found + list(_told_wrong(raw))


def _told_wrong(raw: sqlite3.Connection) -> Iterable[str]:
    """The tasks whose history does not lead to where they are, move by move."""
    history = defaultdict(list)
    told = """
        SELECT task_id, move FROM history
        WHERE detail != 'asked' AND move NOT IN ('reroute', 'answer', 'take up') ORDER BY id"""
    for number, move in raw.execute(told):
        history[number].append(Move(move))
    for number, state, attempt in raw.execute("SELECT id, state, attempt FROM task"):
        first, *moves = history.pop(number)
        at = frozenset({State.QUEUED})
        for move in moves:
            sources, targets = MOVES[move]
            at = targets if at & sources else frozenset()
        if first is not Move.ENQUEUE or State(state) not in at or moves.count(Move.CLAIM) != attempt:
            yield f"#{number} is {state} at attempt {attempt} after {[first, *moves]}"
    if history:
        yield f"the history of tasks that are not there: {sorted(history)}"


_KEPT = {
    "added": "SELECT 1 FROM task WHERE id = ?",
    "claimed": "SELECT 1 FROM attempt WHERE task_id = ? AND number = ?",
    "lost": "SELECT 1 FROM attempt WHERE task_id = ? AND number = ? AND verdict IN ('lost', 'cancelled')",
    "opened": "SELECT 1 FROM ledger WHERE id = ?",
    "booked": "SELECT 1 FROM ledger WHERE id = ? AND iif(unpriced IS NULL, cost_micro_usd, 'unpriced') = ?",
    "settled": """
        SELECT 1 FROM attempt WHERE task_id = ?1 AND number = ?2 AND verdict = ?3
        AND (?4 = 'held' OR EXISTS (SELECT 1 FROM delivery WHERE key = 'answer:' || ?1 || ':' || ?2))""",
    "sent": "SELECT 1 FROM delivery WHERE id = ? AND sent_revision >= ?",
}


def missing(raw: sqlite3.Connection, said: Iterable[Said]) -> list[Said]:
    """What was acknowledged and is not there."""
    return [
        words
        for words in said
        if not raw.execute(_KEPT[words[0]], [int(w) if w.isdecimal() else w for w in words[1:]]).fetchone()
    ]

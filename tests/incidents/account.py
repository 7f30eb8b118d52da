"""What must hold after every incident, whatever happened: no task lost, no cent wrong, nobody disturbed."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from bot.rehearsal.claude.served import Served
from bot.rehearsal.slack import Ping
from tests.incidents.story import contradictions

_LEDGER = """
SELECT request_id, input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
       cache_write_1h_tokens, estimated, cost_micro_usd, booked_at IS NULL AS open
FROM ledger ORDER BY id
"""


def unsound(
    raw: sqlite3.Connection, asked_by: Mapping[int, str], served: Iterable[Served], pings: Iterable[Ping]
) -> list[str]:
    """What is wrong with the database, given who asked for what, what was served, and who was pinged."""
    return [
        *contradictions(raw),
        *_lost(raw, asked_by),
        *_miscounted(raw, [request for request in served if request.message_id]),
        *_disturbed(pings, set(asked_by.values())),
    ]


def _lost(raw: sqlite3.Connection, asked_by: Mapping[int, str]) -> Iterator[str]:
    stored = dict(raw.execute("SELECT id, requester FROM task"))
    yield from (f"#{n} is lost" for n, who in asked_by.items() if stored.get(n) != who)


def _miscounted(raw: sqlite3.Connection, served: list[Served]) -> Iterator[str]:
    """A finished request is booked as it was served; of one that was cut the prompt is known."""
    booked = {row[0]: row[1:] for row in raw.execute(_LEDGER)}
    if set(booked) != {request.request_id for request in served}:
        yield f"booked {sorted(booked)}, served {sorted(request.request_id for request in served)}"
        return
    for request in served:
        *tokens, estimated, cost, is_open = booked[request.request_id]
        wanted = [
            request.input_tokens,
            request.output_tokens,
            request.cache_read_tokens,
            request.cache_write_5m_tokens,
            request.cache_write_1h_tokens,
        ]
        if not request.finished:
            tokens[1] = wanted[1]
        if tokens != wanted or bool(estimated) == request.finished or is_open or not cost:
            yield f"{request.request_id}: {tokens} at {cost} micro-dollars for {wanted}"


def _disturbed(pings: Iterable[Ping], requesters: set[str]) -> Iterator[str]:
    yield from (
        f"{ping.target} was pinged" for ping in pings if ping.kind != "user" or ping.target not in requesters
    )

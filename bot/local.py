"""The local socket beside the database: how commands reach the process that writes it.

JSON over HTTP on a Unix socket that only its owner may open. A path too long for a socket address is
replaced by one in the temporary directory, made from the database's path.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web

from bot.console import Ask, Misused
from bot.records import Record
from dispatch.errors import OnequeueError, Unreachable

_LONGEST_ADDRESS = 100
_MISUSED, _REFUSED = 422, 409


def socket_path(database: Path) -> Path:
    """Where the process that holds this database listens."""
    beside = Path(f"{database.resolve()}.sock")
    if len(os.fsencode(beside)) <= _LONGEST_ADDRESS:
        return beside
    name = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"onequeue-{os.getuid()}-{name}.sock"


class LocalDoor:
    """Serves `ask` on the socket until closed. Who opens it holds the database's lock: there is one door."""

    def __init__(self, path: Path, ask: Ask) -> None:
        self._path = path
        self._ask = ask
        app = web.Application()
        app.router.add_post("/{verb}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def open(self) -> None:
        """Listens from now on."""
        await self._runner.setup()
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, self._path).start()
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stops listening and removes the socket."""
        await self._runner.cleanup()
        self._path.unlink(missing_ok=True)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(await self._ask(request.match_info["verb"], await request.json()))
        except Misused as error:
            return web.json_response({"error": str(error)}, status=_MISUSED)
        except OnequeueError as error:
            return web.json_response({"error": str(error)}, status=_REFUSED)


async def ask_running(path: Path, verb: str, words: Mapping[str, str]) -> Record:
    """Has the running process do a verb. Raises Misused, OnequeueError; Unreachable when none listens."""
    try:
        async with (
            ClientSession(connector=UnixConnector(str(path)), timeout=ClientTimeout(total=None)) as http,
            http.post(f"http://onequeue/{verb}", json=dict(words)) as response,
        ):
            record: Record = await response.json(content_type=None)
    except (OSError, ClientError, json.JSONDecodeError) as error:
        raise Unreachable(f"the running Onequeue does not answer at {path}: {error}") from error
    if response.status == _MISUSED:
        raise Misused(str(record["error"]))
    if response.status != 200:
        raise OnequeueError(str(record.get("error", f"the running Onequeue answered {response.status}")))
    return record

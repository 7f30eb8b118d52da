"""One process writes a database: the lock that says which."""

import fcntl
import os
from pathlib import Path

from dispatch.errors import StoreBusy, StoreUnusable


class FileLock:
    """An exclusive lock on the file beside the database; it ends with the process, however that ends.

    It lies beside the file itself, by whatever link that is reached.
    """

    def __init__(self, database: Path) -> None:
        """Takes the lock. Raises StoreBusy, StoreUnusable."""
        if database.is_dir():
            raise StoreUnusable(f"{database}: this is a folder. Name a file in it.")
        path = f"{os.path.realpath(database)}.lock"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusable(
                f"{database}: cannot be opened ({error.strerror}). "
                "Check that its folder exists and this user may write there."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreBusy(
                f"{database}: another Onequeue holds it (process {holder}). "
                "Send that one the command, or stop it first."
            ) from error
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)
        except OSError as error:
            os.close(self._file)
            raise StoreUnusable(
                f"{database}: its lock cannot be written ({error.strerror}). Check the space left there."
            ) from error

    def release(self) -> None:
        """Gives the lock back. Once."""
        os.close(self._file)

"""Every error this package raises on purpose.

    OnequeueError
    ├── NotFound        no task has that number
    ├── NotAdmitted     the request is understood and not taken; nothing is stored
    ├── MoveRefused     the task's state does not allow that move
    ├── LeaseLost       another attempt owns the task now; this one may write nothing more
    ├── Unreachable     something the task needs cannot be had right now
    ├── NoPlace         a project gives a session no place until somebody changes something
    ├── BackupFailed    no backup was made; the database is as it was
    └── StoreError      the database cannot be used
        ├── StoreBusy       another process holds it
        ├── StoreNewer      it was written by a newer Onequeue
        └── StoreUnusable   corrupt, read-only, full or not a database

The message of each says what happened and what to do next. What goes wrong inside a session is
not an error but a value: see `dispatch.faults`.
"""


class OnequeueError(Exception):
    """Base of all errors raised on purpose."""


class NotFound(OnequeueError):
    """No task has that number."""


class NotAdmitted(OnequeueError):
    """The request is understood and not taken; nothing is stored."""


class MoveRefused(OnequeueError):
    """The task's state does not allow that move."""


class LeaseLost(OnequeueError):
    """Another attempt owns the task now."""


class Unreachable(OnequeueError):
    """Something the task needs cannot be had right now."""


class NoPlace(OnequeueError):
    """A project gives a session no place until somebody changes something."""


class BackupFailed(OnequeueError):
    """No backup was made; the database is as it was."""


class StoreError(OnequeueError):
    """The database cannot be used."""


class StoreBusy(StoreError):
    """Another process holds the database."""


class StoreNewer(StoreError):
    """The database was written by a newer Onequeue."""


class StoreUnusable(StoreError):
    """The database is corrupt, read-only, full or no database at all."""

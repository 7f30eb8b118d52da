"""The SQL files as named statements and numbered migrations."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """Every statement of `dispatch/sql/*.sql` by its name."""
    sources = sorted((files("dispatch") / "sql").iterdir(), key=lambda file: file.name)
    texts = [file.read_text("utf-8") for file in sources if file.name.endswith(".sql")]
    return named("\n".join(texts))


def named(text: str) -> dict[str, str]:
    """The statements of a text, each under its `-- name:` line. Raises ValueError for a name used twice."""
    _, *parts = _NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two statements are called {', '.join(sorted(twice))}")
    return {name: body.strip().removesuffix(";") for name, body in zip(names, bodies, strict=True)}


@cache
def migrations() -> tuple[str, ...]:
    """The migrations, first to newest: the one at index n brings a database from version n to n + 1."""
    scripts = (files("dispatch") / "sql" / "migrations").iterdir()
    return tuple(file.read_text("utf-8") for file in sorted(scripts, key=lambda file: file.name))

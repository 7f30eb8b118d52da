"""Where Claude Code is: in the package that brings it, else on the path. The only door to that package."""

import shutil
from importlib.util import find_spec
from pathlib import Path


def find() -> Path | None:
    """The program, with every link followed; None where there is none."""
    package = find_spec("claude_agent_sdk")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "_bundled" / "claude"
        if bundled.is_file():
            return bundled.resolve()
    on_path = shutil.which("claude")
    return Path(on_path).resolve() if on_path else None

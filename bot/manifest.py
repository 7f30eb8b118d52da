"""Our own manifest: what the app is in Slack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def manifest() -> Mapping[str, Any]:
    """`manifest.yml`: beside this package in a checkout, inside it where it is installed."""
    here = Path(__file__).parent
    inside, beside = here / "manifest.yml", here.parent / "manifest.yml"
    path = inside if inside.exists() else beside
    loaded: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded

"""The models on offer, as `GET /v1/models` shows them."""

from typing import Any

DEFAULT_MODELS = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-opus-4-8",
    "claude-haiku-4-5",
)
LINES = ("opus", "sonnet", "haiku", "fable", "mythos")
MAX_INPUT_TOKENS = 1_000_000
MAX_OUTPUT_TOKENS = 128_000


def line(model: str) -> str | None:
    """The family named in a model's id, or None."""
    return next((name for name in LINES if f"-{name}-" in f"{model}-"), None)


def takes_budgeted_thinking(model: str) -> bool:
    """Whether `thinking.type=enabled` with a budget still works: the models before the fifth generation."""
    return "-4-" in model


def describe(model: str) -> dict[str, Any]:
    """The catalogue entry of a model. Dates are the API's stand-in for unknown ones, the epoch."""
    name = " ".join(part.capitalize() for part in model.split("-") if not part.isdigit())
    version = ".".join(part for part in model.split("-") if part.isdigit() and len(part) < 3)
    return {
        "type": "model",
        "id": model,
        "display_name": f"{name} {version}".strip(),
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "line": line(model),
        "max_input_tokens": MAX_INPUT_TOKENS,
        "max_tokens": MAX_OUTPUT_TOKENS,
    }

"""What the API refuses in a request's own fields. Raises `Refused`, in the API's own words where known."""

import json
from collections.abc import Container, Mapping
from typing import Any, TypeGuard

from bot.rehearsal.claude import models
from bot.rehearsal.claude.conversation import check_messages, check_system
from bot.rehearsal.claude.problem import Problem, Refused, invalid
from bot.rehearsal.claude.tools import check_tool_choice, check_tools
from bot.rehearsal.claude.usage import marks, segments, tokens

COUNTED = {
    "messages",
    "model",
    "cache_control",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
COMMON = COUNTED | {
    "max_tokens",
    "stream",
    "container",
    "diagnostics",
    "inference_geo",
    "metadata",
    "service_tier",
    "stop_sequences",
    "temperature",
    "top_k",
    "top_p",
}
BETA = {
    "billing_policy",
    "compaction",
    "context_management",
    "fallback_credit_token",
    "fallbacks",
    "mcp_servers",
    "thread",
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
MAX_BREAKPOINTS = 4
MIN_THINKING_BUDGET = 1024


def parse(raw: bytes) -> dict[str, Any]:
    """The request body as an object."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise invalid(f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object.")
    return body


def check_message_request(
    body: Mapping[str, Any], known_models: Container[str], paused: Container[str], *, beta: bool
) -> None:
    """Refuses a bad `POST /v1/messages`.

    `paused` holds the texts of turns that may be sent back last; `beta` allows the fields that are
    still in beta.
    """
    _check_fields(body, COMMON | BETA if beta else COMMON)
    _check_model(body, known_models)
    _check_max_tokens(body)
    if not isinstance(body.get("stream", False), bool):
        raise invalid("stream: Input should be a valid boolean")
    _check_stop_sequences(body)
    _check_prompt(body, paused)


def check_count_request(body: Mapping[str, Any], known_models: Container[str], *, beta: bool) -> None:
    """Refuses a bad `POST /v1/messages/count_tokens`."""
    _check_fields(body, COUNTED | BETA if beta else COUNTED)
    _check_model(body, known_models)
    _check_prompt(body, ())


def check_model(model: str, known_models: Container[str]) -> None:
    """Refuses a model that is not on offer, with the API's 404."""
    if model not in known_models:
        raise Refused(Problem(404, "not_found_error", f"model: {model}"))


def _check_prompt(body: Mapping[str, Any], paused: Container[str]) -> None:
    check_system(body.get("system"))
    check_tools(body.get("tools"))
    check_tool_choice(body)
    check_messages(body.get("messages"), body["model"], paused)
    _check_thinking(body)
    _check_output_config(body)
    _check_choices(body)
    _check_cache(body)
    prompt = segments(body)
    size = tokens(prompt[-1].end) if prompt else 0
    if size > models.MAX_INPUT_TOKENS:
        raise invalid(f"prompt is too long: {size} tokens > {models.MAX_INPUT_TOKENS} maximum")


def _check_fields(body: Mapping[str, Any], known: Container[str]) -> None:
    for name in body:
        if name not in known:
            raise invalid(f"{name}: Extra inputs are not permitted")


def _check_model(body: Mapping[str, Any], known_models: Container[str]) -> None:
    model = body.get("model")
    if model is None:
        raise invalid("model: Field required")
    if not isinstance(model, str) or not model:
        raise invalid("model: Input should be a valid string")
    check_model(model, known_models)


def _check_max_tokens(body: Mapping[str, Any]) -> None:
    if "max_tokens" not in body:
        raise invalid("max_tokens: Field required")
    limit = body["max_tokens"]
    if not _whole(limit):
        raise invalid("max_tokens: Input should be a valid integer")
    if limit < 0:
        raise invalid("max_tokens: Input should be greater than or equal to 0")
    if limit > models.MAX_OUTPUT_TOKENS:
        raise invalid(
            f"max_tokens: {limit} > {models.MAX_OUTPUT_TOKENS}, which is the maximum allowed number of "
            f"output tokens for {body['model']}"
        )


def _check_stop_sequences(body: Mapping[str, Any]) -> None:
    sequences = body.get("stop_sequences") or []
    if not isinstance(sequences, list) or not all(isinstance(one, str) for one in sequences):
        raise invalid("stop_sequences: Input should be a list of strings")
    if any(not one.strip() for one in sequences):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


def _check_thinking(body: Mapping[str, Any]) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("adaptive", "enabled", "disabled", "between_tools"):
        raise invalid("thinking.type: Input should be 'adaptive', 'enabled', 'disabled' or 'between_tools'")
    if kind == "enabled":
        _check_budget(body, thinking)
    elif "budget_tokens" in thinking:
        raise invalid(f"thinking.{kind}.budget_tokens: Extra inputs are not permitted")
    if kind in ("adaptive", "enabled"):
        _check_beside_thinking(body)


def _check_budget(body: Mapping[str, Any], thinking: Mapping[str, Any]) -> None:
    if not models.takes_budgeted_thinking(body["model"]):
        raise invalid(
            f"thinking.type: 'enabled' is not supported by {body['model']}. Use 'adaptive' and "
            "output_config.effort to say how much to think."
        )
    budget = thinking.get("budget_tokens")
    if not _whole(budget):
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < MIN_THINKING_BUDGET:
        raise invalid(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_THINKING_BUDGET}"
        )
    if "max_tokens" in body and budget >= body["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`")


def _check_beside_thinking(body: Mapping[str, Any]) -> None:
    if body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled")
    if "top_k" in body:
        raise invalid("`top_k` must be unset when thinking is enabled")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _check_output_config(body: Mapping[str, Any]) -> None:
    config = body.get("output_config")
    if config is None:
        return
    if not isinstance(config, dict):
        raise invalid("output_config: Input should be an object")
    if config.get("effort") not in (None, *EFFORTS):
        raise invalid("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    wanted = config.get("format")
    if wanted is not None and not (
        isinstance(wanted, dict)
        and wanted.get("type") == "json_schema"
        and isinstance(wanted.get("schema"), dict)
    ):
        raise invalid("output_config.format: Input should be a json_schema format with a schema")


def _check_choices(body: Mapping[str, Any]) -> None:
    if body.get("service_tier") not in (None, "auto", "standard_only"):
        raise invalid("service_tier: Input should be 'auto' or 'standard_only'")
    if body.get("speed") not in (None, "standard", "fast"):
        raise invalid("speed: Input should be 'standard' or 'fast'")


def _check_cache(body: Mapping[str, Any]) -> None:
    found = marks(body)
    if found > MAX_BREAKPOINTS:
        raise invalid(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {found}."
        )
    for segment in segments(body):
        if segment.mark not in (None, "5m", "1h"):
            raise invalid("cache_control.ephemeral.ttl: Input should be '5m' or '1h'")


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)

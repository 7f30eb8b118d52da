"""An example value for a JSON schema, with given words where it wants text."""

from collections.abc import Mapping
from typing import Any


def example(schema: Any, words: str) -> Any:
    """A value that fits the schema's usual parts: type, enum, const, default, properties, required, items."""
    if not isinstance(schema, Mapping):
        return words
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return example(schema[union][0], words)
    return _of_type(schema, words)


def _of_type(schema: Mapping[str, Any], words: str) -> Any:
    kind = schema.get("type", "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            needed = schema.get("required") or []
            return {name: example((schema.get("properties") or {}).get(name), words) for name in needed}
        case "array":
            return [example(schema.get("items"), words)] * int(schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return words[: int(schema.get("maxLength", len(words)))]

"""What the API refuses in tools and in the choice between them."""

import re
from collections.abc import Mapping
from typing import Any

from bot.rehearsal.claude.problem import invalid

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_SERVER_TOOL = re.compile(r"[a-z_0-9]+_20\d{6}|mcp_toolset")
_SCHEMA_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def client_tools(body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tools the caller runs itself, by name."""
    offered = body.get("tools") or []
    return {tool["name"]: tool for tool in offered if tool.get("type") in (None, "custom")}


def check_tools(tools: Any) -> None:
    """Refuses tools without a usable name or schema, and two of one name."""
    if tools is None:
        return
    if not isinstance(tools, list):
        raise invalid("tools: Input should be a valid list")
    for place, tool in enumerate(tools):
        _check_tool(f"tools.{place}", tool)
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(names) != len(set(names)):
        raise invalid("tools: Tool names must be unique.")


def check_tool_choice(body: Mapping[str, Any]) -> None:
    """Refuses a choice that no tool on offer can meet."""
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("auto", "any", "tool", "none"):
        raise invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if not body.get("tools") and kind != "none":
        raise invalid("tool_choice: may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in {tool.get("name") for tool in body["tools"]}:
        raise invalid(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_tool(at: str, tool: Any) -> None:
    if not isinstance(tool, dict):
        raise invalid(f"{at}: Input should be an object")
    kind = tool.get("type")
    if kind not in (None, "custom"):
        if not isinstance(kind, str) or not _SERVER_TOOL.fullmatch(kind):
            raise invalid(
                f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            )
        return
    name = tool.get("name")
    if name is None:
        raise invalid(f"{at}.custom.name: Field required")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(f"{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    _check_schema(f"{at}.custom.input_schema", tool.get("input_schema"))


def _check_schema(at: str, schema: Any) -> None:
    if schema is None:
        raise invalid(f"{at}: Field required")
    if not isinstance(schema, dict):
        raise invalid(f"{at}: Input should be an object")
    if schema.get("type") is None:
        raise invalid(f"{at}.type: Field required")
    if schema["type"] != "object":
        raise invalid(f"{at}.type: Input should be 'object'")
    properties, required = schema.get("properties") or {}, schema.get("required") or []
    sound = isinstance(properties, dict) and all(_sound(one) for one in properties.values())
    if not sound or not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise invalid(f"{at}: JSON schema is invalid. It must match JSON Schema draft 2020-12")


def _sound(schema: Any) -> bool:
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict):
        return False
    kinds = schema.get("type", [])
    return all(kind in _SCHEMA_TYPES for kind in ([kinds] if isinstance(kinds, str) else kinds))

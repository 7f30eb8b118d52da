"""A small language for the shape of JSON: checks that name the place and the rule they found broken."""

from collections.abc import Callable, Mapping

Check = Callable[[object, str], None]
"""Takes a value and its JSON pointer; raises `Misshapen` when the value breaks the rule."""


class Misshapen(Exception):
    """A value Slack refuses, with the reason and the JSON pointer, as Slack words it."""

    def __init__(self, reason: str, pointer: str) -> None:
        super().__init__(f"{reason} [json-pointer:{pointer}]")


def string(longest: int | None = None, shortest: int = 1) -> Check:
    def check(value: object, at: str) -> None:
        if not isinstance(value, str):
            raise Misshapen("must be a string", at)
        if len(value) < shortest:
            raise Misshapen(f"must be at least {shortest} characters", at)
        if longest is not None and len(value) > longest:
            raise Misshapen(f"must be at most {longest} characters", at)

    return check


def boolean(value: object, at: str) -> None:
    if not isinstance(value, bool):
        raise Misshapen("must be a boolean", at)


def number(value: object, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misshapen("must be a number", at)


def whole(least: int, most: int) -> Check:
    def check(value: object, at: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Misshapen(f"must be a whole number from {least} to {most}", at)

    return check


def one_of(*allowed: object) -> Check:
    def check(value: object, at: str) -> None:
        if value not in allowed:
            raise Misshapen(f"must be one of {', '.join(map(str, allowed))}", at)

    return check


def items(each: Check, most: int | None = None, least: int = 1) -> Check:
    def check(value: object, at: str) -> None:
        if not isinstance(value, list):
            raise Misshapen("must be a list", at)
        if len(value) < least:
            raise Misshapen(f"no fewer than {least} items allowed", at)
        if most is not None and len(value) > most:
            raise Misshapen(f"no more than {most} items allowed", at)
        for n, item in enumerate(value):
            each(item, f"{at}/{n}")

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: object, at: str) -> None:
        if not isinstance(value, dict):
            raise Misshapen("must be an object", at)
        for name in required:
            if name not in value:
                raise Misshapen(f"missing required field: {name}", at)
        for name, found in value.items():
            if name not in known:
                raise Misshapen(f"unknown field: {name}", at)
            known[name](found, f"{at}/{name}")

    return check


def by_type(shapes: Mapping[str, Check]) -> Check:
    def check(value: object, at: str) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in shapes:
            raise Misshapen(f"unsupported type: {kind}", f"{at}/type")
        shapes[kind](value, at)

    return check


def typed(kind: str, required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return fields({"type": one_of(kind), **required}, optional)

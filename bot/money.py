"""Micro-dollars as people read them. Pure."""

from dispatch.usage import MICRO_USD

_CENT = MICRO_USD // 100


def dollars(micro_usd: int, unpriced: int = 0) -> str:
    """An amount in words: `$0.93`, `<$0.01` for dust, `unpriced` where nothing is known.

    Rounds half a cent up. `unpriced` counts requests that are in no sum; beside a known amount they are
    said to be missing.
    """
    if not unpriced:
        return _amount(micro_usd)
    if not micro_usd:
        return "unpriced"
    return f"{_amount(micro_usd)} + {unpriced} unpriced request{'s' if unpriced > 1 else ''}"


def told_apart(one_micro_usd: int, other_micro_usd: int) -> tuple[str, str]:
    """Two different amounts in words that differ: to the cent, or as exactly as they are known."""
    shown = dollars(one_micro_usd), dollars(other_micro_usd)
    if shown[0] != shown[1]:
        return shown
    return _exact(one_micro_usd), _exact(other_micro_usd)


def _exact(micro_usd: int) -> str:
    whole, rest = divmod(micro_usd, MICRO_USD)
    return f"${whole:,}.{rest:06}"


def _amount(micro_usd: int) -> str:
    if micro_usd < 0:
        return f"-{_amount(-micro_usd)}"
    if 0 < micro_usd < _CENT:
        return "<$0.01"
    whole, cents = divmod((micro_usd + _CENT // 2) // _CENT, 100)
    return f"${whole:,}.{cents:02}"

"""Each tier's model: whether the key may use it, asked for nothing, and whether its price is known."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from bot.doctor.finding import Finding, failure, ok, unknown, warning
from bot.doctor.ports import Claude, Reply

_KEY: Final = "Put a working key in ANTHROPIC_API_KEY and restart, then `/task resume`"


async def models(claude: Claude, tiers: Mapping[str, str], key: bool) -> Sequence[Finding]:
    """Whether each tier's model can be used. `key` says whether there is a key at all."""
    if not key:
        return [failure("claude key", "read the settings", "there is no key", _KEY)]
    return await asyncio.gather(*(_model(claude, tier, model) for tier, model in tiers.items()))


async def _model(claude: Claude, tier: str, model: str) -> Finding:
    name, did = f"model {tier}", f"asked for {model}, which is free"
    reply = await claude.model(model)
    said = f"{reply.status} {reply.kind} {reply.words}".rstrip()
    match reply:
        case Reply(200):
            return ok(name, did, "the key may use it")
        case Reply(401):
            return failure(name, did, f"the key was refused ({said})", _KEY)
        case Reply(403):
            fix = f"Give the key's workspace the model, or name another under [tiers.{tier}] model"
            return failure(name, did, f"the key may not use it ({said})", fix)
        case Reply(404, "not_found_error"):
            fix = f"Name a model that there is under [tiers.{tier}] model"
            return failure(name, did, f"there is no such model for this key ({said})", fix)
        case Reply(400 | 402):
            return failure(
                name, did, f"Claude refused ({said})", "Put the account right, then `/task resume`"
            )
        case Reply(404 | 405):
            fix = "Ask whoever keeps ANTHROPIC_BASE_URL, or try a task: `/task p9 say hello`"
            return unknown(name, did, f"not checked: nothing there tells of models ({said})", fix)
    return unknown(name, did, f"not checked: Claude answered {said}", "Ask again in a minute")


async def prices(
    tiers: Mapping[str, str], unpriced: Callable[[str], str], token_caps: Collection[str]
) -> Sequence[Finding]:
    """Whether each tier's model has a price. `unpriced` says why one has none."""
    return [_price(tier, model, unpriced(model), model in token_caps) for tier, model in tiers.items()]


def _price(tier: str, model: str, why: str, capped: bool) -> Finding:
    name, did = f"price {tier}", f"looked up {model}"
    if not why:
        return ok(name, did, "its price is known")
    named = "input, output, cache_read and cache_write_5m"
    setting = f'Set {named} under [prices."{model}"], in dollars per million tokens'
    if capped:
        return warning(
            name, did, f"unpriced ({why}): a cap of tokens holds it, and no budget counts it", setting
        )
    return failure(
        name,
        did,
        f"unpriced ({why}): its tasks are refused",
        f'{setting}; or the most tokens a task may use: "{model}" under [token_caps]',
    )

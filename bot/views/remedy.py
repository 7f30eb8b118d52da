"""Why a gate is closed, and what an operator does about it. Pure."""

from typing import Final

from dispatch.faults import FaultKind
from dispatch.gates import Gate

_TROUBLE: Final = {
    FaultKind.RATE_LIMITED: "Claude limits our rate",
    FaultKind.OVERLOADED: "Claude is overloaded",
    FaultKind.FORBIDDEN: "Our key may not use the model",
    FaultKind.CONFIGURATION: "The model cannot be used with our settings",
    FaultKind.AUTHENTICATION: "Claude refuses our key",
    FaultKind.BILLING: "Our Claude account cannot pay",
    FaultKind.SUSPENDED: "Our Claude account is suspended",
    FaultKind.NETWORK: "Claude cannot be reached",
    FaultKind.RUNTIME: "Something that every task runs on has failed",
}


def gate_trouble(gate: Gate) -> str:
    """What keeps the gate closed, as the beginning of a sentence."""
    return _TROUBLE.get(gate.fault or FaultKind.UNKNOWN, "A gate is closed")


def gate_remedy(gate: Gate) -> str:
    """What to do about it, in sentences of safe mrkdwn."""
    match gate.fault:
        case FaultKind.AUTHENTICATION:
            return "put a working key in `ANTHROPIC_API_KEY`, restart Onequeue, then `/task resume`."
        case FaultKind.BILLING:
            return (
                "add credit or raise the spend limit at <https://platform.claude.com/settings/billing>, then "
                "`/task resume`."
            )
        case FaultKind.SUSPENDED:
            return (
                "ask Anthropic why at <https://support.claude.com>. Nothing is tried before somebody says "
                "`/task resume`."
            )
        case FaultKind.FORBIDDEN:
            return (
                f"let the key in `ANTHROPIC_API_KEY` use the model, or name another as {_model(gate)} and "
                "restart; then `/task resume`."
            )
        case FaultKind.CONFIGURATION:
            return f"put a model that exists in {_model(gate)}, restart Onequeue, then `/task resume`."
        case FaultKind.RATE_LIMITED:
            return (
                "nothing, if it opens by itself. Else raise the rate limit at <https://platform.claude.com>, "
                "or send what cannot wait to another tier with `model=`."
            )
        case FaultKind.OVERLOADED:
            return (
                "look at <https://status.claude.com>. It opens by itself; what cannot wait may go to another "
                "tier with `model=`."
            )
        case FaultKind.NETWORK:
            return (
                "check the network from this machine to Claude (`ANTHROPIC_BASE_URL`) and "
                "<https://status.claude.com>. It opens by itself; `/task resume` tries at once."
            )
        case _:
            return "look in the log for what failed and put it right, then `/task resume`."


def _model(gate: Gate) -> str:
    return f"`tiers.{gate.name}.model`"

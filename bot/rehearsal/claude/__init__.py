"""A small, honest Claude Messages API on loopback: to try things and to test against. See FIDELITY.md."""

from bot.rehearsal.claude.control import control_routes
from bot.rehearsal.claude.failures import Armed, Failure
from bot.rehearsal.claude.script import Call, Say, Step, Think, call, say
from bot.rehearsal.claude.served import Served
from bot.rehearsal.claude.sim import SIMULATED_KEY, ClaudeSim

__all__ = [
    "SIMULATED_KEY",
    "Armed",
    "Call",
    "ClaudeSim",
    "Failure",
    "Say",
    "Served",
    "Step",
    "Think",
    "call",
    "control_routes",
    "say",
]

"""Sessions of Claude Code. The only door to claude-agent-sdk, of which it uses the program it brings."""

from dispatch.runners.claude_code.binary import find
from dispatch.runners.claude_code.jail import Isolation, Level
from dispatch.runners.claude_code.runner import ClaudeCodeRunner
from dispatch.runners.claude_code.selftest import SelfTest
from dispatch.runners.claude_code.setup import JailedSetups

__all__ = ["ClaudeCodeRunner", "Isolation", "JailedSetups", "Level", "SelfTest", "find"]

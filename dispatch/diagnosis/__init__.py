"""What the end of a session in another process proves, from the facts its runtime left. Pure.

Words decide only where the runtime itself said them, never where a model did.
"""

from dispatch.diagnosis.resets import reset_at
from dispatch.diagnosis.session import SessionFacts, ended
from dispatch.diagnosis.words import from_runtime_words

__all__ = ["SessionFacts", "ended", "from_runtime_words", "reset_at"]

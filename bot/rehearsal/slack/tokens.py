"""Tokens of the simulated app: shaped like Slack's for the clients, recognisably not real for people."""

import re
import secrets
from dataclasses import dataclass, field

_REAL = re.compile(r"xox[a-z](-\d{8,}){2,}-\w{20,}|xapp-\d-A[A-Z0-9]{8,}-\d{8,}-\w{40,}|[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Made fresh for each start unless given, so that a restarted simulator can keep them."""

    bot: str = field(default_factory=lambda: f"xoxb-rehearsal-{secrets.token_hex(6)}", repr=False)
    app: str = field(default_factory=lambda: f"xapp-rehearsal-{secrets.token_hex(6)}", repr=False)
    signing_secret: str = field(default_factory=lambda: f"rehearsal-{secrets.token_hex(6)}", repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for tokens that look as if a real workspace had issued them."""
        if any(_REAL.search(token) for token in (self.bot, self.app, self.signing_secret)):
            raise ValueError("These look like real Slack tokens. The simulator takes only made-up ones.")
        if not self.bot.startswith("xoxb-") or not self.app.startswith("xapp-"):
            raise ValueError("A bot token starts with xoxb- and an app token with xapp-.")

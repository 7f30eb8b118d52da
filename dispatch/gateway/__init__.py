"""What a session may reach: a metered model API and a few tools. Prices, books and stops every request."""

from dispatch.gateway.server import MeteringGateway
from dispatch.gateway.upstream import Upstream
from dispatch.timeouts import SILENCE

__all__ = ["SILENCE", "MeteringGateway", "Upstream"]

"""The contracts run once on each adapter."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.stores import ADAPTERS, Parts


@pytest.fixture(params=sorted(ADAPTERS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Parts]:
    """An empty store."""
    parts = await ADAPTERS[request.param](tmp_path)
    yield parts
    await parts.close()

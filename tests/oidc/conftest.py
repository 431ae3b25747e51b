"""A provider that pretends, and ours that asks it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.oidc.pretender import Pretender, pretending

from fleetcast.oidc.provider import Provider

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def pretender() -> Iterator[Pretender]:
    with pretending(lambda: NOON) as made:
        yield made


@pytest.fixture
def provider(pretender) -> Provider:
    return Provider(pretender.settings, None, lambda: NOON)

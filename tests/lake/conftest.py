"""A lake of its own for every test."""

from pathlib import Path

import pytest

from fleetcast.domain.tables import (
    DELIVERIES,
    DEMAND,
    EVENTS,
    FORECASTS,
    MEMBERSHIP,
    QUARANTINE,
    RETURNS,
    STORES,
    WEATHER,
)
from fleetcast.lake import Lake

TABLES = (DELIVERIES, RETURNS, STORES, WEATHER, EVENTS, DEMAND, MEMBERSHIP, QUARANTINE, FORECASTS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "dev" / "lake"


@pytest.fixture
def lake(root: Path) -> Lake:
    return Lake(root, {table.name: table for table in TABLES})

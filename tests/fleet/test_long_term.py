"""A workspace of long-term forecasts goes through the week as one of short-term forecasts does."""

import pytest

from fleetcast.domain.tables import FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.registry.packs import unpack
from fleetcast.testing.kiosks import LAST, SETTINGS, kiosks, opened, run_week, write_workspace

FAR = (
    SETTINGS.replace("horizons = [1, 2]", 'horizons = [4, 13, 26]\nrecipe = "long-term"')
    .replace("windows = [4, 13]", "windows = [4, 13, 52]")
    .replace("seasonal_lags = []", "seasonal_lags = [52]")
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("far") / "chain"
    write_workspace(folder, kiosks(regions=("east",), weeks=150), settings=FAR)
    return opened(folder), run_week(folder)


def test_half_a_year_ahead_is_trained_judged_and_served_by_its_own_champion(finished):
    w, report = finished
    assert report.failover["champion"] == 8
    member = w.registry.releases.current().manifest.members["east/large/fast"]
    assert unpack(w.bank.get(member.artefact))[member.key].kind == "long-term"


def test_sales_that_grow_are_forecast_to_go_on_growing(finished):
    w, _ = finished
    made = w.lake.read(FORECASTS)
    farthest = made.filter(horizon=26)
    assert farthest["week"].unique().to_list() == [LAST + 26 * WEEK]
    assert farthest["median"].sum() > 1.1 * made.filter(horizon=4)["median"].sum()

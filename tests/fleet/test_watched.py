"""A fleet that a real Prometheus watches: what it scrapes, what dashboards show of it, which alerts fire."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.telemetry.prometheus import Prometheus, scraping, until

from fleetcast.domain.errors import CorruptError
from fleetcast.fleet.measured.reading import Reading
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.telemetry import exposition
from fleetcast.testing.kiosks import damage, opened

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed (Debian: apt install prometheus)"
)

EMPTY_IS_WELL = "> 0"  # such a query leaves out what there is none of


@pytest.fixture(scope="module")
def watched(first_week, tmp_path_factory) -> Iterator[Prometheus]:
    """Prometheus, as it watches a fleet that is well."""
    folder = tmp_path_factory.mktemp("watched")
    chain = Path(shutil.copytree(first_week[0], folder / "chain"))
    with (
        exposition.serving(Reading(opened(chain, now())), 0) as address,
        scraping(target(address), folder) as one,
    ):
        yield one


def now() -> datetime:
    return datetime.now(UTC)


def target(address: str) -> str:
    return address.removeprefix("http://").removesuffix("/metrics")


def shipped_files(ending: str) -> list[Path]:
    folder = Path(exposition.__file__).parent / "shipped"
    return sorted(folder.rglob(f"*{ending}"))


def queries() -> list[str]:
    """Every query of every panel of every dashboard."""
    panels = [
        panel for file in shipped_files(".json") for panel in json.loads(file.read_text("utf-8"))["panels"]
    ]
    asked = [query["expr"] for panel in panels for query in panel.get("targets", ())]
    return [query.replace("$environment", "dev") for query in asked]


def test_every_query_of_every_dashboard_has_an_answer(watched):
    answers = {query: watched.query(query) for query in queries()}
    assert len(answers) > 40
    empty = [query for query, found in answers.items() if not found and not query.endswith(EMPTY_IS_WELL)]
    assert empty == []


def test_the_variable_of_the_dashboards_finds_the_environment(watched):
    assert {one["metric"]["environment"] for one in watched.query("fleetcast_cycles")} == {"dev"}


def test_everything_that_is_measured_is_shown_or_alerted_on(chain):
    measured = {one.name for one in Reading(opened(chain))()}
    told = "\n".join(file.read_text("utf-8") for file in [*shipped_files(".json"), *shipped_files(".yml")])
    used = {name.removesuffix("_bucket") for name in re.findall(r"fleetcast_\w+", told)}
    assert used == measured


def test_a_cycle_that_fails_on_damaged_bytes_is_alerted_on(chain, tmp_path):
    for table in ("deliveries", "completeness"):
        for file in (chain / ".fleetcast" / "dev" / "lake" / table).rglob("*.parquet"):
            damage(file)
    settings = chain / "fleetcast.toml"
    settings.write_text(
        settings.read_text("utf-8").replace("windows = [4, 13]", "windows = [4, 26]"), "utf-8"
    )
    with pytest.raises(CorruptError):
        run_cycle(opened(chain), progress=Silent(), actor="test")
    with (
        exposition.serving(Reading(opened(chain, now())), 0) as address,
        scraping(target(address), tmp_path) as prometheus,
    ):
        until(lambda: prometheus.firing() >= {"FleetcastCycleFailed", "FleetcastStateUnreadable"})
        assert not prometheus.firing() & {"FleetcastMetricsMissing", "FleetcastQuorumMissed"}


def test_an_endpoint_that_is_gone_is_alerted_on(chain, tmp_path):
    with exposition.serving(Reading(opened(chain, now())), 0) as address:
        scraped = scraping(target(address), tmp_path)
        prometheus = scraped.__enter__()
    try:
        until(lambda: "FleetcastMetricsMissing" in prometheus.firing())
    finally:
        scraped.__exit__(None, None, None)

"""The real Dagster, in this process: it asks the fleet's own verbs, and believes the ledger."""

from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest
from tests.orchestration.chains import WEEK, attempts, chain, left, opened, run

from fleetcast.domain.week import WEEK as SEVEN_DAYS
from fleetcast.orchestration.definitions import definitions
from fleetcast.testing.kiosks import kiosks, write_file

pytestmark = [
    pytest.mark.orchestration,
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),  # partitions with checks
    pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster.*"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning"
    ),  # a verb that is still ending when its layer is done
]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A chain whose files were taken in and whose week was done, each asked for by a sensor; and all that Dagster said."""
    folder = chain(tmp_path_factory.mktemp("by-dagster") / "chain")
    with dg.DagsterInstance.ephemeral() as instance:
        results = [
            executed(folder, instance, asked_by(folder, instance, kind)) for kind in ("files", "versions")
        ]
        yield folder, instance, results


def looked(folder, instance, kind, cursor=None):
    """What a sensor asks for at one look, and what it remembers."""
    repository = definitions(folder).get_repository_def()
    context = dg.build_sensor_context(instance=instance, repository_def=repository, cursor=cursor)
    sensor = repository.get_sensor_def(f"{kind}_dev")
    requests = sensor.evaluate_tick(context).run_requests
    return (sensor.job_name, requests[0]) if requests else None, context.cursor


def asked_by(folder, instance, kind, cursor=None):
    """What a sensor asks for at the second of two looks, when files have come to rest; None when it asks for nothing."""
    first, cursor = looked(folder, instance, kind, cursor)
    return first or looked(folder, instance, kind, cursor)[0]


def executed(folder, instance, asked):
    job, request = asked
    found = definitions(folder)
    return found.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=request.partition_key, tags=request.tags
    )


def test_a_week_that_sensors_asked_for_is_the_week_that_the_verb_does(done, tmp_path):
    folder, _, results = done
    assert all(result.success for result in results)
    run(undisturbed := chain(tmp_path / "undisturbed"))
    assert left(folder) == left(undisturbed)
    assert set(attempts(folder).values()) == {1}


def test_what_dagster_knows_of_a_week_is_what_the_ledger_and_the_lake_say(done):
    folder, instance, _ = done
    w = opened(folder)
    event = instance.get_latest_materialization_event(dg.AssetKey(["dev", "release"]))
    assert event.asset_materialization.partition == WEEK
    assert event.asset_materialization.tags["dagster/data_version"] == w.ledger.pointer()
    table = instance.get_latest_materialization_event(dg.AssetKey(["dev", "tables", "deliveries"]))
    assert table.asset_materialization.tags["dagster/data_version"] == w.lake.version(w.tables["deliveries"])


def test_gates_and_contracts_are_checks_on_the_assets(done):
    _, _, results = done
    checks = {
        (tuple(one.asset_key.path), one.check_name): one.passed
        for one in results[-1].get_asset_check_evaluations()
    }
    assert checks[("dev", "release"), "quorum"]
    assert checks[("dev", "scores"), "complete"]
    assert checks[("dev", "tables", "deliveries"), "contract"]


def test_regions_are_assets_once_they_are_known(done):
    keys = definitions(done[0]).resolve_asset_graph().get_all_asset_keys()
    for layer in ("models", "forecasts"):
        assert {dg.AssetKey(["dev", layer, region]) for region in ("east", "west")} <= set(keys)


def test_a_week_that_is_done_is_found_done_and_nothing_is_asked_twice(done):
    folder, instance, _ = done
    before = attempts(folder)
    found = definitions(folder).resolve_job_def("week_dev")
    result = found.execute_in_process(instance=instance, partition_key=WEEK)
    assert result.success
    assert attempts(folder) == before
    hows = {
        event.materialization.metadata["how"].value for event in result.get_asset_materialization_events()
    }
    assert hows == {"already done"}
    assert [asked_by(folder, instance, kind) for kind in ("versions", "stale", "alarm", "artifact")] == [
        None
    ] * 4


def test_the_same_files_are_asked_for_once_they_are_at_rest_and_a_new_file_again(done):
    folder, instance, _ = done
    nothing, cursor = looked(folder, instance, "files")
    first, cursor = looked(folder, instance, "files", cursor)
    assert nothing is None
    assert first is not None
    assert asked_by(folder, instance, "files", cursor) is None
    late = kiosks(stores=1, weeks=50)["deliveries"].filter(pl.col("store") == "east-1").tail(1)
    write_file(folder, "deliveries", late, "again")
    assert asked_by(folder, instance, "files", cursor) is not None


def test_the_schedule_asks_for_the_newest_complete_week_or_says_what_is_missing(done):
    folder, instance, _ = done
    weekly = definitions(folder).get_repository_def().get_schedule_def("weekly_dev")

    def at(day):
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=day)
        return weekly(context)

    assert weekly.cron_schedule == "0 6 * * 3"
    wednesday = datetime(2026, 11, 18, 6, tzinfo=UTC)
    assert at(wednesday).partition_key == WEEK
    assert "2026w47 are not there" in at(wednesday + SEVEN_DAYS).skip_message


def test_partitions_are_weeks_from_monday(done):
    weeks = definitions(done[0]).resolve_job_def("week_dev").partitions_def
    keys = weeks.get_partition_keys()
    assert WEEK in keys
    assert all(date.fromisoformat(key).weekday() == 0 for key in keys)

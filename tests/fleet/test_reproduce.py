"""Registered models are trained once more from what their lineage names, bit for bit; what was changed is named."""

import contextlib
import json
import shutil
import sqlite3
from datetime import timedelta

import polars as pl
import pytest
from tests.fleet.test_transfer import add_west, in_west
from typer.testing import CliRunner

from fleetcast.domain.errors import CorruptError, GateFailed, UsageError
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import WEEK
from fleetcast.faces.cli import app as program
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.reproduce import Asked, chosen, reproduce, with_chains
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    damage,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_file,
    write_workspace,
)

FAST = "dev/east/large/fast/2026w46-1"
NETS = SETTINGS.replace("net_members = 0", "net_members = 1\nnet_epochs = 2\nnet_warm_epochs = 1")
BESIDE = SETTINGS.replace("[training]", "[long_term]\nhorizons = [4, 13]\nrounds = 4\n\n[training]")


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory):
    """Both regions after two weeks, with networks: the second week's go on from the first's."""
    folder = write_workspace(tmp_path_factory.mktemp("two") / "chain", kiosks(weeks=50), settings=NETS)
    for back in (1, 0):
        run_week(folder, week=LAST - back * WEEK)
    return folder


@pytest.fixture
def copy(two_weeks, tmp_path):
    return shutil.copytree(two_weeks, tmp_path / "chain")


def again(folder, *names, **asked):
    w = opened(folder)
    versions = [w.registry.models.get(name) for name in names] or w.registry.models.list()
    return reproduce(w, versions, Asked(**asked), Silent())


def ledger(folder):
    """The ledger's file, open to somebody who may write there and has taken its guards away."""
    connection = sqlite3.connect(folder / ".fleetcast" / "dev" / "ledger.db", isolation_level=None)
    guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in guards:
        connection.execute(f"DROP TRIGGER {name}")
    return contextlib.closing(connection)


def sql(folder, text, *values):
    with ledger(folder) as connection:
        connection.execute(text, values)


def rewrite(folder, name, edit):
    """Change a model's record."""
    with ledger(folder) as connection:
        (text,) = connection.execute("SELECT manifest FROM models WHERE name = ?", (name,)).fetchone()
        record = json.loads(text)
        edit(record)
        connection.execute("UPDATE models SET manifest = ? WHERE name = ?", (json.dumps(record), name))


def test_a_first_and_a_warm_started_week_come_out_bit_for_bit(two_weeks):
    found = again(two_weeks)
    assert {(one.level, one.first, one.ok) for one in found} == {("R1", None, True)}
    assert len(found) == 12
    w = opened(two_weeks)
    assert w.registry.models.get(FAST).lineage["warm_starts"] > 0


def test_each_model_keeps_the_loss_curve_of_its_network(two_weeks):
    w = opened(two_weeks)
    served = [one for one in w.registry.models.list() if one.kind == "ensemble"]
    assert all(len(one.lineage["curves"]) == 1 for one in served)
    lengths = {bool(one.lineage["warm_starts"]): len(one.lineage["curves"][0]) for one in served}
    assert lengths[True] == 1
    assert set(lengths.values()) <= {1, 2}


def test_one_model_alone_has_the_bits_that_it_has_among_others(two_weeks):
    (alone,) = again(two_weeks, FAST)
    assert (alone.level, alone.mape_change) == ("R1", 0.0)


def test_nothing_of_it_is_kept(copy):
    def held():
        return sorted(
            (str(path.relative_to(copy)), path.stat().st_size)
            for path in (copy / ".fleetcast").rglob("*")
            if path.is_file() and "-wal" not in path.name and "-shm" not in path.name
        )

    before = held()
    again(copy)
    assert held() == before


def test_the_chain_that_a_model_was_warm_started_from_can_be_asked_for_too(two_weeks):
    w = opened(two_weeks)
    names = [version.name for version in with_chains(w, chosen(w, [FAST]))]
    assert names == ["dev/east/large/fast/2026w45-1", FAST]


def test_other_threads_in_a_process_of_its_own_reach_the_same_numbers(two_weeks):
    (found,) = again(two_weeks, FAST, threads=2)
    assert found.asked == "R2"
    assert found.level in ("R1", "R2")
    assert found.ok


def test_inputs_alone_can_be_asked_for(copy):
    assert {one.level for one in again(copy, level="R0")} == {"R0"}
    sql(copy, "UPDATE audit SET after = NULL WHERE action = 'model.register'")  # no copy tells of it
    rewrite(copy, FAST, lambda record: record["lineage"].update(data="0" * 64))
    (found,) = again(copy, FAST, level="R0")
    assert (found.level, found.first.field, found.ok) == (None, "data", False)


def test_settings_that_changed_since_are_taken_as_they_were(copy):
    settings = copy / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("rounds = 4", "rounds = 5"), "utf-8")
    assert {one.level for one in again(copy)} == {"R1"}


@pytest.mark.parametrize(
    ("field", "edit"),
    [
        ("seed", lambda record: record["lineage"].update(seed=1)),
        ("rows.fitted", lambda record: record["lineage"]["rows"].update(fitted=1)),
        ("snapshot", lambda record: record["lineage"].update(snapshot="0" * 64)),
        ("task", lambda record: record["lineage"].update(task="0" * 64)),
        ("lock", lambda record: record["lineage"].update(lock="0" * 64)),
        ("code", lambda record: record["lineage"].update(code="0" * 64)),
        ("settings", lambda record: record["lineage"].update(settings="0" * 64)),
        ("parent", lambda record: record["lineage"].update(parent="dev/east/large/fast/2026w45-1x")),
        ("cutoff", lambda record: record["lineage"].update(cutoff="2026-11-02")),
        ("data", lambda record: record["lineage"].update(data="0" * 64)),
        ("machine.numpy", lambda record: record["lineage"]["machine"].update(numpy="1.0")),
        ("warm_starts", lambda record: record["lineage"].update(warm_starts=0)),
        ("full_fit", lambda record: record["lineage"].update(full_fit="2026-11-09")),
        ("verdict.metrics.mape", lambda record: record["verdict"]["metrics"].update(mape=0.01)),
        ("trained_at", lambda record: record.update(trained_at="2026-01-01T00:00:00+00:00")),
        ("artefact", lambda record: record.update(artefact="0" * 64)),
    ],
)
def test_a_record_that_was_changed_in_the_ledger_is_found_out_and_the_field_named(copy, field, edit):
    rewrite(copy, FAST, edit)
    (found,) = again(copy, FAST)
    assert not found.ok
    assert field in {one.field for one in found.inputs}
    assert found.inputs[0].field.split(".")[0] == field.split(".")[0]
    (anyway,) = again(copy, FAST, anyway=True)
    assert not anyway.ok


def test_a_manifest_that_was_changed_in_the_ledger_is_found_out_and_the_field_named(copy):
    w = opened(copy)
    live = w.ledger.pointer()
    sql(copy, "UPDATE releases SET manifest = replace(manifest, '2026w46-1', '2026w45-1') WHERE id = ?", live)
    with pytest.raises(CorruptError, match=r"changed after it was cut.*baselines.east/large.model"):
        chosen(opened(copy))


def test_rows_that_were_changed_in_the_lake_name_their_table(copy):
    w = opened(copy)
    held = sorted((w.state / "lake" / "demand").rglob("*.parquet"))
    for file in held:
        damage(file)
    (found,) = again(copy, FAST)
    assert (found.level, found.first.field, found.ok) == (None, "snapshot.demand", False)


def test_an_artefact_that_was_damaged_and_a_chain_that_was_are_named(copy):
    w = opened(copy)
    first, second = (w.registry.models.get(FAST.replace("w46", week)) for week in ("w45", "w46"))
    damage_artefact(w, first.artefact)
    (found,) = again(copy, second.name)
    assert found.first.field == "went_on_from"
    damage_artefact(w, second.artefact)
    (found,) = again(copy, second.name)
    assert found.first.field == "artefact"


def test_other_packages_are_said_first_and_do_not_matter_to_who_says_anyway(copy):
    w = opened(copy)
    old = w.registry.models.get(FAST).lineage["lock"]
    packages = json.loads(w.bank.get(old))
    other = [one if not one.startswith("numpy==") else "numpy==1.26.0" for one in packages]
    lock = w.bank.put(canonical(other))
    rewrite(copy, FAST, lambda record: record["lineage"].update(lock=lock))
    sql(copy, "UPDATE audit SET after = NULL WHERE action = 'model.register'")  # as where none was sealed
    (found,) = again(copy, FAST)
    assert (found.level, found.first.field, found.first.recorded) == (None, "lock.numpy", "1.26.0")
    (anyway,) = again(copy, FAST, anyway=True)
    assert (anyway.level, anyway.first.field, anyway.ok) == ("R1", "lock.numpy", True)


def test_a_pool_and_what_it_lends_to_come_out_bit_for_bit(tmp_path):
    pooled = SETTINGS.replace(
        "net_members = 0", 'net_members = 0\npool_net_members = 0\nrecipe = "weekly-pooled"'
    )
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), weeks=50), settings=pooled)
    for back in (1, 0):
        run_week(folder, week=LAST - back * WEEK)
    found = again(folder)
    assert {(one.kind, one.level) for one in found} == {
        (kind, "R1") for kind in ("pool", "ensemble", "baseline")
    }


def test_long_term_models_beside_short_term_ones_come_out_bit_for_bit(tmp_path):
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), weeks=80), settings=BESIDE)
    run_week(folder)
    found = again(folder)
    assert {one.level for one in found} == {"R1"}
    assert "dev/east/large/fast/long-term/2026w46-1" in {one.model for one in found}


def test_a_sample_is_the_same_for_a_release_and_names_that_do_not_exist_are_told_near_ones(two_weeks):
    w = opened(two_weeks)
    assert len(chosen(w)) == 6
    assert [v.name for v in chosen(w, sample=2)] == [v.name for v in chosen(w, sample=2)]
    with pytest.raises(
        UsageError, match=r"not registered; there are 12, such as dev/east/large/fast/2026w46-1"
    ):
        chosen(w, ["dev/east/large/fas/2026w46-1"])


def test_young_segments_that_start_from_a_donor_come_out_bit_for_bit(tmp_path):
    frames = kiosks(weeks=70)
    here = {**frames, "deliveries": frames["deliveries"].filter(~in_west("store"))}
    folder = write_workspace(tmp_path / "chain", here)
    run_week(folder, week=LAST - WEEK)
    add_west(folder)
    w = opened(folder)
    young = [v.name for v in w.registry.models.list() if v.lineage.get("donor")]
    assert len(young) == 2
    assert {one.level for one in again(folder, *young)} == {"R1"}


def test_a_week_that_was_done_again_with_a_late_file_comes_out_both_times(tmp_path):
    frames = kiosks(weeks=50)
    late = (pl.col("week") == LAST) & in_west("store")
    folder = write_workspace(tmp_path / "chain", frames | {"deliveries": frames["deliveries"].filter(~late)})
    run_week(folder, week=LAST - WEEK)
    run_week(folder)
    write_file(folder, "deliveries", frames["deliveries"].filter(late), "late")
    run_week(folder, WEDNESDAY + timedelta(days=1))
    found = again(folder)
    assert {"dev/west/large/fast/2026w46-1", "dev/west/large/fast/2026w46-2"} <= {one.model for one in found}
    assert {(one.level, one.first) for one in found} == {("R1", None)}


def test_the_verb_exits_with_1_when_a_model_does_not_reach_the_level_asked_for(copy):
    def typed(*more):
        return CliRunner().invoke(program.app, ["reproduce", FAST, "--json", "--workspace", str(copy), *more])

    well = typed()
    (said,) = json.loads(well.stdout)
    assert (well.exit_code, said["level"], said["ok"]) == (0, "R1", True)
    rewrite(copy, FAST, lambda record: record["lineage"].update(seed=1))
    ill = typed()
    (said,) = json.loads(ill.stdout)
    assert isinstance(ill.exception, GateFailed)
    assert ill.exception.exit_code == 1
    assert (said["first"]["field"], said["first"]["sealed"]) == ("seed", True)


def test_models_whose_chain_was_lost_before_they_were_trained_come_out_bit_for_bit(tmp_path):
    settings = SETTINGS.replace(
        "net_members = 0", 'net_members = 0\npool_net_members = 0\nrecipe = "weekly-pooled"'
    ).replace("[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), weeks=50), settings=settings)
    run_week(folder, week=LAST - WEEK)
    w = opened(folder)
    kept = w.registry.releases.current().manifest.members["east/large/fast"]
    damage_artefact(w, kept.artefact)  # its chain is lost, and it begins anew: that is what is repeated
    run_week(folder)
    w = opened(folder)
    new = [v.name for v in w.registry.models.list() if "2026w46" in v.name]
    assert new
    assert {one.level for one in again(folder, *new)} == {"R1"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 1),
        ("data", "0" * 64),
        ("features", "0" * 64),
        ("full_fit", "2026-11-09"),
        ("warm_starts", 0),
        ("weeks", 3),
        ("p", 1),
        ("recipe", "weekly-0"),
        ("net_engine", "jax"),
        ("went_on_from", None),
    ],
)
def test_where_no_copy_was_sealed_training_once_more_finds_the_field_itself(copy, field, value):
    sql(copy, "UPDATE audit SET after = NULL WHERE action = 'model.register'")
    rewrite(copy, FAST, lambda record: record["lineage"].update({field: value}))
    (found,) = again(copy, FAST)
    assert not found.ok
    assert found.first.field in (field, "chain", "full_fit")
    assert found.level in ("R0", "R3")

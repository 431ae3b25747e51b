import polars as pl

from fleetcast.domain.tables import COMPLETENESS, FORECASTS, MEMBERSHIP, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.testing.kiosks import LAST, SETTINGS, kiosks, opened, run_week, write_workspace

EIGHT_WEEKS = SETTINGS.replace("[demand]", "[segments.mover]\nweeks = 8\n\n[demand]")


def test_a_product_that_starts_to_sell_moves_and_is_scored_exactly_once_each_week(tmp_path):
    frames = kiosks(regions=("east",))
    leaps = (pl.col("product") == "00002") & (pl.col("week") == LAST)
    sold = frames["deliveries"].with_columns(
        pl.when(leaps).then(pl.col("delivered") * 10).otherwise("delivered").alias("delivered")
    )
    folder = write_workspace(tmp_path / "chain", frames | {"deliveries": sold}, settings=EIGHT_WEEKS)
    run_week(folder, week=LAST - WEEK)
    run_week(folder)
    w = opened(folder)

    moved = w.lake.read(MEMBERSHIP, where=pl.col("valid_from") == LAST)
    assert moved.select("store", "product", "mover").rows() == [
        ("east-1", "00002", "fast"),
        ("east-2", "00002", "fast"),
    ]
    for table in (FORECASTS, COMPLETENESS):
        rows = w.lake.read(table, where=pl.col("product") == "00002")
        assert rows.group_by("cycle", "segment").len().sort("cycle").rows() == [
            (LAST - WEEK, "east/large/slow", 4),
            (LAST, "east/large/fast", 4),
        ]
        assert w.lake.read(table).filter(pl.struct(table.key).is_duplicated()).is_empty()
    assert w.lake.read(ROUNDS).filter(pl.struct(ROUNDS.key).is_duplicated()).is_empty()
    # what the series was called when a model was trained stays known
    known = {r["segment"]: r["rows"]["conditioned"] for r in records(w, "2026w45")}
    then = {r["segment"]: r["rows"]["conditioned"] for r in records(w, "2026w46")}
    assert known == {"east/large/fast": 4 * 59, "east/large/slow": 4 * 59}
    assert then == {"east/large/fast": 6 * 60, "east/large/slow": 2 * 60}


def records(w, week):
    return [
        version.lineage
        for version in w.registry.models.list()
        if version.kind == "ensemble" and week in version.name
    ]


def test_a_store_that_closes_is_published_up_to_its_last_week_and_a_closed_one_not_at_all(tmp_path):
    frames = kiosks(regions=("east",), stores=3)
    closing = {"east-1": LAST + WEEK, "east-2": LAST + 2 * WEEK}  # first day without deliveries
    stores = frames["stores"].with_columns(
        pl.col("store").replace_strict(closing, default=None, return_dtype=pl.Date).alias("closed")
    )
    folder = write_workspace(tmp_path / "chain", frames | {"stores": stores})
    report = run_week(folder)
    rows = opened(folder).lake.read(FORECASTS)
    assert rows.group_by("store", "horizon").len().sort("store", "horizon").rows() == [
        ("east-2", 1, 4),
        ("east-3", 1, 4),
        ("east-3", 2, 4),
    ]
    assert report.series.active == report.series.published == 8

"""What comes in end to end: bad files and rows are told and set aside, and never cost anything that was good."""

from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import DataError, SourceError, UsageError
from fleetcast.domain.tables import DELIVERIES, DEMAND, QUARANTINE, STORES
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, write_file, write_workspace

FRAMES = kiosks(products=2, weeks=12)
SOLD = FRAMES["deliveries"]


@pytest.fixture
def chain(tmp_path):
    return write_workspace(tmp_path / "chain", FRAMES)


def condition(folder, at=WEDNESDAY):
    """The accounts by source."""
    report = run_cycle(opened(folder, at), only="condition", progress=Silent(), actor="test")
    return {line.source: line for line in report.sources}


def quarantined(folder):
    rows = opened(folder).lake.read(QUARANTINE).sort("source", "file", "line")
    return rows.select("source", "file", "line", "reason").rows()


def version(folder, table=DELIVERIES):
    return opened(folder).lake.version(table)


def conditioner(folder, name, body):
    path = folder / "src" / "kiosks" / "conditioners" / f"{name}.py"
    head = "import polars as pl\n\nfrom fleetcast.conditioning.standard import Conditioned, Context\n\n\n"
    path.write_text(
        f"{head}def condition(rows: pl.DataFrame, context: Context) -> Conditioned:\n    {body}\n"
    )


def test_a_missing_source_is_an_error_that_says_what_to_do_and_nothing_is_written(chain):
    (chain / "data" / "stores" / "first.csv").unlink()
    with pytest.raises(SourceError, match=r"stores/\*\.csv: missing: .*put the files there"):
        condition(chain)
    assert version(chain) == opened(chain / ".", WEDNESDAY).lake.version(STORES)
    assert opened(chain).lake.leaves(DELIVERIES) == []
    assert list((chain / ".fleetcast").rglob("raw/*/*")) == []


def test_a_truncated_new_file_is_set_aside_whole_and_the_rest_goes_on(chain):
    condition(chain)
    before = version(chain)
    path = write_file(chain, "deliveries", SOLD.with_columns(pl.col("week") + WEEK), "newest")
    path.write_bytes(path.read_bytes()[:-3])
    account = condition(chain)["deliveries"]
    assert (account.files, account.rows) == (2, SOLD.height)
    assert quarantined(chain) == [("deliveries", "data/deliveries/newest.csv", 0, "truncated")]
    assert version(chain) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"week;store\n", "delimiter|header"), (b"\xff\xfew\x00", "utf16")],
)
def test_a_required_source_of_which_no_file_can_be_read_stops_the_run(chain, content, reason):
    (chain / "data" / "stores" / "first.csv").write_bytes(content)
    with pytest.raises(
        DataError, match=f"source stores is required, and none of its files can be read: .*({reason})"
    ):
        condition(chain)
    assert opened(chain).lake.leaves(DELIVERIES) == []


def test_a_file_that_was_sent_twice_counts_once(chain):
    once = condition(chain)["deliveries"]
    before = version(chain)
    write_file(chain, "deliveries", SOLD, "again")
    twice = condition(chain, WEDNESDAY + timedelta(days=1))["deliveries"]
    assert (twice.rows, twice.accepted, twice.duplicates) == (2 * SOLD.height, once.accepted, SOLD.height)
    assert version(chain) == before


def test_files_that_contradict_each_other_are_both_set_aside_line_by_line(chain):
    row = SOLD.head(1)
    write_file(chain, "deliveries", row.with_columns(pl.col("delivered") + 1), "other")
    account = condition(chain)["deliveries"]
    assert quarantined(chain) == [
        ("deliveries", "data/deliveries/first.csv", 2, "conflict"),
        ("deliveries", "data/deliveries/other.csv", 2, "conflict"),
    ]
    assert account.closes
    taken = opened(chain).lake.read(DELIVERIES)
    assert taken.height == SOLD.height - 1
    assert taken.join(row, on=["week", "store", "product"]).is_empty()


def test_rows_of_an_unknown_store_or_product_are_set_aside(chain):
    rows = SOLD.head(2).with_columns(
        store=pl.Series(["XX-99", "east-1"]), product=pl.Series(["00001", "99999"])
    )
    write_file(chain, "deliveries", rows, "strange")
    condition(chain)
    assert quarantined(chain) == [
        ("deliveries", "data/deliveries/strange.csv", 2, "unknown_store"),
        ("deliveries", "data/deliveries/strange.csv", 3, "unknown_product"),
    ]


def test_a_store_whose_region_cannot_name_a_segment_is_set_aside_with_its_deliveries(chain):
    stores = FRAMES["stores"].with_columns(
        pl.when(pl.col("store") == "west-2").then(pl.lit("west coast")).otherwise("region").alias("region")
    )
    write_file(chain, "stores", stores)
    accounts = condition(chain)
    rows = opened(chain).lake.read(QUARANTINE)
    assert rows.filter(pl.col("source") == "stores").select("line", "reason", "detail").rows() == [
        (5, "segment_value", "region = 'west coast' is empty or has a space or a slash")
    ]
    assert accounts["deliveries"].quarantined == SOLD.filter(pl.col("store") == "west-2").height
    assert all(account.closes for account in accounts.values())


def test_a_correction_is_known_from_the_day_it_came_and_changes_the_version(chain):
    condition(chain)
    before = version(chain)
    told = SOLD.with_columns(
        pl.when(pl.col("week") == LAST - WEEK)
        .then(pl.col("delivered") * 2)
        .otherwise("delivered")
        .alias("delivered")
    )
    write_file(chain, "deliveries", told)  # under its old name
    thursday = WEDNESDAY + timedelta(days=1)
    account = condition(chain, thursday)["deliveries"]
    assert (account.files, account.duplicates) == (2, SOLD.height - 8)
    change = opened(chain).lake.change(DELIVERIES, before)
    assert (change.kind, change.weeks) == ("correction", (str(LAST - WEEK),))
    rows = opened(chain).lake.read(DELIVERIES, where=pl.col("week") == LAST - WEEK)
    assert rows.height == 16
    assert rows["known_at"].max() == thursday
    # both are kept: each look sees what was known then
    then = opened(chain).lake.read(DELIVERIES, as_of=WEDNESDAY, where=pl.col("week") == LAST - WEEK)
    assert (
        then["delivered"].sum() * 2
        == opened(chain).lake.read(DEMAND, where=pl.col("week") == LAST - WEEK)["units"].sum()
    )


def test_a_late_file_appends(chain):
    late = pl.col("week") == LAST
    write_file(chain, "deliveries", SOLD.filter(~late))
    condition(chain)
    before = version(chain)
    write_file(chain, "deliveries", SOLD.filter(late), "late")
    condition(chain, WEDNESDAY + timedelta(days=1))
    change = opened(chain).lake.change(DELIVERIES, before)
    assert (change.kind, change.weeks) == ("append", (str(LAST),))


def test_a_file_that_is_taken_away_again_stays_received(chain):
    condition(chain)
    before = version(chain)
    write_file(chain, "deliveries", SOLD.head(1), "other")
    (chain / "data" / "deliveries" / "first.csv").unlink()
    assert condition(chain)["deliveries"].files == 2
    assert version(chain) == before


def test_a_conditioner_that_drops_rows_is_named_and_nothing_of_it_is_taken(chain):
    conditioner(chain, "deliveries", 'return Conditioned({"deliveries": rows.head(10)})')
    lost = SOLD.height - 10
    with pytest.raises(DataError, match=f"source deliveries: {lost} of {SOLD.height} rows came out nowhere"):
        condition(chain)
    assert opened(chain).lake.leaves(DELIVERIES) == opened(chain).lake.leaves(STORES) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            'return Conditioned({"deliveries": rows.select(pl.col("nothing"))})',
            "deliveries of source deliveries fails on data/deliveries/first.csv: ColumnNotFoundError",
        ),
        ("raise ValueError(42)", "fails on data/deliveries/first.csv: ValueError: 42"),
        (
            'return Conditioned({"deliveries": rows.drop("delivered")})',
            "leaves out delivered of the table deliveries",
        ),
        ('return Conditioned({"sales": rows})', "makes the table 'sales', which the workspace has not"),
        ('return Conditioned({"deliveries": rows.with_columns(pl.col("line") + 1)})', "rows"),
    ],
)
def test_a_conditioner_that_fails_is_named_with_its_file_and_error(chain, body, says):
    conditioner(chain, "deliveries", body)
    with pytest.raises(DataError, match=says):
        condition(chain)
    assert opened(chain).lake.leaves(DELIVERIES) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [("def condition(rows", "SyntaxError"), ("x = 1", "no function `condition"), (None, "does not exist")],
)
def test_a_conditioner_that_cannot_be_loaded_says_why(chain, text, says):
    path = chain / "src" / "kiosks" / "conditioners" / "deliveries.py"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(UsageError, match=says):
        condition(chain)


def test_rows_that_a_changed_conditioner_no_longer_makes_go(chain, tmp_path):
    plain = (chain / "src" / "kiosks" / "conditioners" / "deliveries.py").read_text()
    conditioner(
        chain,
        "deliveries",
        "earlier = pl.col('week') - pl.duration(weeks=52) - pl.duration(weeks=1) * pl.col('line')\n"
        "    moved = rows.with_columns(store=pl.lit('east-1'), product=pl.lit('00001'), week=earlier)\n"
        "    return Conditioned({'deliveries': moved})",
    )
    condition(chain)
    wrong = version(chain)
    (chain / "src" / "kiosks" / "conditioners" / "deliveries.py").write_text(plain)
    condition(chain)
    fresh = write_workspace(tmp_path / "fresh", FRAMES)
    condition(fresh)
    assert version(chain) == version(fresh) != wrong
    assert opened(chain).lake.read(DEMAND).equals(opened(fresh).lake.read(DEMAND))


def test_another_partition_key_moves_the_rows_and_leaves_none_behind(chain):
    condition(chain)
    assert opened(chain).lake.partitions(DELIVERIES) == ["east", "west"]
    rows = opened(chain).lake.read(DELIVERIES)
    settings = chain / "fleetcast.toml"
    settings.write_text(
        settings.read_text().replace(
            "[demand]",
            '[segments]\nkeys = ["store_format", "mover"]\nbaseline_keys = ["store_format"]\n'
            'partition = "store_format"\n\n[demand]',
        )
    )
    condition(chain)
    w = opened(chain)
    assert w.lake.partitions(DELIVERIES) == w.lake.partitions(DEMAND) == ["large"]
    assert w.lake.read(DELIVERIES).sort(rows.columns).equals(rows.sort(rows.columns))


def test_what_cannot_be_read_yet_is_read_as_soon_as_its_settings_are_right(chain):
    write_file(chain, "deliveries", SOLD.with_columns(pl.col("week") - timedelta(weeks=20)), "older")
    path = chain / "data" / "deliveries" / "older.csv"
    path.write_text(path.read_text().replace(",", ";"))
    (chain / "data" / "deliveries" / "first.csv").write_text(
        (chain / "data" / "deliveries" / "first.csv").read_text().replace(",", ";")
    )
    with pytest.raises(DataError, match="none of its files can be read"):
        condition(chain)
    settings = chain / "fleetcast.toml"
    settings.write_text(
        settings.read_text().replace(
            'conditioner = "deliveries"', 'conditioner = "deliveries"\ndelimiter = ";"'
        )
    )
    account = condition(chain)["deliveries"]
    assert (account.accepted, account.quarantined) == (2 * SOLD.height, 0)
    assert opened(chain).lake.read(DELIVERIES)["week"].min() == date(2026, 8, 24) - timedelta(weeks=20)

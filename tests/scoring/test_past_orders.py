from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from fleetcast.domain.week import WEEK, known_by
from fleetcast.scoring.past_orders import FEWEST, POLICIES, accounted, ordered, seen_then, with_intervals
from fleetcast.settings import DemandSettings
from fleetcast.testing.builders import FIRST_WEEK, deliveries, products, returns, stores

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OPEN_WEEKS = 3
SERIES = 20


def at(cutoff: date) -> datetime:
    return known_by(cutoff, 2)


def rounds(origins: int, *, horizons: tuple[int, ...] = (1, 2)) -> pl.DataFrame:
    """Forecasts of 10 units for twenty series, at so many origins."""
    cells = [
        {"origin": FIRST_WEEK + n * WEEK, "horizon": h, "store": f"S{i:02d}"}
        for n in range(origins)
        for h in horizons
        for i in range(SERIES)
    ]
    return pl.DataFrame(cells).with_columns(
        (pl.col("origin") + pl.duration(weeks="horizon")).alias("week"),
        product=pl.lit("00042"),
        segment=pl.lit("north-texas/large/fast"),
        region=pl.lit("north-texas"),
        group=pl.lit("chips"),
        median=pl.lit(10.0),
        mape=pl.lit(10.0),
        mean=pl.lit(11.0),
        baseline_mean=pl.lit(9.0),
    )


def actual(frame: pl.DataFrame, units: float = 10.0) -> pl.DataFrame:
    return frame.select("store", "product", "week").unique().with_columns(units=pl.lit(units))


def test_an_origin_has_intervals_only_from_weeks_that_were_final_by_then():
    frame = rounds(8)
    known = actual(frame)
    spoilt = known.with_columns(
        pl.when(pl.col("week") > FIRST_WEEK + 4 * WEEK).then(500.0).otherwise("units").alias("units")
    )
    calm, later = (with_intervals(frame, each, open_weeks=OPEN_WEEKS) for each in (known, spoilt))
    origin = FIRST_WEEK + 7 * WEEK  # sees weeks up to the fourth
    for found in (calm, later):
        assert found.filter(origin=origin)["q0.9"].to_list() == pytest.approx([10.0] * SERIES)
    assert calm.height == 8 * SERIES


def test_an_origin_that_knew_too_few_errors_has_no_intervals():
    found = with_intervals(rounds(8), actual(rounds(8)), open_weeks=OPEN_WEEKS)
    first = FIRST_WEEK + (OPEN_WEEKS + 1) * WEEK  # the first round's nearest week is final
    assert found.filter(pl.col("origin") < first)["q0.5"].is_null().all()
    assert found.filter(pl.col("origin") >= first)["q0.5"].is_not_null().all()
    few = rounds(8).filter(pl.col("store") < "S04")
    sure = with_intervals(few, actual(few), open_weeks=OPEN_WEEKS).drop_nulls("q0.5")
    assert sure["origin"].min() > first
    assert 4 < FEWEST <= 3 * 4  # the first origin knows four errors, the next twelve


def test_without_rounds_there_is_nothing_to_order():
    assert with_intervals(rounds(1).clear(), actual(rounds(1)), open_weeks=3).is_empty()


def prices(margin: float, *, known: date | None = None) -> pl.DataFrame:
    moment = datetime.combine(known, datetime.min.time(), UTC) if known else LONG_AGO
    return pl.DataFrame(
        {
            "product": ["00042"],
            "region": ["north-texas"],
            "margin": [margin],
            "return_cost": [1.0],
            "valid_from": [date(2020, 1, 6)],
            "known_at": [moment],
        },
        schema_overrides={"known_at": pl.Datetime("us", "UTC")},
    )


def shelf(capacity: float = 100.0) -> pl.DataFrame:
    row = {"product": "00042", "capacity": capacity, "minimum_drop": 0.0, "valid_from": date(2020, 1, 6)}
    rows = [{"store": f"S{i:02d}", **row, "known_at": LONG_AGO} for i in range(SERIES)]
    return pl.DataFrame(rows, schema_overrides={"known_at": pl.Datetime("us", "UTC")})


def forecasts(**changes: object) -> pl.DataFrame:
    """One row at the first origin."""
    quantiles = {"q0.025": 4.0, "q0.1": 6.0, "q0.5": 10.0, "q0.9": 16.0, "q0.975": 24.0}
    facts = {
        "delivered": 15.0,
        "last_week": 7.0,
        "units": 12.0,
        "lost": 0.0,
        "censored": False,
        "final": True,
    }
    given = pl.DataFrame([quantiles | facts | changes], schema_overrides=dict.fromkeys(quantiles, pl.Float64))
    row = rounds(1).head(1)
    return row.with_columns(given.cast({pl.Null: pl.Float64}).get_columns()).cast({"final": pl.Boolean})


def one(
    cost: pl.DataFrame | None = None, room: pl.DataFrame | None = None, **changes: object
) -> dict[str, object]:
    found = ordered(
        forecasts(**changes),
        prices(1.0) if cost is None else cost,
        shelf() if room is None else room,
        products("00042", case_pack=4),
        at=at,
    )
    return accounted(found).row(0, named=True)


def test_every_policy_brings_whole_cases_but_the_raw_quantile_and_what_was_delivered():
    found = one()
    assert {policy: found[policy] for policy in POLICIES} == pytest.approx(
        {
            "fleetcast": 12.0,
            "quantile": 10.0,
            "delivered": 15.0,
            "median": 12.0,
            "mean": 12.0,
            "last_week": 8.0,
            "historical_mean": 8.0,
        }
    )
    assert found["uncounted"] is None


def test_no_policy_brings_more_than_the_shelf_holds():
    found = one(room=shelf(9.0))
    assert {found[policy] for policy in POLICIES} - {found["delivered"], found["quantile"]} == {8.0}


def test_a_price_counts_only_once_it_was_known():
    later = FIRST_WEEK + timedelta(days=30)
    changed = pl.concat([prices(1.0), prices(9.0, known=later)])
    assert one(cost=changed)["margin"] == 1.0
    assert one(cost=prices(9.0, known=later))["uncounted"] == "no_cost"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"final": None}, "closed"),
        ({"final": False}, "not_final"),
        ({"units": None}, "unknown_demand"),
        ({"lost": None}, "unknown_demand"),
        ({"last_week": None}, "no_last_week"),
        ({"baseline_mean": None}, "no_history"),
        ({"room": shelf().clear()}, "no_capacity"),
        (dict.fromkeys(["q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]), "no_intervals"),
    ],
)
def test_what_cannot_be_priced_says_why(given: dict[str, object], reason: str):
    room = given.pop("room", None)
    assert one(room=room, **given)["uncounted"] == reason


def test_last_week_is_what_was_known_of_it_then():
    origin = FIRST_WEEK + 7 * WEEK
    tables = {"stores": stores("S1"), "products": products("00042"), "settings": DemandSettings()}
    brought = deliveries(*[10] * 9)
    back = returns(*[2] * 9)
    found = seen_then(origin, at(origin), deliveries=brought, returns=back, **tables)
    hindsight = back.with_columns(
        pl.when(pl.col("week") == origin).then(9.0).otherwise("returned").alias("returned")
    )
    again = seen_then(origin, at(origin), deliveries=brought, returns=hindsight, **tables)
    assert found["last_week"].to_list() == pytest.approx([8.0])
    assert again.equals(found)

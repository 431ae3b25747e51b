"""Questions about single series are answered by the batch's own code, on the batch's own data."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from fleetcast import workspace
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import FORECASTS, ORDERS
from fleetcast.domain.week import WEEK
from fleetcast.faces.cli import app as program
from fleetcast.fleet import releases, scoring_service
from fleetcast.fleet.scorer import Scorer
from fleetcast.fleet.what_if import LATE, POINTS, QUANTILES, Question
from fleetcast.testing.kiosks import LAST, kiosks, opened, run_week, write_workspace

OF = ("store", "product", "week", "horizon", "segment", "model", "state")
FAST = "north-texas/large/fast"


@pytest.fixture(scope="module")
def w(finished_retailer):
    return workspace.open(finished_retailer)


@pytest.fixture(scope="module")
def scorer(w):
    return Scorer(w)


@pytest.fixture(scope="module")
def published(w):
    return w.lake.read(FORECASTS).sort("store", "product", "week")


@pytest.fixture
def one(published):
    """A row that its champion served, of the nearest week."""
    return published.filter(segment=FAST, failover="champion", horizon=1).row(0, named=True)


def ask(scorer, row, **more):
    return scorer.ask(Question((row["store"],), (row["product"],), **more))


def planned(w, row):
    plans, region = w.lake.read(w.tables["promotions"]), row["segment"].partition("/")[0]
    return plans.filter(week=row["week"], region=region, product=row["product"]).row(-1, named=True)


def told(answer):
    """The rows as they would be published: what they are of, who made them, all numbers, and the order."""
    return [
        (
            *(getattr(row, name) for name in OF),
            *(getattr(row.forecast, name) for name in POINTS),
            *(row.forecast.quantiles[name] for name in QUANTILES),
            row.forecast.order,
            row.forecast.order_reason,
        )
        for row in answer.rows
    ]


def test_without_a_what_if_every_number_of_the_fleet_is_the_published_one_to_the_bit(w, scorer, published):
    orders = w.lake.read(ORDERS).select("week", "store", "product", "order", order_reason="reason")
    as_published = published.join(orders, on=["week", "store", "product"], how="left").select(
        *OF[:-1],
        "failover",
        *POINTS,
        *QUANTILES,
        "order",
        "order_reason",
    )
    answer = scorer.ask(Question(tuple(published["store"].unique())))
    assert told(answer) == as_published.sort("store", "product", "week").rows()
    assert {answer.release} == set(published["release"])
    assert answer.unlike_published == 0


def test_supposing_what_is_planned_anyway_moves_nothing(w, scorer, one):
    plan = planned(w, one)
    suppose = {"price": plan["price"], "promotions.promotion": plan["promotion"]}
    answer = ask(scorer, one, weeks=(one["week"],), suppose=suppose)
    assert [row.what_if for row in answer.rows] == [row.forecast for row in answer.rows]


def test_a_lower_price_stands_beside_the_published_forecast_and_sells_more(w, scorer, one):
    (row,) = ask(scorer, one, weeks=(one["week"],), suppose={"price": 0.8 * planned(w, one)["price"]}).rows[
        :1
    ]
    assert row.forecast.median == row.published == one["median"]
    assert row.what_if.median > 1.1 * row.forecast.median
    assert row.moved == row.what_if.median - row.forecast.median
    assert row.what_if.order >= row.forecast.order


def test_other_weeks_are_shown_where_the_what_if_moves_them(w, scorer, one):
    suppose = {"price": 0.6 * planned(w, one)["price"]}
    weeks = [row.week for row in ask(scorer, one, weeks=(one["week"],), suppose=suppose).rows]
    assert weeks == [one["week"], one["week"] + WEEK]  # what was on offer last week sells otherwise this week


def test_weather_is_supposed_in_degrees(scorer, one):
    cold, hot = (
        ask(scorer, one, weeks=(one["week"],), suppose={"temperature": degrees}).rows[0].what_if.median
        for degrees in (-5, 35)
    )
    assert cold != hot


def test_a_question_writes_nothing(w, scorer, one):
    def stored():
        return {name: w.lake.version(table) for name, table in w.tables.items()}, w.ledger.head()

    before = stored()
    ask(scorer, one, suppose={"price": 1.0})
    assert stored() == before


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(()), "at least one store"),
        (Question(("NTX-1",)), "no store 'NTX-1'; there are .*NTX-01"),
        (Question(("NTX-01",), ("42",)), "no product '42'; there are .*00042"),
        (Question(("NTX-01",), weeks=(date(2030, 1, 7),)), "2030-01-07 is not forecast .* it looks ahead to"),
        (Question(("NTX-01",), suppose={"prize": 1}), r"called 'prize'; there are .*promotions\.price"),
        (Question(("NTX-01",), suppose={"price": 0}), "acts by its ratios"),
        (Question(("NTX-01",), suppose={"promotion": float("nan")}), "is no number"),
        (Question(("NTX-01",), suppose={"precipitation": -1}), "at least 0"),
        (Question(("NTX-01",), suppose={"event.halloween": 8}), "0 to 7"),
        (Question(("NTX-01",), release="ffff"), "no release of dev begins with 'ffff'"),
    ],
)
def test_what_is_not_there_is_named_with_what_is_near_it(scorer, question, message):
    with pytest.raises(UsageError, match=message):
        scorer.ask(question)


def test_a_static_column_cannot_be_supposed(w, scorer):
    column = next(iter(w.settings.covariates["shoppers"].columns))
    with pytest.raises(UsageError, match="not known ahead"):
        scorer.ask(Question(("NTX-01",), suppose={column: 1}))


def test_a_series_that_the_batch_did_not_have_is_forecast_like_its_product_elsewhere_and_says_so(tmp_path):
    frames = kiosks(regions=("east",), weeks=50)
    new = (pl.col("store") == "east-2") & (pl.col("product") == "00004")
    delisted = pl.when(pl.col("product") == "00001").then(LAST + WEEK).otherwise("delisted")
    goods = frames["products"].with_columns(delisted=delisted)
    folder = write_workspace(
        tmp_path, frames | {"deliveries": frames["deliveries"].filter(~new), "products": goods}
    )
    run_week(folder)
    scorer = Scorer(opened(folder))
    answer = scorer.ask(Question(("east-1", "east-2"), ("00004",)))
    batch, late = answer.rows[:2], answer.rows[2:]
    assert answer.late == len(late) == 2
    for row, elsewhere in zip(late, batch, strict=True):
        assert (row.reason, row.published, row.segment) == (LATE, None, elsewhere.segment)
        assert 0.3 < row.forecast.median / elsewhere.forecast.median < 3
    with pytest.raises(UsageError, match="east-1 × 00001 is not sold in these weeks"):
        scorer.ask(Question(("east-1",), ("00001", "00004")))
    with pytest.raises(UsageError, match="has no covariates that are known ahead"):
        scorer.ask(Question(("east-1",), suppose={"price": 1}))


def test_stores_of_other_regions_are_not_there_for_whoever_may_not_see_them(scorer, one):
    region = FAST.split("/", 1)[0]
    assert scorer.ask(Question((one["store"],)), regions={region}).rows
    with pytest.raises(UsageError, match="no store") as refused:
        scorer.ask(Question((one["store"],)), regions={"elsewhere"})
    assert one["store"] not in str(refused.value).replace(f"no store {one['store']!r}", "")


def test_many_at_once_get_the_answers_that_one_alone_gets(w, published):
    asked = [
        Question((store,), suppose=suppose)
        for store in published["store"].unique().sort().gather([0, -1])  # of either region
        for suppose in ({}, {"price": 1.5}, {"promotion": 1})
    ]
    alone = [Scorer(w).ask(question) for question in asked[:3]]
    shared = Scorer(w, kept=1)
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(shared.ask, asked))
    assert together[:3] == alone


def test_a_pointer_that_moves_is_noticed_by_the_next_question(retailer):
    w = workspace.open(retailer)
    scorer, live = Scorer(w), w.registry.releases.current()
    store = w.lake.read(FORECASTS, where=pl.col("segment") == FAST)["store"][0]
    before = scorer.ask(Question((store,)))
    releases.quarantine(w, live.manifest.members[FAST].model, actor="test", reason="it is no good")
    after = scorer.ask(Question((store,)))
    assert before.release == live.id != after.release
    assert {row.state for row in after.rows if row.segment == FAST} == {"baseline"}
    assert after.unlike_published > 0
    assert scorer.ask(Question((store,), release=live.id[:12])) == before


# ------------------------------------------------------------- the service, and the command


def test_the_service_takes_and_gives_plain_values(scorer, one):
    body = {
        "stores": [one["store"]],
        "products": [one["product"]],
        "weeks": [str(one["week"])],
        "suppose": {"promotion": 1},
    }
    answer = json.loads(json.dumps(scoring_service.answered(scorer, body), allow_nan=False))
    first = answer["rows"][0]
    assert (first["week"], first["forecast"]["median"]) == (str(one["week"]), one["median"])
    assert answer["supposed"] == {"promotions.promotion": 1.0}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"shops": ["a"]}, "no 'shops'"),
        ({"stores": "NTX-01"}, "list of names"),
        ({"stores": ["a"] * 21}, "more than 20 at once"),
        ({"stores": ["a"] * 30, "products": ["b"] * 30}, "more than 500 at once"),
        ({"stores": ["a"], "products": ["b" * 201]}, "more than 200 characters"),
        ({"stores": ["a"], "weeks": ["tomorrow"]}, "no date"),
        ({"stores": ["a"], "weeks": ["2026-11-17"]}, "no Monday"),
        ({"stores": ["a"], "suppose": {"price": "2"}}, "numbers by column"),
        ({"stores": ["a"], "suppose": {str(n): 1 for n in range(11)}}, "more than 10"),
        ({"stores": ["a"], "release": 7}, "list of names"),
    ],
)
def test_the_service_refuses_what_is_no_question_or_too_large(scorer, body, message):
    with pytest.raises(UsageError, match=message):
        scoring_service.answered(scorer, body)


def test_the_command_shows_the_what_if_beside_the_forecast_and_writes_it_down(w, one, tmp_path):
    words = ["score", "--workspace", str(w.folder), "--store", one["store"], "--product", one["product"]]
    file = tmp_path / "answer.csv"
    asked = CliRunner().invoke(program.app, [*words, "--set", "price=1.5", "--csv", str(file)])
    assert asked.exit_code == 0, asked.output
    assert "promotions.price = 1.5" in asked.output
    assert "not published" in asked.output
    rows = pl.read_csv(file, schema_overrides={"product": pl.String})
    assert rows["median"][0] == one["median"]
    assert (rows["what_if_median"] != rows["median"]).all()
    plain = CliRunner().invoke(program.app, [*words, "--json"])
    assert json.loads(plain.stdout)["rows"][0]["forecast"]["median"] == one["median"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--product", "00042"], "about a store"),
        (["--store", "a", "--set", "price"], "like price=2.49"),
        (["--store", "a", "--set", "price=1", "--set", "price=2"], "set twice"),
        (["--week", "2026-11-09", "--week", "2026-11-16"], "one --week"),
    ],
)
def test_a_question_that_is_mistyped_is_explained(words, message):
    typed = CliRunner().invoke(program.app, ["score", *words])
    assert typed.exit_code == 2
    assert message in " ".join(typed.output.split()).replace("│ ", "")

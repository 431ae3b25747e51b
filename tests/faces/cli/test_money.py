from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from fleetcast.faces.cli import app, money
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.order_sheets import OrderExport
from fleetcast.fleet.ordering import LostSales, OrderReplay, PolicyLine
from fleetcast.scoring.past_orders import POLICIES

SHEET = OrderExport(
    cycle=date(2026, 11, 9),
    week=date(2026, 11, 16),
    release=("ab" * 32,),
    rows=897,
    units=37877.0,
    overridden=0,
    reasons={"no_cost": 7, "ok": 890},
    failover={"baseline": 20, "champion": 877},
    written=("export/orders/order_sheet.csv",),
)


def line(policy: str, **changes: float | None) -> PolicyLine:
    nothing = dict.fromkeys(("saving", "saving_low", "saving_high", "share", "share_low", "share_high"))
    figures = {
        "n": 100,
        "weeks": 4,
        "n_censored": 5,
        "demand": 1000.0,
        "ordered": 1200.0,
        "sold": 950.0,
        "lost": 50.0,
        "returned": 250.0,
        "lost_money": 60.0,
        "returned_money": 100.0,
        "cost": 160.0,
        "per_unit": 0.16,
        "service": 0.95,
        "in_stock": 0.7,
    }
    saved = {"saving": 1340.4, "share": 0.344, "share_low": 0.301, "share_high": 0.387}
    return PolicyLine(policy, **(nothing | figures | ({} if policy == "fleetcast" else saved) | changes))


LINES = tuple(line(policy) for policy in POLICIES)
REPLAY = OrderReplay(
    environment="dev",
    weeks=(date(2026, 9, 7), date(2026, 9, 14)),
    rows=120,
    priced=100,
    uncounted={"closed": 5, "no_cost": 15},
    uncounted_by_region={"ohio": {"closed": 5, "no_cost": 15}},
    total=LINES,
    at_least=LINES,
    regions={"ohio": LINES},
    segments={"ohio/large/fast": LINES},
    lost_sales=(LostSales("ohio", 13, 260, 78.1, 0.007, 107.2),),
)


def test_what_was_taken_out_says_where_it_is_and_why_some_orders_are_missing(printed):
    text = printed(money.taken_out(SHEET, Place("demo", "prod")))
    assert "Orders for the week of 16 Nov 2026 · cycle 2026-11-09 · 897 series, 37,877 units" in text
    assert "7 no_cost, 890 ok" in text
    assert "✕ 7 series have no order: no margin and return cost in force" in text
    assert "877 champion, 20 baseline" in text
    assert "export/orders/order_sheet.csv" in text
    assert "fleetcast orders replay --workspace demo --env prod" in text


def test_a_saving_stands_beside_its_interval(printed):
    text = printed(money.replay(REPLAY, Place()))
    assert "  1,340  " in text
    assert "+34.4 % (+30.1 to +38.7)" in text
    assert "2 past weeks ordered again · dev · 7 Sep 2026 to 14 Sep 2026 · 100 orders priced" in text


def test_fleetcast_saves_nothing_against_itself(printed):
    row = next(r for r in printed(money.policies(LINES)).splitlines() if r.startswith("Fleetcast"))
    assert row.split()[-2:] == ["–", "–"]


def test_orders_that_are_in_no_figure_are_shown_with_their_reason(printed):
    text = printed(money.replay(REPLAY, Place()))
    assert "no margin and return cost in force" in text
    assert "the series was not delivered that week" in text


def test_sold_out_weeks_are_said_to_be_estimated(printed):
    text = printed(money.replay(REPLAY, Place()))
    assert "5 of these orders are for a week that sold out: its demand is estimated." in text
    assert "Lost sales of the trailing year, estimated" in text


def test_a_replay_of_nothing_says_why_and_what_to_do(printed):
    empty = replace(REPLAY, priced=0, weeks=(), uncounted={"no_intervals": 120})
    text = printed(money.replay(empty, Place()))
    assert "None of 120 orders of the stored rounds can be priced yet." in text
    assert "too few earlier rounds" in text
    assert "fleetcast run" in text


def test_a_saving_over_one_week_has_no_interval(printed):
    short = tuple(replace(each, share_low=None, share_high=None) for each in LINES)
    assert "+34.4 %" in printed(money.policies(short))
    assert "to +38.7" not in printed(money.policies(short))


def test_every_reason_has_words():
    """Of the codes that `orders` and the replay give to a null order."""
    coded = {
        "no_cost",
        "no_case_pack",
        "no_capacity",
        "no_forecast",
        "no_intervals",
        "no_last_week",
        "no_history",
    }
    assert coded | {"closed", "not_final", "unknown_demand"} == money.WORDS.keys()


@pytest.mark.parametrize(
    "words", [["export", "orders", "--week", "2026-11-10"], ["orders", "replay", "--weeks", "0"]]
)
def test_what_cannot_be_meant_is_a_usage_error(words):
    assert CliRunner().invoke(app.app, words).exit_code == 2


def test_on_a_terminal_of_80_columns_no_figure_is_broken(printed):
    text = printed(money.replay(REPLAY, Place("demo")), width=80)
    assert text.count("+34.4 % (+30.1 to +38.7)") >= 7  # six policies, one region
    assert "fleetcast export orders --workspace demo" in text

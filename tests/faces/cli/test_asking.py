from datetime import date

import pytest

from fleetcast.faces.cli import what_ifs
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.what_if import LATE, Answer, Numbers, Row

WEEK = date(2026, 11, 30)
QUANTILES = {"q0.025": 5.0, "q0.1": 7.0, "q0.5": 10.0, "q0.9": 14.0, "q0.975": 20.0}
TEN = Numbers(10.0, 10.5, 9.0, QUANTILES, 12.0, "capped_by_capacity")
TWELVE = Numbers(12.0, 12.5, 11.0, QUANTILES, None, "no_cost")


def row(**values):
    given = {"store": "OHV-01", "product": "00042", "week": WEEK, "horizon": 1, "segment": "ohio/large/fast"}
    given |= {
        "model": "dev/ohio/large/fast/2026w46-1",
        "state": "champion",
        "reason": "ok",
        "published": 10.0,
    }
    return Row(**(given | {"forecast": TEN, "what_if": None, "moved": None} | values))


def answer(*rows, **supposed):
    return Answer("dev", date(2026, 11, 23), "ab" * 32, "cd" * 32, supposed, rows)


@pytest.fixture
def shown(printed):
    return lambda *rows, **supposed: printed(what_ifs.answered(answer(*rows, **supposed), Place("demo")))


def test_a_what_if_stands_beside_the_forecast_with_the_difference(shown):
    text = shown(row(what_if=TWELVE, moved=2.0), price=2.49)
    assert "price = 2.49 · release abababababab, cycle of 23 Nov 2026 · not published" in text
    (line,) = (line.split() for line in text.splitlines() if line.startswith("OHV-01"))
    assert line[2:] == [
        "30",
        "Nov",
        "2026",
        "10.0",
        "12.0",
        "+20.0",
        "%",
        "7.0",
        "to",
        "14.0",
        "12.0",
        "–",
        "champion",
    ]


def test_without_a_what_if_the_order_says_how_it_came_about_and_the_next_step_is_to_suppose_something(shown):
    text = shown(row())
    assert "capped by capacity" in text
    assert "fleetcast score --store OHV-01 --product 00042 --set COLUMN=VALUE --workspace demo" in text


def test_what_has_to_be_known_of_an_answer_is_said(shown):
    late = row(reason=LATE, published=None)
    text = shown(late, row(published=9.0), row(state="baseline", what_if=TEN, moved=0.0), price=1)
    assert "1 row of series that the week's scoring did not have: not published." in text
    assert "champion, not in the batch" in text
    assert "1 row unlike what was published" in text
    assert "they stand still" in text


def test_a_series_without_a_forecast_has_dashes_and_the_reason(shown):
    text = shown(row(forecast=None, published=None, state="blocked", reason="no_row"))
    assert "blocked, no row" in text

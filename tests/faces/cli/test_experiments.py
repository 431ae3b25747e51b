from datetime import date
from types import SimpleNamespace

from fleetcast.faces.cli import experiments
from fleetcast.faces.cli.paper import Place

MONDAY = date(2026, 11, 16)


def figure(contender, mape):
    return {"contender": contender, "mape": mape, "skill": 0.2, "wape": mape, "bias": 0.0}


def part(aspect, value, points, of_whole):
    errors = {"n": 40, "share": 0.1, "first": 0.3, "second": 0.35}
    return {"aspect": aspect, "value": value, **errors, "contribution": points, "of_whole": of_whole}


def report(explained):
    return SimpleNamespace(
        id="ab" * 32,
        origins=(MONDAY,),
        horizons=(1,),
        segments=1,
        again=False,
        figures=[figure("weekly", 0.3), figure("last week", 0.35)],
        by_segment=[],
        differences=[],
        young=[],
        explained=explained,
        drivers=[],
        revisions=[],
        seconds=1.0,
    )


def test_a_backtest_of_two_recipes_says_where_their_difference_comes_from(printed):
    found = [part("product", "00042", -0.03, 0.6) | {"against": "last week"}]
    text = printed(experiments.backtest(report(found), None, Place()))
    assert "Where the difference comes from: weekly against last week" in text
    line = next(line for line in text.splitlines() if "00042" in line)
    assert line.split()[-3:] == ["−3.00", "60.0", "%"]


def test_a_backtest_of_one_recipe_has_nothing_to_explain(printed):
    assert "comes from:" not in printed(experiments.backtest(report([]), None, Place()))


def test_a_comparison_by_many_products_shows_those_that_make_most_of_it(printed):
    many = [part("product", f"{n:05d}", n / 1000, 0.0) for n in range(30)]
    whole = SimpleNamespace(second="b", value=0.01, low=0.0, high=0.02)
    found = SimpleNamespace(first="a", second="b", difference=whole, explained=many)
    text = printed(experiments.compared(found))
    assert "00029" in text
    assert "00009" not in text
    assert "and 10 that make less of it" in text

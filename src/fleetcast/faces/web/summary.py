"""The summary: whether the fleet beats the historical average and what came back and was lost, where most and where least."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.trend import HEIGHT, WIDTH, trend
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import say
from fleetcast.reading.money import Costs, Money, costs
from fleetcast.reading.summary import Figures, summary


@dataclass(frozen=True, slots=True)
class Region:
    """How good a region's forecasts were, and what came back and was lost there."""

    figures: Figures
    money: Money | None


def summed(visit: Visit) -> Response:
    """A page to be printed, too."""
    found = summary(visit.w, visit.regions, asof=visit.asof)
    money = costs(visit.w, visit.regions, asof=visit.asof)
    weeks = [week for week, _, _ in found.weeks]
    spent = money.weekly if money else ()
    measured = [row for row in found.regions if row.skill is not None]
    return visit.render(
        "summary.html",
        "summary",
        say("summary.title"),
        found=found,
        money=money,
        limit=visit.w.settings.gate.mape,
        errors=trend(
            weeks, [mape for _, mape, _ in found.weeks], [of for _, _, of in found.weeks], numbers.percent
        ),
        spent=trend([week for week, _ in spent], [cost for _, cost in spent], [], numbers.whole),
        best=measured[0] if len(measured) > 1 else None,
        worst=measured[-1] if len(measured) > 1 else None,
        width=WIDTH,
        height=HEIGHT,
        shown=_regions(found.regions, money).shown(visit.query),
    )


def summed_twin(visit: Visit, kind: Kind) -> Response:
    found = summary(visit.w, visit.regions, asof=visit.asof)
    rows = _regions(found.regions, costs(visit.w, visit.regions, asof=visit.asof))
    return listed(kind, "summary", rows, visit.query)


def _regions(figures: Sequence[Figures], money: Costs | None) -> Listing[Region]:
    rows = [Region(one, money.regions.get(one.region) if money else None) for one in figures]
    return Listing(COLUMNS, rows, "-skill")


def _share(name: str) -> Column[Region]:
    """A column of a metric, which is a fraction."""

    def value(row: Region) -> float | None:
        found: float | None = getattr(row.figures, name)
        return found

    return Column(name, value, lambda row: numbers.percent(value(row)), number=True)


def _money(name: str) -> Column[Region]:
    """A column of money."""

    def value(row: Region) -> float | None:
        return getattr(row.money, name) if row.money else None

    return Column(name, value, lambda row: numbers.whole(value(row)), number=True)


COLUMNS: Sequence[Column[Region]] = (
    Column("region", lambda row: row.figures.region),
    *map(_share, ("skill", "mape", "baseline_mape", "wape", "bias")),
    *map(_money, ("returned_money", "lost_money", "cost")),
    Column("n", lambda row: row.figures.n, lambda row: numbers.whole(row.figures.n), number=True),
)

"""The summary: whether the fleet beats the historical average, where most and where least."""

from collections.abc import Sequence

from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.sparkline import sparkline
from fleetcast.faces.web.table import Column, arrange, show
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import say
from fleetcast.reading.summary import WEEKS, Figures, summary


def summed(visit: Visit) -> Response:
    """A page to be printed, too."""
    found = summary(visit.w, visit.regions)
    limit = visit.w.settings.gate.mape
    rows = arrange(found.regions, COLUMNS, visit.query, sort="-skill")
    return visit.render(
        "summary.html",
        "summary",
        say("summary.title"),
        found=found,
        limit=limit,
        weeks=WEEKS,
        trend=sparkline(found.whole.weekly, limit, weeks=WEEKS) if found.whole else None,
        shown=show(rows, COLUMNS, visit.query, sort="-skill"),
    )


def summed_twin(visit: Visit, kind: Kind) -> Response:
    rows = arrange(summary(visit.w, visit.regions).regions, COLUMNS, visit.query, sort="-skill")
    return twin(kind, "summary", COLUMNS, rows)


COLUMNS: Sequence[Column[Figures]] = (
    Column("region", lambda row: row.region),
    Column("skill", lambda row: row.skill, lambda row: numbers.percent(row.skill), number=True),
    Column("mape", lambda row: row.mape, lambda row: numbers.percent(row.mape), number=True),
    Column(
        "baseline_mape",
        lambda row: row.baseline_mape,
        lambda row: numbers.percent(row.baseline_mape),
        number=True,
    ),
    Column("wape", lambda row: row.wape, lambda row: numbers.percent(row.wape), number=True),
    Column("bias", lambda row: row.bias, lambda row: numbers.percent(row.bias), number=True),
    Column("n", lambda row: row.n, lambda row: numbers.whole(row.n), number=True),
)

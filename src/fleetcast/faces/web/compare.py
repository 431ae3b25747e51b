"""The page that holds models, or releases, against each other: as many as one likes, one of them pinned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.addresses import act_at, model_at
from fleetcast.faces.web.chart import WIDTH
from fleetcast.faces.web.model import METRICS
from fleetcast.faces.web.overlay_chart import HEIGHT, letter, overlay_chart
from fleetcast.faces.web.page import DONE, Visit
from fleetcast.faces.web.proposals import COLUMNS as CHANGES
from fleetcast.faces.web.proposals import changes
from fleetcast.faces.web.table import Column
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.fleet.report import ReleasePlan
from fleetcast.people.roles import Action
from fleetcast.reading.compared import Comparison, Measured, Overlay, compared, overlay
from fleetcast.reading.deciding import proposed
from fleetcast.reading.fleet_health import health
from fleetcast.reading.published import then
from fleetcast.reading.versions import Version

AVERAGE = "average"  # what a contender is pinned to unless somebody says otherwise
FEW = 200  # names that the field for another model offers


@dataclass(frozen=True, slots=True)
class Line:
    """A contender on the rows that all forecast, and how far its MAPE and RMSE lie from the pinned one's."""

    letter: str
    name: str
    measured: Measured
    pinned: Measured | None  # None: it is the pinned one

    @property
    def mape_difference(self) -> float | None:
        return _less(self.measured.mape, self.pinned.mape if self.pinned else None)

    @property
    def rmse_difference(self) -> float | None:
        return _less(self.measured.rmse_all, self.pinned.rmse_all if self.pinned else None)


def compare(visit: Visit) -> Response:
    """Models by `m`, releases by `r`; with neither, a page that asks which."""
    if named := visit.request.query_params.getlist("r"):
        return _releases(visit, named)
    names = _names(visit)
    if not names:
        return visit.render(
            "compare_none.html", "training", say("compare.title"), offered=_offered(visit, ())
        )
    found = compared(visit.w, visit.regions, names, visit.asof)
    letters = {one.name: letter(place) for place, one in enumerate(found.versions)}
    drawn = _overlay(visit, found)
    return visit.render(
        "compare.html",
        "training",
        say("compare.title"),
        found=found,
        letters=letters,
        streams=[", ".join(letters[name] for name in names) for names in found.streams],
        lines=_lines(found, letters, _pin(visit, found)),
        columns=LINES,
        gate_columns=_gate_columns(visit, letters),
        pin=_pin(visit, found),
        without=lambda one: _without(visit, one),
        overlay=drawn,
        chart=overlay_chart(drawn, letters) if drawn else None,
        width=WIDTH,
        height=HEIGHT,
        offered=_offered(visit, found.others),
        chosen=[f"{one.segment}@{one.short}" for one in found.versions],
    )


def compare_twin(visit: Visit, kind: Kind) -> Response:
    """The contenders on the rows they share; of releases, the segments they serve differently."""
    if named := visit.request.query_params.getlist("r"):
        plans = _plans(visit, named)
        return twin(kind, "releases", CHANGES, [row for plan in plans for row in changes(plan)])
    found = compared(visit.w, visit.regions, _names(visit), visit.asof) if _names(visit) else None
    if found is None:
        return twin(kind, "compared", LINES, ())
    letters = {one.name: letter(place) for place, one in enumerate(found.versions)}
    return twin(kind, "compared", LINES, _lines(found, letters, _pin(visit, found)))


# ------------------------------------------------------------------------------------------------- models


def _names(visit: Visit) -> list[tuple[str, str]]:
    """Segment and number of each contender; without a number, the one that serves."""
    found = [one.strip() for one in visit.request.query_params.getlist("m")]
    parts = [one.partition("@") for one in found if one]
    return list(dict.fromkeys((segment, short) for segment, _, short in parts))


def _pin(visit: Visit, found: Comparison) -> str:
    asked = visit.query.get("pin", AVERAGE)
    return asked if asked in {one.name for one in found.versions} else AVERAGE


def _lines(found: Comparison, letters: dict[str, str], pin: str) -> list[Line]:
    if found.average is None:
        return []
    pinned = found.alike.get(pin, found.average)
    named = [(AVERAGE, found.average), *found.alike.items()]
    return [
        Line(
            letters.get(name, ""),
            say("compare.average") if name == AVERAGE else name.partition("/")[2],
            measured,
            None if name == pin else pinned,
        )
        for name, measured in named
    ]


def _overlay(visit: Visit, found: Comparison) -> Overlay | None:
    store, _, product = visit.query.get("series", "").partition("/")
    chosen = (store, product) if (store, product) in found.series else next(iter(found.series), None)
    return overlay(visit.w, found.versions, *chosen, visit.asof) if chosen else None


def _without(visit: Visit, one: Version) -> str:
    """The same page without one contender."""
    dropped = ("m", f"{one.segment}@{one.short}")
    kept = [item for item in visit.request.query_params.multi_items() if item != dropped and item[0] != DONE]
    return f"{visit.request.url.path}?" + urlencode(kept)


def _offered(visit: Visit, others: Sequence[Version]) -> list[str]:
    """Names to be added: other versions of the same segments, and models that serve."""
    serving = [row.segment for row in health(visit.w, visit.regions, visit.asof).rows]
    return [*(f"{one.segment}@{one.short}" for one in others), *serving][:FEW]


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _gate_columns(visit: Visit, letters: dict[str, str]) -> Sequence[Column[Version]]:
    return (
        Column("letter", lambda one: letters[one.name]),
        Column("segment", lambda one: one.segment),
        Column(
            "model",
            lambda one: one.short,
            link=lambda one: model_at(visit, one.segment, one.short),
        ),
        Column("serves", lambda one: one.state, lambda one: called(one.state, "version")),
        *METRICS,
        Column("n", lambda one: one.n, lambda one: numbers.whole(one.n), number=True),
        Column("trained_at", lambda one: one.trained_at, lambda one: numbers.day(one.trained_at)),
    )


def _figure(name: str, shown: Callable[[float | None], str]) -> Column[Line]:
    return Column(
        name,
        lambda line: getattr(line.measured, name),
        lambda line: shown(getattr(line.measured, name)),
        number=True,
    )


LINES: Sequence[Column[Line]] = (
    Column("letter", lambda line: line.letter or None, css=lambda _: "strong"),
    Column("contender", lambda line: line.name),
    _figure("mape", numbers.percent),
    Column(
        "mape_difference",
        lambda line: line.mape_difference,
        lambda line: say("compare.pinned") if line.pinned is None else numbers.points(line.mape_difference),
        number=True,
        css=lambda line: "past" if (line.mape_difference or 0) > 0 else "",
    ),
    _figure("rmse0", numbers.error),
    _figure("rmse_all", numbers.error),
    Column(
        "rmse_difference",
        lambda line: line.rmse_difference,
        lambda line: numbers.difference(line.rmse_difference),
        number=True,
    ),
    _figure("wape", numbers.percent),
    _figure("bias", numbers.percent),
)


# ------------------------------------------------------------------------------------------------- releases


def _releases(visit: Visit, named: Sequence[str]) -> Response:
    plans = _plans(visit, named)
    whole = visit.regions is None and visit.may(Action.judge_models)
    return visit.render(
        "compare_releases.html",
        "training",
        say("compare.releases"),
        plans=[(plan, changes(plan)) for plan in plans],
        columns=CHANGES,
        promote=lambda plan: (
            act_at(visit, "promote", release=plan.after) if whole and plan.decision is not None else ""
        ),
    )


def _plans(visit: Visit, named: Sequence[str]) -> list[ReleasePlan]:
    """Each release against the first one; one by itself against the one that is live, or was."""
    pinned = then(visit.w, visit.asof) if visit.asof else None
    first, rest = (named[0], named[1:]) if len(named) > 1 else (pinned.release if pinned else None, named)
    return [proposed(visit.w, visit.regions, first, one) for one in rest]

"""The page of a model: why it stands as it does, how its forecasts turned out, what it was made from, its versions."""

from collections.abc import Sequence

from starlette.responses import Response

from fleetcast.faces.web import curves, numbers
from fleetcast.faces.web.addresses import act_at, compare_at, model_at
from fleetcast.faces.web.chart import HEIGHT, WIDTH
from fleetcast.faces.web.errors_chart import errors_chart
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.people.roles import Action
from fleetcast.reading.fleet_health import ModelRow, health
from fleetcast.reading.states import State
from fleetcast.reading.track import SeriesError, Track, WeekError, track
from fleetcast.reading.trainings import release_of
from fleetcast.reading.versions import Record, Version, record

DIGEST = 12  # characters of one that are shown


def model(visit: Visit) -> Response:
    """A segment's model; `v` names one of its versions, else it is the one that serves."""
    found = _record(visit)
    version, turned_out = found.version, _track(visit, found)
    before = next((one for one in found.versions if one.cutoff < version.cutoff), None)
    champion = next((one for one in found.versions if one.live), None)
    rival = champion if champion and not version.live else before
    columns = versions_columns(visit)
    return visit.render(
        "model.html",
        "fleet",
        f"{version.segment} {version.short}",
        found=found,
        version=version,
        state=state_of(visit, version),
        row=_row(visit, version),
        bias=numbers.bias(version.bias, version.bias_limit),
        track=turned_out,
        curves=curves.pictures([version]),
        points=curves.points([version]),
        point_columns=curves.COLUMNS[2:],
        box=(curves.WIDTH, curves.HEIGHT),
        chart=errors_chart(turned_out.weeks, version.limit),
        width=WIDTH,
        height=HEIGHT,
        series_columns=_series_columns(visit),
        versions=Listing(columns, found.versions, "-trained_at").shown(visit.query),
        made_from={name: _shortened(name, value) for name, value in found.made_from.items()},
        compare=compare_at(visit, [(one.segment, one.short) for one in (rival, version) if one]),
        rival=rival,
        lineage=visit.at(f"/lineage/model/{version.name}"),
        actions=_actions(visit, version),
    )


def model_twin(visit: Visit, kind: Kind) -> Response:
    """Its errors by week; `list` asks for its series, its versions or its loss curves."""
    found = _record(visit)
    name = f"{found.version.segment.replace('/', '-')}-{found.version.short}"
    wanted = visit.query.get("list", "weeks")
    if wanted == "curves":
        return twin(kind, f"{name}-curves", curves.COLUMNS, curves.points([found.version]))
    if wanted == "versions":
        return twin(kind, f"{name}-versions", versions_columns(visit), found.versions)
    turned_out = _track(visit, found)
    if wanted == "series":
        return twin(kind, f"{name}-series", _series_columns(visit), turned_out.series)
    return twin(kind, name, WEEKS_COLUMNS, turned_out.weeks)


def state_of(visit: Visit, version: Version) -> State:
    """How it is marked: as the fleet page does where it serves, else by its gate."""
    row = _row(visit, version) if version.live else None
    if row is not None:
        return row.state
    if version.mape is None:
        return "unknown"
    return "ok" if version.passed else "over_gate"


def versions_columns(visit: Visit) -> Sequence[Column[Version]]:
    """What is said of a version, from its number to why it did not pass."""
    return (
        Column(
            "model",
            lambda one: one.name,
            lambda one: one.short,
            link=lambda one: model_at(visit, one.segment, one.short),
        ),
        Column(
            "passed",
            lambda one: "passed" if one.passed else "refused",
            lambda one: say("model.passed" if one.passed else "model.not_passed"),
            order=lambda one: one.passed,
            mark=lambda one: "ok" if one.passed else "over_gate",
        ),
        Column(
            "serves",
            lambda one: one.state,
            lambda one: called(one.state, "version"),
            css=lambda one: "strong" if one.live else "",
        ),
        *METRICS,
        Column("trained_at", lambda one: one.trained_at, lambda one: numbers.moment(one.trained_at)),
        Column("why", lambda one: one.reasons or None, css=lambda _: "wrap"),
    )


def _record(visit: Visit) -> Record:
    name, short = visit.request.path_params["name"], visit.query.get("v", "")
    return record(visit.w, visit.regions, name, short, asof=visit.asof)


def _track(visit: Visit, found: Record) -> Track:
    version = found.version
    recipe = found.made_from.get("recipe", "")
    return track(visit.w, version.segment, recipe, until=version.cutoff, asof=visit.asof)


def _row(visit: Visit, version: Version) -> ModelRow | None:
    rows = health(visit.w, visit.regions, visit.asof).rows
    return next((row for row in rows if row.segment == version.segment), None)


def _actions(visit: Visit, version: Version) -> dict[str, str]:
    """What the visitor may do here, by the word on its button."""
    found: dict[str, str] = {}
    unserving = not version.live and version.state != "refused"
    judges = visit.regions is None and visit.may(Action.judge_models)
    if unserving and judges and (release := release_of(visit.w, version.name)):
        found["model.promote"] = act_at(visit, "promote", release=release)
    if visit.may(Action.retrain) and version.kind == "ensemble":
        found["model.retrain"] = act_at(visit, "retrain", segment=version.segment)
    if visit.may(Action.roll_back) and version.live:
        found["model.roll_back"] = act_at(visit, "roll-back", segment=version.segment)
    if visit.may(Action.quarantine_models) and version.state != "refused":
        found["model.quarantine"] = act_at(visit, "quarantine", model=version.name)
    return found


def _shortened(name: str, value: str) -> str:
    return value[:DIGEST] if name in ("code", "lock", "snapshot") else value


def _series_columns(visit: Visit) -> Sequence[Column[SeriesError]]:
    return (
        Column("store", lambda one: one.store),
        Column(
            "product",
            lambda one: one.product,
            link=lambda one: visit.series(one.store, one.product),
        ),
        Column("mape", lambda one: one.mape, lambda one: numbers.percent(one.mape), number=True),
        Column("bias", lambda one: one.bias, lambda one: numbers.percent(one.bias), number=True),
        Column("missed", lambda one: one.missed, lambda one: numbers.units(one.missed), number=True),
        Column("units", lambda one: one.units, lambda one: numbers.units(one.units), number=True),
        Column("weeks", lambda one: one.weeks, lambda one: numbers.whole(one.weeks), number=True),
    )


METRICS: Sequence[Column[Version]] = (
    Column(
        "mape",
        lambda one: one.mape,
        lambda one: numbers.percent(one.mape, beside=one.limit),
        number=True,
        css=lambda one: "past" if one.mape is not None and one.mape > one.limit else "",
    ),
    Column(
        "against_baseline",
        lambda one: one.against_baseline,
        lambda one: numbers.points(one.against_baseline),
        number=True,
    ),
    Column("rmse0", lambda one: one.rmse0, lambda one: numbers.error(one.rmse0), number=True),
    Column("rmse_all", lambda one: one.rmse_all, lambda one: numbers.error(one.rmse_all), number=True),
    Column(
        "bias",
        lambda one: one.bias,
        lambda one: numbers.bias(one.bias, one.bias_limit),
        number=True,
        css=lambda one: "past" if one.bias is not None and abs(one.bias) > one.bias_limit else "",
    ),
)

WEEKS_COLUMNS: Sequence[Column[WeekError]] = (
    Column("week", lambda one: one.week, lambda one: numbers.day(one.week)),
    Column("mape", lambda one: one.mape, lambda one: numbers.percent(one.mape), number=True),
    Column(
        "baseline_mape",
        lambda one: one.baseline_mape,
        lambda one: numbers.percent(one.baseline_mape),
        number=True,
    ),
    Column("rmse_all", lambda one: one.rmse_all, lambda one: numbers.error(one.rmse_all), number=True),
    Column("n", lambda one: one.n, lambda one: numbers.whole(one.n), number=True),
    Column("basis", lambda one: "published" if one.published else "rounds"),
)

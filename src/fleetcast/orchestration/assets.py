"""The layers of a week as Dagster's assets: a step for each layer, which sees to it that the fleet's own verb has done it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.week import label
from fleetcast.orchestration import layers
from fleetcast.orchestration.desk import Desk, How, see_to
from fleetcast.orchestration.layers import LAYERS, Layer, Made
from fleetcast.orchestration.looking import finished
from fleetcast.orchestration.place import Place
from fleetcast.workspace import Workspace

KIND = "fleetcast/kind"  # the tag of a run that says what it was asked for by
WARN = dg.AssetCheckSeverity.WARN
GONE = "this week has none: it was there when the definitions were loaded"
ASKED = ("stale", "alarm")  # kinds whose trigger names models by itself
CHECKS: Mapping[Layer, str] = {
    "tables": "contract",
    "models": "gate",
    "release": "quorum",
    "forecasts": "served",
    "scores": "complete",
}


def assets(
    place: Place, *, tables: Sequence[str], regions: Sequence[str], weeks: dg.WeeklyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """An asset for each base table, for the models and the forecasts of each region, for the release, and for the scores."""
    names: Mapping[Layer, list[tuple[str, ...]]] = {
        "tables": [("tables", table) for table in tables],
        "models": [("models", region) for region in regions],
        "release": [("release",)],
        "forecasts": [("forecasts", region) for region in regions],
        "scores": [("scores",)],
    }
    found = []
    before: list[dg.AssetKey] = []
    for layer in LAYERS:
        keys = [_key(place, name) for name in names[layer]]
        found.append(_step(place, layer, keys, before, weeks))
        before = keys or before
    return found


def _key(place: Place, name: Sequence[str]) -> dg.AssetKey:
    return dg.AssetKey([place.environment, *name])


def _step(
    place: Place,
    layer: Layer,
    keys: Sequence[dg.AssetKey],
    before: Sequence[dg.AssetKey],
    weeks: dg.WeeklyPartitionsDefinition,
) -> dg.AssetsDefinition:
    specs = [dg.AssetSpec(key, deps=before, group_name=place.environment, skippable=True) for key in keys]
    checks = [dg.AssetCheckSpec(CHECKS[layer], asset=key) for key in keys]

    @dg.multi_asset(
        name=f"{layer}_{place.environment}", specs=specs, check_specs=checks, partitions_def=weeks
    )
    def step(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        week = date.fromisoformat(context.partition_key)
        with place.opened() as w:
            how = bring_about(w, week, layer, context.run.tags.get(KIND, "timer"))
            context.log.info("%s of %s: %s", layer, label(week), how)
            made = {_key(place, one.name): one for one in layers.made(w, week, layer)}
        for key in keys:  # a region that is new is shown when these are loaded again
            if key in made:
                yield _told(key, made[key], how)
            else:
                yield dg.AssetCheckResult(
                    passed=False, asset_key=key, check_name=CHECKS[layer], severity=WARN, description=GONE
                )

    return step


def bring_about(w: Workspace, week: date, layer: Layer, kind: str = "timer") -> How:
    """Come back when a layer of a week is done: it was already, or by whoever is at it, or by a verb that is started."""
    verb: tuple[str, ...] = ("run", "--week", week.isoformat())
    try:
        if kind in ASKED and layer == LAYERS[0]:
            return see_to(Desk(w), ("trigger", kind), lambda: False)
        how = see_to(Desk(w), verb, lambda: layers.passed(w, week, layer) or finished(w, label(week)))
    except FleetcastError as error:
        raise dg.Failure(str(error)) from error
    if layer == LAYERS[-1] and not finished(w, label(week)):
        raise dg.Failure(f"{label(week)} is not done: data came meanwhile, or somebody ended it")
    return how


def _told(key: dg.AssetKey, made: Made, how: How) -> dg.MaterializeResult[Any]:
    told = {name: value for name, value in made.told.items() if value is not None}
    check = dg.AssetCheckResult(
        passed=made.passed,
        asset_key=key,
        check_name=made.check,
        severity=dg.AssetCheckSeverity.ERROR if made.grave else WARN,
        metadata=told,
    )
    return dg.MaterializeResult(
        asset_key=key,
        metadata={**told, "how": how},
        data_version=dg.DataVersion(made.version) if made.version else None,
        check_results=[check],
    )

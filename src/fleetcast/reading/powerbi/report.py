"""The report in PBIR: the pages Training and Monitoring, visual by visual.

Schemas: https://github.com/microsoft/json-schemas/tree/main/fabric/item/report/definition
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fleetcast.domain.views import DATA_QUALITY, MODEL_METRICS, MODELS, PIPELINE_STEPS, SCORING_RUNS, View
from fleetcast.reading.powerbi import measures
from fleetcast.reading.powerbi.measures import Measure

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition"
WIDTH, HEIGHT = 1280, 720  # pixels of a page
GAP, COLUMNS, ROWS = 10, 4, 8  # the grid that visuals stand on
Shape = Literal["card", "slicer", "tableEx", "lineChart", "columnChart", "clusteredBarChart"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view."""

    view: View
    name: str


Field = Column | Measure


@dataclass(frozen=True, slots=True)
class Visual:
    """One visual: its title, its shape, its fields by role, and where it stands: column, row, columns, rows."""

    name: str
    title: str
    shape: Shape
    roles: Mapping[str, Sequence[Field]]
    place: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    name: str
    title: str
    visuals: tuple[Visual, ...]


def _card(measure: Measure, column: int) -> Visual:
    name = measure.name.lower().replace(" ", "_")
    return Visual(name, measure.name, "card", {"Values": [measure]}, (column, 0, 1, 1))


def _columns(view: View, *names: str) -> dict[str, list[Field]]:
    return {"Values": [Column(view, name) for name in names]}


TRAINING = Page(
    "training",
    "Training",
    (
        _card(measures.LIVE, 0),
        _card(measures.WORK, 1),
        _card(measures.GATE_MAPE, 2),
        _card(measures.BASELINE_MAPE, 3),
        Visual("region", "Region", "slicer", _columns(MODELS, "region"), (0, 1, 1, 3)),
        Visual(
            "mape_by_region",
            "MAPE at the gate, beside the baseline's",
            "clusteredBarChart",
            {"Category": [Column(MODELS, "region")], "Y": [measures.GATE_MAPE, measures.BASELINE_MAPE]},
            (1, 1, 3, 3),
        ),
        Visual(
            "models",
            "Models",
            "tableEx",
            _columns(
                MODELS,
                *(
                    "segment",
                    "state",
                    "serving",
                    "mape",
                    "mape_limit",
                    "baseline_mape",
                    "rmse0",
                    "bias",
                    "age_days",
                    "why",
                ),
            ),
            (0, 4, 4, 4),
        ),
    ),
)
MONITORING = Page(
    "monitoring",
    "Monitoring",
    (
        _card(measures.STALE, 0),
        _card(measures.CHAMPIONS, 1),
        _card(measures.SET_ASIDE, 2),
        _card(measures.FAILED, 3),
        Visual(
            "mape_by_week",
            "MAPE of published forecasts, by week",
            "lineChart",
            {"Category": [Column(MODEL_METRICS, "week")], "Y": [measures.MAPE]},
            (0, 1, 2, 3),
        ),
        Visual(
            "failover_by_cycle",
            "Where forecasts came from, by cycle",
            "columnChart",
            {
                "Category": [Column(SCORING_RUNS, "cycle")],
                "Y": [measures.SCORED],
                "Series": [Column(SCORING_RUNS, "failover")],
            },
            (2, 1, 2, 3),
        ),
        Visual(
            "runs",
            "Scoring runs",
            "tableEx",
            _columns(SCORING_RUNS, "cycle", "segment", "failover", "age_days", "stale"),
            (0, 4, 2, 4),
        ),
        Visual(
            "quality",
            "Data quality",
            "tableEx",
            _columns(DATA_QUALITY, "source", "rows", "quarantined", "until"),
            (2, 4, 1, 4),
        ),
        Visual(
            "steps",
            "Steps",
            "tableEx",
            {"Values": [Column(PIPELINE_STEPS, "cycle"), Column(PIPELINE_STEPS, "step"), measures.SECONDS]},
            (3, 4, 1, 4),
        ),
    ),
)
PAGES = (TRAINING, MONITORING)


def files() -> dict[str, Any]:
    """The report's files below `definition/`, as JSON values by path."""
    return {
        "version.json": _of("versionMetadata", version="1.0.0"),
        "report.json": _of("report", themeCollection={}, layoutOptimization="None"),
        "pages/pages.json": _of(
            "pagesMetadata", pageOrder=[page.name for page in PAGES], activePageName=PAGES[0].name
        ),
        **{path: value for page in PAGES for path, value in _page(page)},
    }


def _page(page: Page) -> Iterator[tuple[str, Any]]:
    yield (
        f"pages/{page.name}/page.json",
        _of(
            "page",
            name=page.name,
            displayName=page.title,
            displayOption="FitToPage",
            height=HEIGHT,
            width=WIDTH,
        ),
    )
    for number, visual in enumerate(page.visuals):
        yield f"pages/{page.name}/visuals/{visual.name}/visual.json", _visual(visual, number)


def _visual(visual: Visual, number: int) -> Any:
    roles = {
        role: {"projections": [_projection(field) for field in fields]}
        for role, fields in visual.roles.items()
    }
    title = {"text": {"expr": {"Literal": {"Value": "'" + visual.title.replace("'", "''") + "'"}}}}
    return _of(
        "visualContainer",
        name=visual.name,
        position=_position(visual.place) | {"z": number, "tabOrder": number},
        visual={
            "visualType": visual.shape,
            "query": {"queryState": roles},
            "visualContainerObjects": {"title": [{"properties": title}]},
        },
    )


def _position(place: tuple[int, int, int, int]) -> dict[str, float]:
    column, row, columns, rows = place
    across, down = (WIDTH - GAP) / COLUMNS, (HEIGHT - GAP) / ROWS
    return {
        "x": GAP + column * across,
        "y": GAP + row * down,
        "width": columns * across - GAP,
        "height": rows * down - GAP,
    }


def _projection(field: Field) -> dict[str, Any]:
    kind = "Measure" if isinstance(field, Measure) else "Column"
    source = {"SourceRef": {"Entity": field.view.name}}
    return {
        "field": {kind: {"Expression": source, "Property": field.name}},
        "queryRef": f"{field.view.name}.{field.name}",
        "nativeQueryRef": field.name,
    }


def _of(schema: str, **value: Any) -> dict[str, Any]:
    return {"$schema": f"{SCHEMAS}/{schema}/1.0.0/schema.json", **value}

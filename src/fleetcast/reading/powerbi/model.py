"""The semantic model in TMDL: a table for each view, its measures, and which columns meet.

TMDL: https://learn.microsoft.com/analysis-services/tmdl/tmdl-overview — indented by tabs, one file for each table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleetcast.domain.views import FORECASTS, MODEL_METRICS, MODELS, ORDERS, SCORING_RUNS, VIEWS, Kind, View
from fleetcast.reading.powerbi.measures import MEASURES, Measure

TYPES: Mapping[Kind, str] = {
    "text": "string",
    "day": "dateTime",
    "moment": "dateTime",
    "number": "double",
    "count": "int64",
    "flag": "boolean",
}
FORMATS: Mapping[Kind, str] = {"day": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:nn", "count": "0"}
COMPATIBILITY = 1600


@dataclass(frozen=True, slots=True)
class Place:
    """Where the views are: parameters of the model, which people change in one place."""

    server: str
    database: str
    schema: str
    environment: str


def files(place: Place) -> dict[str, str]:
    """The model's files below `definition/`, by path."""
    return {
        "database.tmdl": f"database\n\tcompatibilityLevel: {COMPATIBILITY}\n",
        "model.tmdl": _model(),
        "expressions.tmdl": _parameters(place),
        "relationships.tmdl": _relationships(),
        **{f"tables/{view.name}.tmdl": _table(view) for view in VIEWS},
    }


def _model() -> str:
    lines = ["model Model", "\tculture: en-US", "\tdefaultPowerBIDataSourceVersion: powerBI_V3", ""]
    return "\n".join([*lines, *(f"ref table {view.name}" for view in VIEWS), ""])


def _parameters(place: Place) -> str:
    told = {
        "Server": place.server,
        "Database": place.database,
        "ViewSchema": place.schema,
        "Environment": place.environment,
    }
    kind = '[IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]'
    return "\n".join(f"expression {name} = {_text(value)} meta {kind}\n" for name, value in told.items())


def _relationships() -> str:
    """All that is of a segment meets at its live model."""
    of_segments = (FORECASTS, ORDERS, MODEL_METRICS, SCORING_RUNS)
    return "\n".join(
        f"relationship {view.name}_of_model\n\tfromColumn: {view.name}.segment\n\ttoColumn: {MODELS.name}.segment\n"
        for view in of_segments
    )


def _table(view: View) -> str:
    measures = [line for measure in MEASURES if measure.view == view for line in _measure(measure)]
    columns = [line for name, kind in view.columns.items() for line in _column(name, kind)]
    return "\n".join(
        [f"/// {view.about}", f"table {view.name}", "", *measures, *columns, *_partition(view), ""]
    )


def _measure(measure: Measure) -> Iterator[str]:
    yield f"\tmeasure '{measure.name}' = {measure.dax}"
    yield f"\t\tformatString: {measure.shown}"
    yield ""


def _column(name: str, kind: Kind) -> Iterator[str]:
    yield f"\tcolumn {name}"
    yield f"\t\tdataType: {TYPES[kind]}"
    if kind in FORMATS:
        yield f"\t\tformatString: {FORMATS[kind]}"
    yield "\t\tsummarizeBy: none"
    yield f"\t\tsourceColumn: {name}"
    yield ""


def _partition(view: View) -> Iterator[str]:
    columns = ", ".join(f'"{name}"' for name in view.columns)
    query = (
        "let",
        "\tSource = PostgreSQL.Database(Server, Database),",
        f'\tRows = Source{{[Schema = ViewSchema, Item = "{view.name}"]}}[Data],',
        "\tMine = Table.SelectRows(Rows, each [environment] = Environment),",
        f"\tShown = Table.SelectColumns(Mine, {{{columns}}})",
        "in",
        "\tShown",
    )
    yield f"\tpartition {view.name} = m"
    yield "\t\tmode: import"
    yield "\t\tsource ="
    yield from (f"\t\t\t\t{line}" for line in query)


def _text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'

"""Settings that are right one by one, but not together."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from fleetcast.settings import recipes
from fleetcast.settings.channels import misdirected
from fleetcast.settings.oidc import mistrusted
from fleetcast.settings.positions import Place
from fleetcast.settings.problems import Found
from fleetcast.settings.pulls import misdeclared
from fleetcast.settings.references import REFERENCE
from fleetcast.settings.standard import misfits
from fleetcast.settings.tree import (
    ColumnSettings,
    CovariateSettings,
    EnvironmentSettings,
    ExecutionSettings,
    GateSettings,
    LongTermSettings,
    SegmentSettings,
    Settings,
    SourceSettings,
    TelemetrySettings,
    TrainingSettings,
)

# The names of domain.tables, which is not imported here: it would load the table engines for `--help`.
CORE_TABLES = (
    "deliveries", "returns", "stores", "clusters", "products", "shelf", "prices", "weather", "events", "demand", "segments",
    "rounds", "forecasts", "shadows", "orders", "order_sheet", "completeness", "scores", "histograms",
    "quarantine",
)  # fmt: skip
MOVERS = ("fast", "slow")
_CLUSTER = re.compile(rf"local|auto|{REFERENCE.pattern}|[\w.-]+:\d+")
_LEDGER = re.compile(rf"{REFERENCE.pattern}|postgresql\+psycopg://[^:@/]*@?[^@]+")  # without a password
_COLLECTOR = re.compile(r"https?://[^\s/]+\S*")
_UNENCRYPTED = re.compile(
    r"http://(?!(localhost|127\.0\.0\.1|\[::1\])[:/])"
)  # and not to this machine itself
_TIMELY = ("date", "datetime")
_PROBE = datetime(2026, 11, 23, 17, 45, 12)  # noqa: DTZ001 — parts that no two directives can confuse


def conflicts(settings: Settings) -> list[Found]:
    """Every contradiction in a tree."""
    found = [
        *_segments(settings.segments),
        *_training(settings.training),
        *_gate(settings.gate, settings.training),
    ]
    found += _long_term(settings.long_term, settings.training, settings.gate)
    found += _donors(settings.training.donors, settings.segments.keys)
    found += _first_week(settings.demand.first_week)
    found += _execution(settings.execution)
    found += _environments(settings.environments.items())
    found += misdirected(settings.alerts)
    found += _telemetry(settings.telemetry)
    found += _webhooks(settings)
    found += mistrusted(settings.serve)
    if settings.retraining.stale_warning_days >= settings.retraining.stale_days:
        found.append(
            Found(
                ("retraining", "stale_warning_days"),
                f"{settings.retraining.stale_warning_days} is not before stale_days = {settings.retraining.stale_days}",
                "write fewer days than stale_days",
            )
        )
    if settings.monitoring.fewest_reference_weeks > settings.monitoring.reference_weeks:
        found.append(
            Found(
                ("monitoring", "fewest_reference_weeks"),
                f"{settings.monitoring.fewest_reference_weeks} is more than"
                f" reference_weeks = {settings.monitoring.reference_weeks}",
                "write no more weeks than reference_weeks",
            )
        )
    ready = settings.calendar.ready_after_days
    for name, source in settings.sources.items():
        if source.known_at == "lag" and source.publication_lag_days > ready:
            found.append(
                Found(
                    ("sources", name, "publication_lag_days"),
                    f"{source.publication_lag_days} days is later than the fleet looks (ready_after_days = {ready})",
                    "write at most so many days, or let calendar.ready_after_days be more",
                )
            )
        found += _source(("sources", name), source)
        found += misfits(("sources", name), source, settings.covariates)
        found += misdeclared(("sources", name), source)
    for name, covariate in settings.covariates.items():
        found += _covariate(("covariates", name), name, covariate)
    return found


def _segments(segments: SegmentSettings) -> Iterator[Found]:
    keys = ", ".join(segments.keys)
    if not segments.keys:
        yield Found(("segments", "keys"), "no key", 'write at least one, as keys = ["region"]')
    yield from _doubled(("segments", "keys"), segments.keys)
    yield from _doubled(("segments", "baseline_keys"), segments.baseline_keys)
    for key in segments.baseline_keys:
        if key not in segments.keys:
            yield Found(("segments", "baseline_keys"), f'"{key}" is not among keys', f"write some of {keys}")
    stores = [key for key in segments.keys if key != "mover"]  # a store's rows lie in one partition
    if segments.keys and segments.partition is not None and segments.partition not in stores:
        wrong = "is not among keys" if segments.partition != "mover" else "is no key of stores"
        instead = f'write one of {", ".join(stores)}, or "none"' if stores else 'write "none"'
        yield Found(("segments", "partition"), f'"{segments.partition}" {wrong}', instead)


def _doubled(place: Place, values: Iterable[object]) -> Iterator[Found]:
    values = list(values)
    for value in dict.fromkeys(v for v in values if values.count(v) > 1):
        yield Found(place, f"{value} more than once", "write it once")


def _training(training: TrainingSettings) -> Iterator[Found]:
    horizons, features = training.horizons, training.features
    if recipes.is_own(training.recipe):
        pass  # whether the workspace has it is seen when it is opened
    elif training.recipe not in recipes.OURS and training.recipe not in (known := recipes.names()):
        named = f'"{training.recipe}" is no recipe'
        yield Found(("training", "recipe"), named, f"write one of {', '.join(known)}")
    if not horizons or any(a >= b for a, b in pairwise(horizons)):
        ordered = sorted(set(horizons)) or [1, 2, 3, 4]
        yield Found(("training", "horizons"), "not ascending", f"write {ordered}")
    if not features.windows:
        yield Found(("training", "features", "windows"), "no window", "write at least one, as windows = [13]")
    yield from _doubled(("training", "features", "own"), features.own)
    for name, values, least in (
        ("lags", features.lags, 0),
        ("windows", features.windows, 1),
        ("seasonal_lags", features.seasonal_lags, 1),
    ):
        place = ("training", "features", name)
        yield from _doubled(place, values)
        if any(value < least for value in values):
            yield Found(
                place, f"{min(values)} weeks back is not the past", f"write whole numbers from {least}"
            )


def _donors(donors: dict[str, str], keys: tuple[str, ...]) -> Iterator[Found]:
    form = f"write {'/'.join(keys)}"
    for young, donor in donors.items():
        place = ("training", "donors", young)
        if young.count("/") + 1 != len(keys):
            yield Found(place, "is no segment", form)
        if donor.count("/") + 1 != len(keys):
            yield Found(place, f'"{donor}" is no segment', form)
        if donor == young:
            yield Found(place, "a segment cannot be its own donor", "write another one")


def _long_term(far: LongTermSettings, training: TrainingSettings, gate: GateSettings) -> Iterator[Found]:
    place = ("long_term", "horizons")
    if any(a >= b for a, b in pairwise(far.horizons)):
        yield Found(place, "not ascending", f"write {sorted(set(far.horizons))}")
    longest = max(training.horizons, default=0)
    if far.horizons and min(far.horizons) <= longest:
        yield Found(
            place,
            f"{min(far.horizons)} weeks ahead is forecast already: training.horizons reach to {longest}",
            f"write weeks from {longest + 1} to 52",
        )
    if far.horizons:
        yield from _too_few_rounds(gate, "long_term.rounds", far.rounds)


def _too_few_rounds(gate: GateSettings, setting: str, rounds: int) -> Iterator[Found]:
    if gate.minimum_rounds > rounds:
        yield Found(
            ("gate", "minimum_rounds"),
            f"{gate.minimum_rounds} is more than {setting} = {rounds}, so no model could pass",
            f"write at most {rounds}",
        )


def _gate(gate: GateSettings, training: TrainingSettings) -> Iterator[Found]:
    yield from _too_few_rounds(gate, "training.rounds", training.rounds)
    for mover, limit in gate.mape_by.items():
        if mover not in MOVERS:
            yield Found(("gate", "mape_by", mover), "is no mover class", f"write one of {', '.join(MOVERS)}")
        if limit <= 0:
            yield Found(("gate", "mape_by", mover), f"{limit} is too small", "write a number above 0")


def _execution(execution: ExecutionSettings) -> Iterator[Found]:
    if not _CLUSTER.fullmatch(execution.address):
        yield Found(
            ("execution", "address"),
            f'"{execution.address}" is no address of a cluster',
            'write "local", "auto", "HOST:PORT", or "env:NAME" of the variable that holds it',
        )
    if execution.gpus_per_task and execution.engine != "ray":
        yield Found(
            ("execution", "gpus_per_task"),
            f'nothing places tasks by GPU with engine = "{execution.engine}"',
            'write engine = "ray", or leave it out',
        )


def _environments(environments: Iterable[tuple[str, EnvironmentSettings]]) -> Iterator[Found]:
    written = []
    for name, environment in environments:
        written += [environment.ledger] if environment.ledger else []
        if environment.ledger is not None and not _LEDGER.fullmatch(environment.ledger):
            yield Found(
                ("environments", name, "ledger"),
                "is no place of a ledger",
                "write postgresql+psycopg://USER@HOST/DATABASE, or with a password env:NAME of the variable that holds it",
            )
    if len(set(written)) < len(written):
        yield Found(
            ("environments",),
            "dev and prod have the same ledger, and each keeps its own releases and audit chain",
            "write a database for each",
        )


def _telemetry(telemetry: TelemetrySettings) -> Iterator[Found]:
    if not _COLLECTOR.fullmatch(telemetry.endpoint):
        yield Found(
            ("telemetry", "endpoint"),
            f'"{telemetry.endpoint}" is no address of a collector',
            'write one as "https://collector:4318/v1/traces"',
        )
    for name, value in telemetry.headers.items():
        place = ("telemetry", "headers", name)
        if not REFERENCE.fullmatch(value):
            yield Found(place, "is written out", 'write "env:NAME" of the variable that holds it')
        if _UNENCRYPTED.match(telemetry.endpoint):
            yield Found(
                place, "would travel unencrypted to another machine", "write an endpoint with https://"
            )


def _webhooks(settings: Settings) -> Iterator[Found]:
    for source, hook in settings.webhooks.items():
        if source not in settings.sources:
            yield Found(("webhooks", source), "is no source", "name one of [sources], or remove it")
        if not REFERENCE.fullmatch(hook.secret):
            place = ("webhooks", source, "secret")
            yield Found(place, "is written out", 'write "env:NAME" of the variable that holds it')


def _first_week(first_week: str | None) -> Iterator[Found]:
    if first_week is None:
        return
    try:
        day = date.fromisoformat(first_week)
    except ValueError:
        yield Found(("demand", "first_week"), f'"{first_week}" is no date', 'write a Monday, as "2024-01-01"')
        return
    if day.weekday() != 0:
        monday = date.fromordinal(day.toordinal() - day.weekday())
        yield Found(("demand", "first_week"), f"{day} is a {day:%A}", f'write a Monday, as "{monday}"')


def _source(place: Place, source: SourceSettings) -> Iterator[Found]:
    yield from _marks(place, source)
    yield from _known_at(place, source)
    yield from _format(place, source)
    yield from _columns(place, source)
    if not _is_zone(source.timezone):
        yield Found(
            (*place, "timezone"), f'"{source.timezone}" is no time zone', 'write one as "America/Chicago"'
        )


def _marks(place: Place, source: SourceSettings) -> Iterator[Found]:
    if source.decimal == source.thousands:
        yield Found((*place, "thousands"), "the same as decimal", "write another mark, or leave one out")
    if source.format == "csv":
        if source.delimiter in '"\n\r':
            yield Found(
                (*place, "delimiter"), f"{source.delimiter!r} cannot part fields", "write another character"
            )
        if source.delimiter == source.decimal and "delimiter" in source.model_fields_set:
            yield Found(
                (*place, "delimiter"), "the same as decimal", "write another delimiter or decimal mark"
            )
        elif source.delimiter == source.decimal:
            yield Found(
                (*place, "decimal"),
                f'the same as the delimiter "{source.delimiter}"',
                'write `delimiter = ";"` too',
            )
    if source.true == source.false:
        yield Found((*place, "false"), "the same as true", "write what the source writes for false")


def _known_at(place: Place, source: SourceSettings) -> Iterator[Found]:
    timely = [name for name, column in source.columns.items() if column.type in _TIMELY]
    if source.known_at == "column":
        one_of = (
            f"write one of {', '.join(timely)}" if timely else "declare a column of type date or datetime"
        )
        if source.known_at_column is None:
            yield Found((*place, "known_at_column"), 'is missing, while known_at = "column"', one_of)
        elif source.known_at_column not in timely:
            named = f'"{source.known_at_column}" is no declared column of type date or datetime'
            yield Found((*place, "known_at_column"), named, one_of)
    if source.known_at == "file_name":
        example = "write a pattern with one group, as '_(\\d{8})\\.csv'"
        if source.known_at_pattern is None:
            yield Found((*place, "known_at_pattern"), 'is missing, while known_at = "file_name"', example)
        elif _groups(source.known_at_pattern) != 1:
            yield Found(
                (*place, "known_at_pattern"), f"{source.known_at_pattern!r} has not one group", example
            )


def _groups(pattern: str) -> int | None:
    try:
        return re.compile(pattern).groups
    except re.error:
        return None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, a path outside the zones, a folder of zones
        return False
    return True


def _format(place: Place, source: SourceSettings) -> Iterator[Found]:
    if source.format == "sql" and source.query is None:
        yield Found((*place, "query"), 'is missing, while format = "sql"', "write one SELECT")
    if source.format != "sql" and source.query is not None:
        yield Found(
            (*place, "query"),
            f'has no meaning where format = "{source.format}"',
            'write format = "sql", or remove it',
        )
    if source.format != "excel" and source.sheet is not None:
        yield Found(
            (*place, "sheet"),
            f'has no meaning where format = "{source.format}"',
            'write format = "excel", or remove it',
        )
    if source.format == "fixed_width":
        yield from _widths((*place, "columns"), source.columns)


def _widths(place: Place, columns: dict[str, ColumnSettings]) -> Iterator[Found]:
    spans: list[tuple[int, int, str]] = []
    for name, column in columns.items():
        if column.start is None or column.width is None:
            yield Found((*place, name), "a column of fixed width without start or width", "write both")
        else:
            spans.append((column.start, column.start + column.width, name))
    for (_, end, before), (start, _, name) in pairwise(sorted(spans)):
        if start < end:
            yield Found(
                (*place, name, "start"), f"{start} is inside column {before}", f"write at least {end}"
            )


def _columns(place: Place, source: SourceSettings) -> Iterator[Found]:
    place = (*place, "columns")
    if not source.columns:
        yield Found(place, "no column", 'declare each, as week = { type = "date" }')
    headers = [column.name or name for name, column in source.columns.items()]
    for name, column in source.columns.items():
        header = column.name or name
        if headers.count(header) > 1 and headers.index(header) != list(source.columns).index(name):
            yield Found(
                (*place, name), f'"{header}" is another column\'s name in the file too', "write another name"
            )
        if name in ("file", "line") or name.startswith("."):
            yield Found(
                (*place, name),
                "is a name that readers use themselves",
                f'write another, and name = "{name}" in it',
            )
        yield from _column((*place, name), column)


def _column(place: Place, column: ColumnSettings) -> Iterator[Found]:
    limits = [limit for limit in ("minimum", "maximum") if getattr(column, limit) is not None]
    for limit in limits:
        if column.type not in ("integer", "number"):
            yield Found(
                (*place, limit),
                f'has no meaning where type = "{column.type}"',
                "remove it, or write another type",
            )
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        yield Found((*place, "minimum"), "above maximum", "write a smaller one")
    if column.format is None:
        return
    if column.type not in _TIMELY:
        yield Found(
            (*place, "format"),
            f'has no meaning where type = "{column.type}"',
            "remove it, or write another type",
        )
    elif not _tells_moment(column.format, column.type):
        missing = "day, month and year" if column.type == "date" else "day, month, year and hour"
        yield Found(
            (*place, "format"), f'"{column.format}" does not tell {missing}', 'write one as "%d.%m.%Y"'
        )


def _tells_moment(form: str, kind: str) -> bool:
    """Whether what the format writes can be read back."""
    try:
        back = datetime.strptime(_PROBE.strftime(form), form)  # noqa: DTZ007 — only its parts are compared
    except ValueError:
        return False
    return back.date() == _PROBE.date() and (kind == "date" or back.hour == _PROBE.hour)


def _covariate(place: Place, name: str, covariate: CovariateSettings) -> Iterator[Found]:
    if name in CORE_TABLES:
        yield Found(
            place, "is the name of a table of Fleetcast's own", f"write another, as [covariates.{name}_extra]"
        )
    if not covariate.keys:
        yield Found((*place, "keys"), "no key", 'write some of "week", "store", "region", "product"')
    yield from _doubled((*place, "keys"), covariate.keys)
    for column, kind in covariate.columns.items():
        if column in covariate.keys or column == "known_at":
            yield Found((*place, "columns", column), "is a key too, or known_at", "write another name")
        if kind != "static" and "week" not in covariate.keys:
            yield Found(
                (*place, "columns", column),
                f'"{kind}" in a table without weeks',
                'write "static", or "week" among the keys',
            )
    for option in ("log", "relative", "cross"):
        for column in getattr(covariate, option):
            if column not in covariate.columns:
                yield Found(
                    (*place, option),
                    f'"{column}" is not among columns',
                    f"write some of {', '.join(covariate.columns)}",
                )

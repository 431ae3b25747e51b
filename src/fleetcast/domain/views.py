"""The views that `fleetcast export sql` makes: what analysts read in a database, column by column.

A view of a version keeps its columns: others make another version, whose tables stand beside the old ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "day", "moment", "number", "count", "flag"]

VERSION = 1
REGION = "region"  # who may read a row; null: only who may read all


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, what tells rows apart, and the kinds of its columns."""

    name: str
    about: str
    key: tuple[str, ...]
    columns: Mapping[str, Kind] = field(hash=False)


FORECASTS = View(
    "forecasts",
    "Published forecasts of the newest cycles, in units per week; low and high are the 80 % interval.",
    ("cycle", "week", "store", "product"),
    {
        "cycle": "day",
        "week": "day",
        "horizon": "count",
        "region": "text",
        "segment": "text",
        "store": "text",
        "product": "text",
        "median": "number",
        "mean": "number",
        "mape_forecast": "number",
        "low": "number",
        "high": "number",
        "failover": "text",
        "release": "text",
        "model": "text",
    },
)
ORDERS = View(
    "orders",
    "Recommended orders of the newest cycles, in units; order_units is null where reason says why.",
    ("cycle", "week", "store", "product"),
    {
        "cycle": "day",
        "week": "day",
        "region": "text",
        "segment": "text",
        "store": "text",
        "product": "text",
        "order_units": "number",
        "reason": "text",
        "median": "number",
        "low": "number",
        "high": "number",
        "failover": "text",
        "release": "text",
        "model": "text",
    },
)
MODELS = View(
    "models",
    "The live models, one per segment, as their gate judged them; rates are fractions.",
    ("segment",),
    {
        "segment": "text",
        "region": "text",
        "state": "text",
        "why": "text",
        "model": "text",
        "serving": "text",
        "mape": "number",
        "mape_limit": "number",
        "baseline_mape": "number",
        "rmse0": "number",
        "rmse_all": "number",
        "bias": "number",
        "age_days": "number",
        "series": "count",
    },
)
MODEL_METRICS = View(
    "model_metrics",
    "Errors of published forecasts once demand was known, per segment, week and horizon; mape is over n_sold rows.",
    ("segment", "week", "horizon", "release"),
    {
        "segment": "text",
        "region": "text",
        "week": "day",
        "horizon": "count",
        "release": "text",
        "n": "count",
        "n_sold": "count",
        "mape": "number",
        "baseline_mape": "number",
        "skill": "number",
        "wape": "number",
        "bias": "number",
        "rmse0": "number",
        "rmse_all": "number",
    },
)
SCORING_RUNS = View(
    "scoring_runs",
    "Which model served how many rows of a segment in a cycle, and whether it was stale by then.",
    ("cycle", "segment", "model", "failover"),
    {
        "cycle": "day",
        "segment": "text",
        "region": "text",
        "release": "text",
        "model": "text",
        "failover": "text",
        "rows": "count",
        "trained_at": "moment",
        "scored_at": "moment",
        "age_days": "number",
        "stale": "flag",
    },
)
PIPELINE_STEPS = View(
    "pipeline_steps",
    "Steps of the newest cycles: how each ended, and how long it took.",
    ("cycle", "step", "part"),
    {
        "cycle": "text",
        "step": "text",
        "part": "text",
        "region": "text",
        "state": "text",
        "attempt": "count",
        "started": "moment",
        "ended": "moment",
        "seconds": "number",
        "error": "text",
    },
)
DATA_QUALITY = View(
    "data_quality",
    "What each source brought: rows = accepted + quarantined + duplicates.",
    ("source",),
    {
        "source": "text",
        "region": "text",
        "files": "count",
        "refused": "count",
        "rows": "count",
        "accepted": "count",
        "quarantined": "count",
        "duplicates": "count",
        "until": "day",
    },
)

VIEWS = (FORECASTS, ORDERS, MODELS, MODEL_METRICS, SCORING_RUNS, PIPELINE_STEPS, DATA_QUALITY)

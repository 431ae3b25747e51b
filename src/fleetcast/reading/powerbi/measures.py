"""The measures of the semantic model, in DAX, each beside the view it is made of."""

from dataclasses import dataclass

from fleetcast.domain.views import DATA_QUALITY, MODEL_METRICS, MODELS, PIPELINE_STEPS, SCORING_RUNS, View

PERCENT, WHOLE = "0.0 %", "#,0"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: what it is called, where it stands, and how it is made and shown."""

    view: View
    name: str
    dax: str
    shown: str


LIVE = Measure(MODELS, "Live models", "COUNTROWS(models)", WHOLE)
WORK = Measure(
    MODELS,
    "Models that need work",
    'COALESCE(CALCULATE(COUNTROWS(models), models[state] IN {"failed", "over_gate", "stale"}), 0)',
    WHOLE,
)
GATE_MAPE = Measure(MODELS, "Mean MAPE at the gate", "AVERAGE(models[mape])", PERCENT)
BASELINE_MAPE = Measure(MODELS, "Mean MAPE of the baseline", "AVERAGE(models[baseline_mape])", PERCENT)
MAPE = Measure(
    MODEL_METRICS,
    "Pooled MAPE",
    "DIVIDE(SUMX(model_metrics, model_metrics[mape] * model_metrics[n_sold]), SUM(model_metrics[n_sold]))",
    PERCENT,
)
STALE = Measure(
    SCORING_RUNS,
    "Stale segments",
    "COALESCE(CALCULATE(DISTINCTCOUNT(scoring_runs[segment]), scoring_runs[stale] = TRUE()), 0)",
    WHOLE,
)
SCORED = Measure(SCORING_RUNS, "Scored rows", "SUM(scoring_runs[rows])", WHOLE)
CHAMPIONS = Measure(
    SCORING_RUNS,
    "Share of champions",
    'DIVIDE(CALCULATE(SUM(scoring_runs[rows]), scoring_runs[failover] = "champion"), SUM(scoring_runs[rows]))',
    PERCENT,
)
SET_ASIDE = Measure(
    DATA_QUALITY,
    "Share set aside",
    "DIVIDE(SUM(data_quality[quarantined]), SUM(data_quality[rows]))",
    PERCENT,
)
FAILED = Measure(
    PIPELINE_STEPS,
    "Failed steps",
    'COALESCE(CALCULATE(COUNTROWS(pipeline_steps), pipeline_steps[state] = "failed"), 0)',
    WHOLE,
)
SECONDS = Measure(PIPELINE_STEPS, "Time taken", "SUM(pipeline_steps[seconds])", '#,0 "s"')

MEASURES = (LIVE, WORK, GATE_MAPE, BASELINE_MAPE, MAPE, STALE, SCORED, CHAMPIONS, SET_ASIDE, FAILED, SECONDS)

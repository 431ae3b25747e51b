"""Model validation on one machine: data, training and scoring of the workspace's sample, end to end, in this process."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from fleetcast import workspace
from fleetcast.delivery import git
from fleetcast.delivery.report import Check, Finding, Report
from fleetcast.delivery.verb import Verb
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ORDERS, QUARANTINE
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import CycleReport, SegmentVerdict
from fleetcast.fleet.run import Only, run_cycle
from fleetcast.settings import GateSettings, load, load_policy
from fleetcast.settings.local import Effort
from fleetcast.workspace import Workspace

SAMPLE = "sample"  # the folder of the workspace that has it
NAME = "ci model-validation"
ROW = ["week", "store", "product"]
NUMBERS = ("median", "mean", "mape", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975")

# A MAPE as a multiple of the baseline's, from which on something is broken. On a few hundred rows a sound model of a
# small segment is often worse than an average, the fleet as a whole hardly; wrong features or a wrong target show in both.
MUCH_WORSE = 3.0  # of a segment
MUCH_WORSE_IN_ALL = 1.5  # of the fleet


def verb(
    folder: Path,
    place: Path,
    *,
    effort: Effort,
    clock: Callable[[], datetime],
    progress: Progress,
    actor: str,
) -> Report:
    """Validate the workspace in `folder`; everything it makes is in `place`, an empty folder, and nothing elsewhere."""
    folder = folder.resolve()
    done = Verb(NAME, clock(), workspace=folder.name, effort=effort, **git.subject(folder))
    w = _opened(folder, place / "workspace", effort)
    gate = load(folder / workspace.SETTINGS_FILE).gate

    def work(only: Only | None) -> Callable[[], CycleReport]:
        return lambda: run_cycle(w, only=only, progress=progress, actor=actor)

    came = done.check("data", work("condition"), lambda made: _came_in(w, made), lambda _: _unfit(w))
    if came is None:
        return done.report()
    done.about(week=came.cycle.isoformat())
    trained = done.check(
        "training",
        work("train"),
        _trained,
        lambda made: [
            *untrained(_verdicts(made)),
            *much_worse(made.verdicts, skill=made.metrics["skill"]),
            *below_gate(_verdicts(made), gate),
        ],
    )
    if trained is None:
        return done.report()
    scored = done.check("scoring", work(None), _scored, lambda made: list(_incomplete(w, made)))
    if scored is not None:
        done.add(_orders(w, scored))
    return done.report()


def _opened(folder: Path, home: Path, effort: Effort) -> Workspace:
    if not (folder / SAMPLE).is_dir():
        raise UsageError(
            f"{folder} has no {SAMPLE}/, the small data set that models are tried on; make one of the workspace's own"
            " files with `fleetcast data sample`, and commit it"
        )
    shutil.copytree(folder / SAMPLE, home)
    load_policy(folder / workspace.POLICY_FILE)  # what is wrong with it is said here too
    return workspace.open_locally(folder, home, effort=effort)


# ---------------------------------------------------------------- data


def _came_in(w: Workspace, made: CycleReport) -> str:
    rows = w.lake.read(QUARANTINE).height
    weeks = f"up to {made.cycle}"
    return f"{len(w.settings.sources)} sources, {rows:,} rows set aside, {weeks}"


def _unfit(w: Workspace) -> list[Finding]:
    """What was set aside: a sample is made of rows that fit, so a row that does not is the conditioner's doing."""
    found = w.lake.read(QUARANTINE).sort("source", "file", "line")
    return [
        Finding(
            row["reason"],
            f"source {row['source']}: {row['detail']}",
            f"{SAMPLE}/{row['file']}",
            row["line"] or None,
        )
        for row in found.iter_rows(named=True)
    ]


# ---------------------------------------------------------------- training


def _trained(made: CycleReport) -> str:
    verdicts = _verdicts(made)
    return f"{sum(verdict.ran for verdict in verdicts)} of {len(verdicts)} segments trained"


def _verdicts(made: CycleReport) -> tuple[SegmentVerdict, ...]:
    return (*made.verdicts, *(made.long_term.verdicts if made.long_term else ()))


def untrained(verdicts: Sequence[SegmentVerdict]) -> Iterator[Finding]:
    """Models that are not there, or whose error is no number."""
    if not verdicts:
        yield Finding("nothing_trained", "no segment has enough weeks to be trained; make a larger sample")
    for verdict in verdicts:
        if not verdict.ran:
            yield Finding("not_trained", f"{verdict.segment}: {verdict.reason}")
        elif verdict.mape is None or verdict.bias is None:
            yield Finding("not_finite", f"{verdict.segment}: its error is no number")


def much_worse(verdicts: Sequence[SegmentVerdict], *, skill: float | None) -> Iterator[Finding]:
    """Models so much worse than their baseline that something must be wrong; `skill` is the fleet's.

    Long-term ones are not asked: a sample is too short for them to be any better.
    """
    for verdict in verdicts:
        if verdict.mape and verdict.baseline_mape and verdict.mape > MUCH_WORSE * verdict.baseline_mape:
            both = f"MAPE {verdict.mape:.1%}, and {verdict.baseline_mape:.1%} of its baseline"
            said = f"{verdict.segment}: {both}; over {MUCH_WORSE:g} times that is an error"
            yield Finding("much_worse", said)
    if skill is not None and 1 - skill > MUCH_WORSE_IN_ALL:
        said = f"the fleet's MAPE is {1 - skill:.1f} times that of its baselines"
        yield Finding("much_worse", f"{said}; over {MUCH_WORSE_IN_ALL:g} times is an error")


def below_gate(verdicts: Sequence[SegmentVerdict], gate: GateSettings) -> Iterator[Finding]:
    """What the gate would say, told and not held against anybody: the sample is too small to prove accuracy."""
    for verdict in verdicts:
        mover = verdict.segment.rpartition("/")[2]
        limit = gate.mape_by.get(mover, gate.mape)
        said = []
        if verdict.mape is not None and verdict.mape > limit:
            said.append(f"MAPE {verdict.mape:.1%} > {limit:.1%}")
        if verdict.skill is not None and verdict.skill < gate.skill:
            said.append(f"skill {verdict.skill:+.1%} < {gate.skill:+.1%}")
        if verdict.bias is not None and abs(verdict.bias) > gate.bias:
            said.append(f"bias {verdict.bias:+.1%} outside ±{gate.bias:.1%}")
        if said:
            yield Finding("gate", f"{verdict.segment}: {', '.join(said)}", level="note")


# ---------------------------------------------------------------- scoring


def _scored(made: CycleReport) -> str:
    return (
        f"{made.series.published:,} of {made.series.active:,} active series forecast, {made.series.coded:,} with a"
        f" reason why not"
    )


def _incomplete(w: Workspace, made: CycleReport) -> Iterator[Finding]:
    """Every active series has one row for each week ahead, finite and of its champion, or a coded reason."""
    ledger, rows = (_of(w, table.name, made) for table in (COMPLETENESS, FORECASTS))
    if made.series.missing:
        yield Finding("missing", f"{made.series.missing} active series have neither a row nor a reason")
    weeks = {made.cycle + horizon * WEEK for horizon in w.settings.horizons}
    if set(ledger["week"]) != weeks:
        yield Finding("weeks", f"{sorted(map(str, set(ledger['week']) ^ weeks))} are not the weeks ahead")
    served = ledger.filter(pl.col("state") != "blocked")
    if rows.select(ROW).is_duplicated().any() or rows.join(served, on=ROW, how="anti").height:
        yield Finding("doubled", "a series has more than one forecast for a week, or one it should not have")
    if lost := served.join(rows, on=ROW, how="anti").height:
        yield Finding("missing", f"{lost} rows that are said to be published are not there")
    if not rows.select(pl.all_horizontal(pl.col(NUMBERS).is_finite()).all()).item():
        yield Finding("not_finite", "a forecast is no number")
    others = ledger.filter(pl.col("state") != "champion").group_by("segment", "state", "reason").len()
    for segment, state, reason, number in others.sort("segment", "state", "reason").iter_rows():
        yield Finding("no_champion", f"{segment}: {number} rows are {state} ({reason})")


def _orders(w: Workspace, made: CycleReport) -> Check:
    if not w.settings.orders.enabled:
        return Check("orders", "skipped", "the settings want none")
    rows = _of(w, ORDERS.name, made)
    given = rows.filter(pl.col("order").is_not_null()).height
    findings = []
    if silent := rows.filter(pl.col("order").is_null() & (pl.col("reason") == "")).height:
        findings.append(Finding("no_reason", f"{silent} rows have neither an order nor a reason"))
    coming = pl.col("week") == made.cycle + WEEK  # orders are made for the coming week alone
    if lost := _of(w, FORECASTS.name, made).filter(coming).join(rows, on=ROW, how="anti").height:
        findings.append(Finding("missing", f"{lost} forecasts of the coming week have no order"))
    reasons = rows.filter(pl.col("order").is_null()).group_by("reason").len().sort("reason").rows()
    findings += [Finding("none", f"{number} rows: {reason}", level="note") for reason, number in reasons]
    ill = any(finding.level == "error" for finding in findings)
    says = f"{given:,} of {rows.height:,} rows have a quantity"
    return Check("orders", "failed" if ill else "passed", says, tuple(findings))


def _of(w: Workspace, table: str, made: CycleReport) -> pl.DataFrame:
    return w.lake.read(w.tables[table], where=pl.col("cycle") == made.cycle)

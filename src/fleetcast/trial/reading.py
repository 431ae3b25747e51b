"""Reading a trial: what became of pilot and control stores, and whether chance alone would do that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.domain.week import weeks as calendar
from fleetcast.trial import chance
from fleetcast.trial.design import Design
from fleetcast.trial.lift import Lift, differences, levels, lift
from fleetcast.trial.outcomes import Outcome, measurable, of_stores


@dataclass(frozen=True, slots=True)
class Finding:
    """What the trial says about one outcome.

    `before` is the lift of a trial that never was, in the last weeks before the start: it should be nothing. `by_pair`
    are the differences of the pairs that counted, in the outcome's own unit.
    """

    outcome: str
    main: bool
    lift: Lift
    before: Lift | None
    by_pair: Mapping[int, float]
    conclusion: str


@dataclass(frozen=True, slots=True)
class Absence:
    """A store of the trial whose data do not reach from start to end; its pair counts for `weeks` weeks of the trial."""

    pair: int
    store: str
    arm: str
    reason: str
    weeks: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A trial as it stands: weeks counted, weeks not final yet and weeks nobody has data of, stores missing, findings."""

    first: date
    weeks: tuple[date, ...]
    open_weeks: tuple[date, ...]
    unknown_weeks: tuple[date, ...]
    planned: int
    pairs: int
    absences: tuple[Absence, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def read(
    design: Design,
    store_weeks: pl.DataFrame,
    stores: pl.DataFrame,
    *,
    start: date,
    until: date | None,
    newest: date,
) -> Reading:
    """Read a trial that started in a week, up to another one (else the planned end), `newest` being the last week with data.

    Every store counts in the arm it was given to, whatever it did: that is the only comparison the coin made fair.
    """
    end = until or start + (design.plan.weeks - 1) * WEEK
    _check(design, stores, start, end)
    taking_part = [store for pair in design.pairs for store in (pair.pilot, pair.control)]
    span = pl.col("week").is_between(design.first, end)
    rows = of_stores(store_weeks, taking_part).filter(span)
    last_final: Any = store_weeks["week"].max()
    counted = tuple(rows.filter(pl.col("week") >= start)["week"].unique().sort())
    if not counted:
        raise UsageError(_nothing_yet(start, newest, last_final))
    seen = [week for week in calendar(start, min(end, newest)) if week not in counted]
    absences = _absences(design, rows, stores, start, counted)
    findings = _findings(design, rows, start, len(counted))
    return Reading(
        start,
        counted,
        tuple(week for week in seen if week > last_final),
        tuple(week for week in seen if week <= last_final),
        design.plan.weeks,
        max(finding.lift.pairs for finding in findings),
        absences,
        findings,
        tuple(_notes(design, rows, counted)),
    )


def _check(design: Design, stores: pl.DataFrame, start: date, end: date) -> None:
    if start <= design.last:
        raise UsageError(
            f"the design was made from data up to the week of {design.last}, so the trial cannot have started on"
            f" {start}; the first week it can is {design.last + WEEK}"
        )
    if end < start:
        raise UsageError(f"the trial would end on {end}, before it starts on {start}")
    taking_part = {store for pair in design.pairs for store in (pair.pilot, pair.control)}
    if strangers := sorted(taking_part - set(stores["store"])):
        shown = ", ".join(strangers[:5]) + (" …" if len(strangers) > 5 else "")
        raise UsageError(
            f"{len(strangers)} stores of the design are not in the table stores: {shown}; "
            "read it in the workspace it was designed in"
        )


def _nothing_yet(start: date, newest: date, last_final: object) -> str:
    return (
        f"no week since {start} is final: the newest week with data is {newest}, the newest final one {last_final}.\n"
        "Returns of the weeks after that may still come in; read the trial when they have."
    )


def _findings(design: Design, rows: pl.DataFrame, start: date, length: int) -> tuple[Finding, ...]:
    told = measurable(rows)
    main = [outcome for outcome in told if outcome.name == design.plan.outcome]
    found = []
    for outcome in [*main, *(outcome for outcome in told if outcome not in main)]:
        known = levels(rows, [pair.arms for pair in design.pairs], outcome, start=start)
        if not known.pair.size:
            continue
        lifted = lift(known, chance.coins(known.pair.size, design.plan.seed))
        by_pair = dict(zip(known.pair.tolist(), differences(known).tolist(), strict=True))
        before = _before(design, rows, outcome, start, length)
        found.append(
            Finding(outcome.name, outcome in main, lifted, before, by_pair, conclusion(outcome, lifted))
        )
    if not found:
        raise UsageError(
            "no pair has both its stores' data before and since the start: nothing can be compared"
        )
    return tuple(found)


def _before(design: Design, rows: pl.DataFrame, outcome: Outcome, start: date, length: int) -> Lift | None:
    """The same reading of the last weeks before the start, as many as have been read, at most half of them."""
    earlier = rows.filter(pl.col("week") < start)
    weeks = earlier["week"].unique().sort().to_list()
    if len(weeks) < 2:
        return None
    began = weeks[-min(length, len(weeks) // 2)]
    known = levels(earlier, [pair.arms for pair in design.pairs], outcome, start=began)
    return lift(known, chance.coins(known.pair.size, design.plan.seed)) if known.pair.size else None


def _absences(
    design: Design, rows: pl.DataFrame, stores: pl.DataFrame, start: date, counted: Sequence[date]
) -> tuple[Absence, ...]:
    since = rows.filter(pl.col("week") >= start)
    there = {store: set(weeks) for store, weeks in since.group_by("store").agg("week").iter_rows()}
    closed = dict(stores.select("store", "closed").iter_rows())
    found = []
    for pair in design.pairs:
        both = there.get(pair.pilot, set()) & there.get(pair.control, set())
        for arm, store in (("pilot", pair.pilot), ("control", pair.control)):
            if len(there.get(store, set())) < len(counted):
                reason = "closed" if closed[store] and closed[store] <= counted[-1] + WEEK else "no_data"
                found.append(Absence(pair.pair, store, arm, reason, len(both)))
    return tuple(found)


def _notes(design: Design, rows: pl.DataFrame, counted: Sequence[date]) -> list[str]:
    notes = []
    if len(counted) < design.plan.weeks:
        notes.append(
            f"{len(counted)} of {design.plan.weeks} planned weeks are counted. Whoever looks every week until something"
            " shows finds what chance does; the answer is the one at the planned end."
        )
    unpriced, delivered = rows.select(pl.col("unpriced", "delivered").sum()).row(0)
    if 0 < unpriced < delivered:
        notes.append(
            f"money leaves out {percent(unpriced / delivered)} of what was delivered, which has no price"
        )
    if design.plan.outcome not in {outcome.name for outcome in measurable(rows)}:
        notes.append(
            f"{design.plan.outcome}, which the trial was designed for, cannot be told from these weeks"
        )
    return notes


def conclusion(outcome: Outcome, found: Lift) -> str:
    """The finding in one sentence.

    >>> from fleetcast.trial.outcomes import OUTCOMES
    >>> told = Lift(20, -0.12, -0.19, -0.04, -0.02, -0.03, -0.01, 0.01, 0.2, 0.18, 0.2, 0.2)
    >>> conclusion(OUTCOMES["returns"], told)
    'the share of deliveries that came back fell by 12.0 % (4.0 … 19.0 %)'
    """
    if found.value is None:
        return f"{outcome.noun}: a change in percent has no meaning here; see the difference"
    bounds = (found.low, found.high)
    if not found.found:
        said = " … ".join(signed(bound) for bound in bounds)
        return f"no difference can be told in {outcome.noun}: {signed(found.value)} ({said})"
    up = found.value > 0
    small, large = bounds if up else bounds[::-1]
    said = " … ".join(
        "?" if bound is None else percent(abs(bound)).removesuffix(" %") for bound in (small, large)
    )
    return f"{outcome.noun} {'rose' if up else 'fell'} by {percent(abs(found.value))} ({said} %)"


def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def signed(value: float | None) -> str:
    return "?" if value is None else f"{value * 100:+.1f} %".replace("-", "−")

"""The design of a trial: which stores take part, who is whose pair, on whom the coin fell, what can be found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.trial import chance, matching
from fleetcast.trial.lift import Arms
from fleetcast.trial.outcomes import OUTCOMES, Outcome, measurable, of_stores
from fleetcast.trial.power import Detectable, detectable

STRATA = ("region", "store_format", "postal_code")
_BUSY = 0.9  # share of the weeks before the trial in which a store must have had deliveries
ALIKE = (
    0.25  # standard deviations between the groups; up to there a regression makes up for them [Rubin 2001]
)
_DRAWS = 400  # assignments without pairs, for comparison


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: how many stores (or which share of all that can), for how many weeks, judged by which outcome."""

    stores: int | None = None
    share: float | None = None
    weeks: int = 12
    history: int = 52
    outcome: str = "returns"
    within: tuple[str, ...] = ("region", "store_format")
    without: tuple[str, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a design came from: by whom, when, and the content versions it read."""

    environment: str
    by: str
    made: datetime
    snapshot: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two alike stores; the coin made one the pilot. `distance` is in standard deviations."""

    pair: int
    stratum: str
    pilot: str
    control: str
    distance: float

    @property
    def arms(self) -> Arms:
        return Arms(self.pair, self.pilot, self.control)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A store that takes no part, with the coded reason."""

    store: str
    reason: str


@dataclass(frozen=True, slots=True)
class Balance:
    """A feature before the trial: its mean in pilot and control stores, and how far apart they are in standard deviations.

    `by_chance` is how far apart a coin thrown for each store alone would have left them, on average.
    """

    feature: str
    pilot: float
    control: float
    apart: float
    by_chance: float

    @property
    def alike(self) -> bool:
        return abs(self.apart) <= ALIKE


@dataclass(frozen=True, slots=True)
class Design:
    """Everything about a trial that is settled before it starts; `first` to `last` are the weeks it was made from."""

    origin: Origin
    plan: Plan
    first: date
    last: date
    pairs: tuple[Pair, ...]
    left_out: tuple[LeftOut, ...]
    balance: tuple[Balance, ...]
    detectable: tuple[Detectable, ...]
    shared_postal_codes: int  # where both pilot and control stores are


def design(store_weeks: pl.DataFrame, stores: pl.DataFrame, *, plan: Plan, origin: Origin) -> Design:
    """Settle a trial from the weeks that are final, and the stores' master data as they stand (one row a store)."""
    main, first, last = _asked(store_weeks, plan)
    weeks = store_weeks.filter(pl.col("week").is_between(first, last))
    left_out = _unfit(weeks, stores, first, last, plan)
    masters = stores.filter(~pl.col("store").is_in(list(left_out))).sort("store")
    fit = of_stores(weeks, masters["store"])
    pairs = _paired(matching.looks(fit, main), masters, main, plan, left_out)
    left_out |= _not_taken(masters, pairs)
    return Design(
        origin,
        plan,
        first,
        last,
        pairs,
        tuple(LeftOut(store, reason) for store, reason in sorted(left_out.items())),
        _balance(matching.looks(fit, main), pairs, plan.seed),
        detectable(fit, _strata_of(pairs), main, plan.weeks),
        _shared(masters, pairs),
    )


def _asked(store_weeks: pl.DataFrame, plan: Plan) -> tuple[Outcome, date, date]:
    """The main outcome and the weeks before the trial; UsageError where the plan asks for what is not there."""
    if plan.stores is not None and plan.share is not None:
        raise UsageError("a number of stores and a share of them were asked for; give one of the two")
    if unknown := [key for key in plan.within if key not in STRATA]:
        raise UsageError(f"pairs cannot be made within {unknown[0]!r}; within {', '.join(STRATA)} they can")
    last: Any = store_weeks["week"].max()
    if last is None:
        raise UsageError("no week of any store is final yet; condition some weeks with `fleetcast run` first")
    told = {outcome.name: outcome for outcome in measurable(store_weeks)}
    if plan.outcome not in OUTCOMES:
        raise UsageError(f"no outcome {plan.outcome!r}; there are {', '.join(OUTCOMES)}")
    if plan.outcome not in told:
        raise UsageError(f"{plan.outcome} cannot be told, for no prices are known; take {', '.join(told)}")
    first = last - (plan.history - 1) * WEEK
    known = (last - store_weeks["week"].min()).days // 7 + 1
    if known < plan.history:
        raise UsageError(
            f"only {known} weeks are known, not {plan.history}; ask for --history {known} or fewer"
        )
    return told[plan.outcome], first, last


def _unfit(weeks: pl.DataFrame, stores: pl.DataFrame, first: date, last: date, plan: Plan) -> dict[str, str]:
    """Stores that cannot take part, with the first reason that holds."""
    busy = weeks.filter(pl.col("delivered") > 0).group_by("store").len("busy")
    ends = last + (plan.weeks + 1) * WEEK - timedelta(days=1)
    closed, enough = pl.col("closed"), _BUSY * weeks["week"].n_unique()
    reasons = {
        "named_by_hand": pl.col("store").is_in(plan.without),
        "opened_later": pl.col("opened") > first + timedelta(days=6),
        "closed": closed <= last,
        "closes_soon": closed <= ends,
        "few_deliveries": pl.col("busy").fill_null(0) < enough,
    }
    known = stores.filter(closed.is_null() | (closed > first)).join(busy, on="store", how="left")
    if strangers := sorted(set(plan.without) - set(stores["store"])):
        raise UsageError(f"there is no store {', '.join(map(repr, strangers))} to leave out")
    found = known.select(
        "store",
        pl.coalesce(pl.when(holds).then(pl.lit(reason)) for reason, holds in reasons.items()).alias("reason"),
    )
    gone = stores.filter(closed <= first).select("store", pl.lit("closed").alias("reason"))
    nobody = weeks.select("store", pl.lit("no_master_data").alias("reason")).unique()
    strays = nobody.join(stores, on="store", how="anti")
    return dict(pl.concat([found.drop_nulls(), gone, strays]).iter_rows())


def _paired(
    looks: pl.DataFrame, masters: pl.DataFrame, main: Outcome, plan: Plan, left_out: Mapping[str, str]
) -> tuple[Pair, ...]:
    """Pairs in the order of their stores' names, and the coin of each."""
    strata = _strata(masters, plan)
    most = _wanted(masters.height, plan)
    apart = matching.distances(looks, main)
    names = looks["store"].to_list()
    found = sorted(matching.in_strata(apart, strata, most))
    if most is not None and most < chance.FEWEST:
        raise UsageError(_too_small(most, plan))
    wanted = max(chance.FEWEST, most or 0)
    if len(found) < wanted:
        raise UsageError(_too_few(len(found), wanted, masters.height, left_out))
    heads = np.random.default_rng(plan.seed).integers(0, 2, size=len(found)).astype(bool)
    return tuple(
        Pair(
            number,
            strata[a],
            names[a] if coin else names[b],
            names[b] if coin else names[a],
            round(float(apart[a, b]), 6),
        )
        for number, ((a, b), coin) in enumerate(zip(found, heads, strict=True), start=1)
    )


def _wanted(fit: int, plan: Plan) -> int | None:
    if plan.share is not None:
        return int(plan.share * fit) // 2
    return None if plan.stores is None else plan.stores // 2


def _too_small(pairs: int, plan: Plan) -> str:
    least = f"--stores {2 * chance.FEWEST} or more" if plan.share is None else "a larger --share"
    stores = 2 * pairs if plan.stores is None else plan.stores
    return (
        f"{stores} stores make {pairs} {'pair' if pairs == 1 else 'pairs'}, and fewer than {chance.FEWEST} tell nothing"
        f" from chance; ask for {least}"
    )


def _too_few(found: int, wanted: int, fit: int, left_out: Mapping[str, str]) -> str:
    reasons = sorted(set(left_out.values()))
    counted = ", ".join(f"{list(left_out.values()).count(reason)} {reason}" for reason in reasons)
    return (
        f"{fit} stores could take part and make {found} pairs; {wanted} pairs are needed"
        f" ({chance.FEWEST} at least, for fewer tell nothing from chance)"
        f"{f'. Left out: {counted}' if counted else ''}.\n"
        "Ask for fewer --stores, a shorter --history, or pairs --within fewer keys."
    )


def _strata(masters: pl.DataFrame, plan: Plan) -> list[str]:
    if not plan.within:
        return ["all"] * masters.height
    return masters.select(pl.concat_str(plan.within, separator="/")).to_series().to_list()


def _not_taken(masters: pl.DataFrame, pairs: Sequence[Pair]) -> dict[str, str]:
    taken = {store for pair in pairs for store in (pair.pilot, pair.control)}
    free = [store for store in masters["store"] if store not in taken]
    return dict.fromkeys(free, "no_pair")


def _balance(looks: pl.DataFrame, pairs: Sequence[Pair], seed: int) -> tuple[Balance, ...]:
    pilots, controls = {pair.pilot for pair in pairs}, {pair.control for pair in pairs}
    taking_part = looks.filter(pl.col("store").is_in([*pilots, *controls]))
    pilot = taking_part["store"].is_in(list(pilots)).to_numpy()
    lots = np.random.default_rng(seed).permuted(np.tile(pilot, (_DRAWS, 1)), axis=1)
    found = []
    for feature in matching.levels_of(looks):
        values = taking_part[feature].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        known = np.isfinite(values)
        if not (known & pilot).any() or not (known & ~pilot).any():
            continue
        middle, spread = values[known].mean(), values[known].std() or 1.0
        scaled = np.where(known, (values - middle) / spread, 0.0)
        by_lot = np.abs(np.where(lots, scaled, 0).sum(1) - np.where(lots, 0, scaled).sum(1)) / pilot.sum()
        mean, other = float(values[known & pilot].mean()), float(values[known & ~pilot].mean())
        found.append(Balance(feature, mean, other, float((mean - other) / spread), float(by_lot.mean())))
    return tuple(found)


def _strata_of(pairs: Sequence[Pair]) -> dict[str, str]:
    return {store: pair.stratum for pair in pairs for store in (pair.pilot, pair.control)}


def _shared(masters: pl.DataFrame, pairs: Sequence[Pair]) -> int:
    where = dict(masters.select("store", "postal_code").iter_rows())
    return len({where[pair.pilot] for pair in pairs} & {where[pair.control] for pair in pairs})

"""The walk through the rounds, oldest first: each fit goes on from the one before, tuned by errors known at its origin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design, Examples
from fleetcast.models.lasso import no_costs
from fleetcast.models.recipes import Door
from fleetcast.rounds.subject import Subject, TooLittleError

LONGEST_CHAIN = 8  # warm starts in a row; then a network is trained from the beginning again
KIND = "chain"

T = TypeVar("T")


class Fit(Protocol):
    """Trains a subject on examples as known at an origin."""

    def __call__(
        self, examples: Examples, *, origin: date, warm: Any | None, tuning: pl.DataFrame | None
    ) -> Any: ...


@dataclass(frozen=True)
class Round:
    """A fit at a past origin, and what it was asked there."""

    origin: date
    design: Design
    ahead: Examples
    fitted: Any


@dataclass(frozen=True)
class Unjudged:
    """The choices of a round, and the horizons whose weeks were not final yet."""

    origin: date
    fitted: Any
    horizons: tuple[int, ...]


@dataclass(frozen=True)
class Walk:
    """How far the rounds have come: the newest fit, how many warm starts it stands on, the errors so far."""

    origin: date | None
    fitted: Any | None
    began: date | None  # origin of the fit that started from nothing
    length: int
    stream: pl.DataFrame  # origin, and what the alphas cost there, horizon by horizon
    unjudged: tuple[Unjudged, ...] = ()

    @classmethod
    def resumed(cls, chain: Dumped | None, load: Callable[[Dumped], Any]) -> "Walk":
        """The walk that was dumped; without one, the beginning."""
        if chain is None:
            return cls(None, None, None, 0, pl.DataFrame(schema=_STREAM))
        meta = cast(Mapping[str, Any], chain.meta)
        own = {
            name: array for name, array in chain.arrays.items() if not name.startswith((_PREFIX, _WAITING))
        }
        return cls(
            newest(chain),
            load(Dumped(meta["kind"], own, meta["model"])),
            date.fromisoformat(meta["began"]),
            int(meta["length"]),
            _loaded(chain),
            tuple(_waiting(chain, place, load) for place in range(len(meta["unjudged"]))),
        )

    @property
    def warm(self) -> Any | None:
        """What the next network starts from; None when it has to start afresh."""
        return self.fitted if self.length < LONGEST_CHAIN else None

    @property
    def ended(self) -> "Walk":
        """The same walk, whose next network is trained from the beginning."""
        return replace(self, length=LONGEST_CHAIN)

    def looking(self, subject: Subject, design: Design) -> "Walk":
        """Judge the rounds by what has become final, as the panel knows it: at an origin nobody knew better."""
        panel = design.panel
        final = subject.final(panel.weeks[panel.cutoff])
        stream, still = [self.stream], []
        for one in self.unjudged:
            due = tuple(h for h in one.horizons if one.origin + h * WEEK <= final)
            if due:
                costs = one.fitted.tuning(subject.judged(design, one.origin, due))
                stream.append(_dated(costs, one.origin))
            if rest := tuple(h for h in one.horizons if h not in due):
                still.append(replace(one, horizons=rest))
        return replace(self, stream=pl.concat(stream), unjudged=tuple(still))

    def tuning(self, subject: Subject, origin: date) -> pl.DataFrame | None:
        """What the alphas cost, horizon by horizon in the newest rounds, in weeks that were final at the origin."""
        known = self.stream.filter(_known(subject, origin)).filter(_newest(subject.settings.training.rounds))
        return known.drop("origin") if known.height else None

    def after(self, subject: Subject, made: Round, door: Door[Any]) -> "Walk":
        """One round further; errors too old for any later origin are dropped."""
        known, recent = _known(subject, made.origin), _newest(subject.settings.training.rounds)
        stream = pl.concat([self.stream.filter(~known), self.stream.filter(known).filter(recent)])
        fresh = self.warm is None
        waiting = self.unjudged
        if door.scout is not None:  # it has choices
            waiting += (Unjudged(made.origin, made.fitted.choices(), made.design.panel.horizons),)
        return Walk(
            made.origin,
            made.fitted,
            made.origin if fresh else self.began,
            0 if fresh else self.length + 1,
            stream,
            waiting,
        )

    def record(self, subject: Subject, now: Design) -> dict[str, Any]:
        """What the lineage says of a fit that was the next step of this walk."""
        warm = self.warm is not None
        return {
            "seed": subject.seed,
            "net_engine": subject.settings.training.net_engine,
            "features": now.digest,
            "p": len(now.names),
            "full_fit": str(self.began if warm else now.panel.weeks[now.panel.cutoff]),
            "warm_starts": self.length + 1 if warm else 0,
            "chain": f"{subject.name}#chain",
        }

    def dump(self) -> Dumped:
        """The newest fit, the errors so far, and the choices that are not judged yet."""
        model = self.fitted.dump() if self.fitted is not None else Dumped("")
        waiting = [one.fitted.dump() for one in self.unjudged]
        numbers = self.stream.with_columns(
            pl.col("origin").to_physical(), pl.col("loss").rank("dense").cast(pl.Int64) - 1
        )
        return Dumped(
            KIND,
            {
                **model.arrays,
                **{f"{_PREFIX}{name}": numbers[name].to_numpy() for name in numbers.columns},
                **{
                    f"{_WAITING}{place}/{name}": array
                    for place, one in enumerate(waiting)
                    for name, array in one.arrays.items()
                },
            },
            {
                "kind": model.kind,
                "model": model.meta,
                "origin": str(self.origin),
                "began": str(self.began),
                "length": self.length,
                "losses": self.stream["loss"].unique().sort().to_list(),
                "unjudged": [
                    {
                        "origin": str(one.origin),
                        "horizons": list(one.horizons),
                        "kind": dumped.kind,
                        "model": dumped.meta,
                    }
                    for one, dumped in zip(self.unjudged, waiting, strict=True)
                ],
            },
        )


def newest(chain: Dumped) -> date:
    """The origin of the newest round that a chain stands on."""
    return date.fromisoformat(str(chain.meta["origin"]))


def walked(
    subject: Subject,
    earlier: Mapping[date, Design],
    walk: Walk,
    fit: Fit,
    door: Door[Any],
    *,
    each: Callable[[Round], T],
) -> tuple[list[T], Walk]:
    """What `each` makes of the rounds at these origins, and the walk up to the newest; one design is asked for at a time."""
    found = []
    for origin in sorted(earlier):
        made, walk = stepped(subject, earlier[origin], walk, fit, door)
        if made is not None:
            found.append(each(made))
    return found, walk


def stepped(
    subject: Subject, design: Design, walk: Walk, fit: Fit, door: Door[Any]
) -> tuple[Round | None, Walk]:
    """The step that `taken` takes; no round, and the walk as it was, where there was too little to learn from."""
    try:
        return taken(subject, design, walk, fit, door)
    except TooLittleError:
        return None, walk


def taken(subject: Subject, design: Design, walk: Walk, fit: Fit, door: Door[Any]) -> tuple[Round, Walk]:
    """The round at a design's cutoff, and the walk one step further."""
    fitted, walk = fitted_at(subject, design, walk, fit, door)
    made = Round(design.panel.weeks[design.panel.cutoff], design, subject.ahead(design), fitted)
    return made, walk.after(subject, made, door)


def alone(train: Callable[..., Any], seed: int) -> Fit:
    """A recipe's `fit` or `pool` as the step of a walk, which is the same at every origin."""

    def fit(examples: Examples, *, origin: date, warm: Any | None, tuning: pl.DataFrame | None) -> Any:  # noqa: ARG001
        return train(examples, seed=seed, warm=warm, tuning=tuning)

    return fit


def fitted_at(subject: Subject, design: Design, walk: Walk, fit: Fit, door: Door[Any]) -> tuple[Any, Walk]:
    """The fit at a design's cutoff, and the walk with all that was known there."""
    origin = design.panel.weeks[design.panel.cutoff]
    walk = walk.looking(subject, design)
    tuning = walk.tuning(subject, origin)
    if tuning is None:
        walk = replace(walk, stream=pl.concat([walk.stream, scouted(subject, design, door)]))
        tuning = walk.tuning(subject, origin)
    train = subject.examples(design)
    return fit(train, origin=origin, warm=walk.warm, tuning=tuning), walk


def scouted(subject: Subject, design: Design, door: Door[Any]) -> pl.DataFrame:
    """Errors to begin with: of a quick fit up to some weeks before the last final one, in the weeks after it.

    Everything is as known at the design's cutoff. A subject too young for that begins without.
    """
    panel, nothing = design.panel, pl.DataFrame(schema=_STREAM)
    if door.scout is None:
        return nothing
    settings = subject.settings.training
    last = panel.cutoff - subject.settings.demand.returns_weeks
    until = last - settings.rounds
    try:
        train = subject.examples(design, last=until)
    except TooLittleError:
        return nothing
    fitted = door.scout(settings).fit(train, seed=subject.seed)
    later = design.examples(rows=subject.rows(panel), first=until + 1, last=last, training=True)
    found = [nothing]
    for week in np.unique(later.week):
        costs = fitted.tuning(later.take(later.week == week))
        found += [_dated(costs.filter(horizon=h), panel.weeks[week] - h * WEEK) for h in panel.horizons]
    return pl.concat(found)


_PREFIX, _WAITING = "stream/", "unjudged/"
_STREAM = pl.Schema({"origin": pl.Date()} | dict(no_costs().schema))


def _dated(costs: pl.DataFrame, origin: date) -> pl.DataFrame:
    return costs.select(pl.lit(origin).alias("origin"), pl.all()).cast(dict(_STREAM))  # type: ignore[arg-type]


def _known(subject: Subject, origin: date) -> pl.Expr:
    """Errors in weeks that were final at an origin."""
    return pl.col("origin") + pl.duration(weeks=pl.col("horizon")) <= subject.final(origin)


def _newest(rounds: int) -> pl.Expr:
    """Of each horizon, the errors of its newest rounds."""
    return pl.col("origin").rank("dense", descending=True).over("horizon") <= rounds


def _loaded(chain: Dumped) -> pl.DataFrame:
    losses = pl.Series(cast(list[str], chain.meta["losses"]), dtype=pl.String)
    numbers = pl.DataFrame({name: chain.arrays[f"{_PREFIX}{name}"] for name in _STREAM.names()})
    return numbers.with_columns(
        pl.col("origin").cast(pl.Int32).cast(pl.Date), losses.gather(numbers["loss"]).alias("loss")
    ).cast(dict(_STREAM))  # type: ignore[arg-type]


def _waiting(chain: Dumped, place: int, load: Callable[[Dumped], Any]) -> Unjudged:
    told, prefix = chain.meta["unjudged"][place], f"{_WAITING}{place}/"  # type: ignore[index]
    arrays = {
        name.removeprefix(prefix): array for name, array in chain.arrays.items() if name.startswith(prefix)
    }
    fitted = load(Dumped(told["kind"], arrays, told["model"]))
    return Unjudged(date.fromisoformat(told["origin"]), fitted, tuple(told["horizons"]))

"""Variants: a contender that does without something, knows the weather that came, or is trained by other settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

import polars as pl

from fleetcast.backtesting.contenders import PLAIN, Contender, Trained
from fleetcast.backtesting.origin import Donor
from fleetcast.backtesting.peers import NAME as LIGHTGBM
from fleetcast.backtesting.peers import LightGBM
from fleetcast.backtesting.replay import Entry, View
from fleetcast.domain.errors import UsageError
from fleetcast.domain.history import History
from fleetcast.domain.versions import digest_of
from fleetcast.models import recipes
from fleetcast.settings import Settings, TrainingSettings

LONG_BEFORE = timedelta(days=800)  # further ahead than any horizon: known at every origin


@dataclass(frozen=True)
class Setup:
    """A contender by name, and in what it differs from the workspace's settings."""

    contender: str
    without: tuple[str, ...] = ()  # weather, events, returns, or covariate tables
    observed_weather: bool = False  # as if the weather that came had been forecast
    training: Mapping[str, object] = field(
        default_factory=dict
    )  # settings of training in place of the workspace's

    @property
    def plain(self) -> bool:
        """Whether it is the contender as it is, and no variant of it."""
        return self == Setup(self.contender)

    @property
    def name(self) -> str:
        """What it is shown as.

        >>> Setup("weekly", without=("weather", "shoppers")).name
        'weekly without weather, shoppers'
        """
        without = f" without {', '.join(self.without)}" if self.without else ""
        observed = " with the weather that came" if self.observed_weather else ""
        changed = ", ".join(f"{key}={value}" for key, value in sorted(self.training.items()))
        return f"{self.contender}{without}{observed}" + (f" ({changed})" if changed else "")


def entries(
    setups: Sequence[Setup],
    history: History,
    settings: Settings,
    *,
    donors: Mapping[str, Donor] = MappingProxyType({}),
    elsewhere: Callable[[str], History] | None = None,
) -> list[Entry]:
    """The setups as entries of a replay; those that see the same share their features.

    Young segments start from their `donors`, of whose partitions `elsewhere` says what is known.
    """
    views: dict[str, View] = {}
    made = []
    for setup in setups:
        seen = settings_of(setup, settings)
        key = digest_of(
            {
                "settings": seen.model_dump(mode="json", by_alias=True),
                "without": sorted(setup.without),
                "weather": setup.observed_weather,
            }
        )
        if key not in views:
            past, beside = _seen(setup, history), _beside(setup, elsewhere) if elsewhere is not None else None
            views[key] = View(seen, lambda _, past=past: past, donors, beside)  # type: ignore[misc]
        made.append(Entry(setup.name, contender(setup.contender), views[key]))
    return made


def contender(name: str) -> Contender:
    """A recipe, an average or a peer by its name."""
    if name in PLAIN:
        return PLAIN[name]
    if name == LIGHTGBM:
        return LightGBM()
    if name not in recipes.names():
        raise UsageError(f"no contender {name!r}: there are {', '.join(names())}")
    return Trained(name)


def names() -> list[str]:
    """All that a backtest can compare."""
    return [*recipes.names(), LIGHTGBM, *PLAIN]


def settings_of(setup: Setup, settings: Settings) -> Settings:
    """The settings a contender reads the past with."""
    training = TrainingSettings.model_validate(_merged(settings.training.model_dump(), setup.training))
    removable = {"weather", "events", "returns", *settings.covariates}
    unknown = [name for name in setup.without if name not in removable]
    if unknown:
        raise UsageError(
            f"nothing called {unknown[0]!r} can be left out: there are {', '.join(sorted(removable))}"
        )
    off = dict.fromkeys({"weather", "events"} & set(setup.without), False)
    training = training.model_copy(update={"features": training.features.model_copy(update=dict(off))})
    covariates = {name: spec for name, spec in settings.covariates.items() if name not in setup.without}
    demand = settings.demand
    if "returns" in setup.without:
        demand = demand.model_copy(update={"returns_weeks": 0})
    return settings.model_copy(update={"training": training, "covariates": covariates, "demand": demand})


def _merged(base: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """`changes` over `base`; a key `features.lags` reaches into the branch `features`."""
    merged = dict(base)
    for key, value in changes.items():
        branch, dot, rest = key.partition(".")
        if not dot:
            merged[branch] = value
            continue
        inner = merged.get(branch)
        merged[branch] = _merged(inner if isinstance(inner, Mapping) else {}, {rest: value})
    return merged


def _seen(setup: Setup, history: History) -> History:
    """The history without what is left out."""
    covariates = {name: frame for name, frame in history.covariates.items() if name not in setup.without}
    seen = replace(history, covariates=covariates)
    if "returns" in setup.without:
        seen = replace(seen, returns=history.returns.clear())
    if setup.observed_weather:
        seen = replace(seen, weather=_as_if_foreseen(history.weather))
    return seen


def _beside(setup: Setup, elsewhere: Callable[[str], History]) -> Callable[[str], History]:
    return lambda partition: _seen(setup, elsewhere(partition))


def _as_if_foreseen(weather: pl.DataFrame) -> pl.DataFrame:
    """Each observed day also as a forecast that was issued long before."""
    observed = weather.filter(pl.col("kind") == "observed")
    early = pl.col("date").cast(pl.Datetime("us", "UTC")) - LONG_BEFORE
    foreseen = observed.with_columns(
        pl.lit("forecast").alias("kind"), early.alias("issued_at"), early.alias("known_at")
    )
    return pl.concat([observed, foreseen])

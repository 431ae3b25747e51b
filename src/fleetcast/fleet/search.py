"""The search for training settings: budgeted, resumable, judged by replays of the past and confirmed on later ones."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from fleetcast.backtesting import comparing
from fleetcast.backtesting.comparing import Difference
from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.seeds import seed
from fleetcast.domain.versions import digest_of
from fleetcast.domain.week import WEEK
from fleetcast.fleet import backtests
from fleetcast.fleet.backtests import Request
from fleetcast.fleet.progress import Progress, Silent
from fleetcast.fleet.steps import Steps
from fleetcast.ledger.experiments import Experiment
from fleetcast.models import recipes
from fleetcast.workspace import Workspace

if TYPE_CHECKING:
    import optuna

KIND = "search"
HELD_BACK = 4  # newest windows, of whose weeks no trial forecasts any: they confirm the winner


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting of training and the values it may take, in their order; `whole` ones may take all between two."""

    setting: str
    values: tuple[Any, ...]
    whole: bool = False


SPACE = (
    Choice("passes", (1, 6), whole=True),
    Choice("net_members", (1, 3), whole=True),
    Choice("net_visits", (12_288, 24_576, 49_152, 98_304)),
    Choice("window_weeks", (None, 156, 104)),
    Choice("features.harmonics", (0, 6), whole=True),
    Choice("features.interactions", (True, False)),
    Choice("features.lags", ((0, 1), (0, 1, 2, 3), (0, 1, 2, 3, 4, 5, 6, 7))),
    Choice("features.windows", ((4, 13, 52), (4, 8, 13, 26, 52), (2, 4, 8, 13, 26, 52))),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the space and its MAPE over the windows of the search."""

    number: int
    settings: Mapping[str, Any]
    mape: float


@dataclass(frozen=True)
class SearchReport:
    """What a search found. `confirmed`: the winner less the present settings on windows that no trial saw."""

    id: str
    recipe: str
    trials: tuple[Trial, ...]
    best: Trial
    present: float  # MAPE of the present settings over the windows of the search
    confirmed: Difference | None
    resumed: int  # trials that were done before
    out_of_time: bool
    seconds: float


def search(
    w: Workspace, request: Request, *, trials: int, minutes: float | None, progress: Progress, actor: str
) -> SearchReport:
    """Try so many points of the space, at most so long; a search that was cut off goes on where it stopped.

    The present settings are the first trial. The space, every trial and the winner are kept as an experiment.
    """
    began = time.monotonic()
    optuna = _installed()
    recipe = (request.contenders or (w.settings.training.recipe,))[0]
    if recipe not in recipes.names():
        raise UsageError(
            f"{recipe!r} is no recipe, so it has no settings; there are {some(recipes.names(), recipe)}"
        )
    shown = replace(request, contenders=(recipe,), without=(), observed_weather=False)
    newest = backtests.plan(w, shown)
    last = last_searched(newest.windows[-1], step=request.step, horizons=newest.horizons)
    searched = replace(shown, last=last)
    spec = {
        "recipe": recipe,
        "space": [asdict(choice) for choice in SPACE],
        "question": backtests.plan(w, searched).digest,
        "trials": trials,
    }
    asked = digest_of({"kind": KIND, "spec": spec})
    root = seed(w.settings.training.seed, "search", recipe)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=root))
    steps = Steps(f"search {asked}", w.ledger, w.bank)

    done: list[Trial] = []
    progress.stage("search", trials)
    while len(done) < trials and not (minutes and done and time.monotonic() - began > 60 * minutes):
        point = study.ask()
        drawn = {} if not done else {choice.setting: _drawn(point, choice) for choice in SPACE}
        mape = steps.once(
            "trial",
            {"settings": drawn},
            lambda drawn=drawn: _mape(w, replace(searched, training=drawn), actor),  # type: ignore[misc]
            part=f"{len(done):04d}",
        ).result
        study.tell(point, mape)
        done.append(Trial(len(done), drawn, mape))
        progress.advance("search", f"{100 * min(trial.mape for trial in done):.2f} %")
    best = min(done, key=lambda trial: (trial.mape, trial.number))
    confirmed = _confirm(w, replace(shown, windows=HELD_BACK), best, actor) if best.settings else None
    progress.done("search", f"{len(done)} trials")
    report = SearchReport(
        asked,
        recipe,
        tuple(done),
        best,
        done[0].mape,
        confirmed,
        steps.taken_over,
        len(done) < trials,
        time.monotonic() - began,
    )
    if not report.out_of_time:
        _keep(w, report, spec, actor)
    return report


def last_searched(newest: date, *, step: int, horizons: Sequence[int]) -> date:
    """The newest origin of a trial when `newest` is that of a backtest: it forecasts no week that the held-back windows do."""
    oldest_held_back = newest - (HELD_BACK - 1) * step * WEEK
    return oldest_held_back - max(horizons) * WEEK


def _mape(w: Workspace, request: Request, actor: str) -> float:
    """MAPE of the recipe with a trial's settings."""
    asked = replace(request, varied_alone=True)
    report = backtests.backtest(w, asked, progress=Silent(), actor=actor)
    found = report.figures[0]["mape"]
    if found is None:
        raise UsageError("no forecast of these windows can be scored: nothing was sold; choose others")
    return float(found)


def _confirm(w: Workspace, request: Request, best: Trial, actor: str) -> Difference:
    asked = replace(request, training=best.settings)
    report = backtests.backtest(w, asked, progress=Silent(), actor=actor)
    present, winner = (setup.name for setup in backtests.setups(asked, w.settings.training.recipe)[:2])
    rounds = backtests.rows(w, w.ledger.experiments(begins=report.id)[0])
    return comparing.difference(rounds, winner, present, seed=backtests.draws(w))


def _keep(w: Workspace, report: SearchReport, spec: Mapping[str, Any], actor: str) -> None:
    summary = {
        "mape": report.best.mape,
        "present": report.present,
        "best": dict(report.best.settings),
        "confirmed": asdict(report.confirmed) if report.confirmed else None,
        "trials": [asdict(trial) for trial in report.trials],
    }
    name = f"{report.recipe}: {len(report.trials)} trials"
    w.ledger.keep_experiment(Experiment(report.id, w.clock(), actor, KIND, name, spec, summary, ""))


def _drawn(point: "optuna.Trial", choice: Choice) -> Any:
    if choice.whole:
        return point.suggest_int(choice.setting, *choice.values)
    index = point.suggest_categorical(choice.setting, list(range(len(choice.values))))
    return choice.values[int(index)]


def _installed() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            "Optuna is not installed, and searches need it: pip install 'fleetcast[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna

"""The chain of four regions whose year is played: its workspace, its files as they come in, and its cycles."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from fleetcast import workspace
from fleetcast.domain.week import WEEK, known_by
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import CycleReport
from fleetcast.fleet.run import run_cycle
from fleetcast.sources.sample import Retailer, demo, simulate
from fleetcast.sources.sample.mishaps import letters
from fleetcast.sources.sample.reports import READY_DAYS
from fleetcast.sources.sample.scenario import happened
from fleetcast.sources.sample.troubles import Trouble
from fleetcast.testing.planted import planted
from fleetcast.workspace import Workspace

REGIONS = ("oklahoma", "louisiana", "tennessee", "ohio-valley")  # each sends files in a layout of its own
SIZE = {"stores": 4, "products": 16}  # in each region: few stores, so that a year takes minutes
HISTORY = 120  # weeks before the first cycle
OPERATOR = "operator"
ONE_WEEK = Path(__file__).with_name("one_week.py")

# Monthly retraining, so that there are decisions not to retrain: what an alarm asks for does not wait for the month.
SETTINGS = """
[retraining]
every_weeks = 4

[execution]
engine = "serial"
"""


@dataclass(frozen=True)
class Chain:
    """A folder with the workspace, and the retailer with all that is going to happen to it."""

    folder: Path
    retailer: Retailer
    troubles: Sequence[Trouble]
    first: date

    def at(self, week: date, *, later: timedelta = timedelta(0)) -> Workspace:
        """The workspace as it is opened when a week is looked at, or later."""
        moment = known_by(week, READY_DAYS) + later
        return workspace.open(self.folder, clock=lambda: moment)

    def receive(self, week: date) -> None:
        """What is sent in a week lies in the data folder."""
        for letter in letters(self.retailer, week, self.troubles, first=week == self.first):
            letter.deliver(self.folder / "data")

    def run(self, week: date) -> CycleReport:
        """The week's cycle, with what befalls whoever runs it."""
        kinds = {trouble.kind: trouble for trouble in self.troubles if trouble.week == week}
        if "bad_model" in kinds:
            self._plant(kinds["bad_model"])
        if "killed" in kinds:
            self._killed(week)
            return self._cycle(week, timedelta(hours=1))
        if "two_schedulers" in kinds:
            self._two_at_once(week)
        return self._cycle(week)

    def _cycle(self, week: date, later: timedelta = timedelta(0)) -> CycleReport:
        return run_cycle(self.at(week, later=later), progress=Silent(), actor=OPERATOR)

    def _plant(self, trouble: Trouble) -> None:
        """Somebody with the stores in hand makes a model of their own live, the day before."""
        w = self.at(trouble.week, later=-timedelta(days=1))
        live = w.ledger.pointer()
        release = planted(w, trouble.by, trouble.subject)
        w.registry.releases.promote(release.id, actor="eve", reason="trust me", expected=live)

    def _killed(self, week: date) -> None:
        """A scheduler is killed when it begins to score."""
        one = self._scheduler(week, "first")
        _until(one, "ready")
        _go(one)
        _until(one, "score")
        one.kill()
        one.wait()

    def _two_at_once(self, week: date) -> None:
        """A second scheduler wants the week while the first is at it."""
        one, other = (self._scheduler(week, name) for name in ("first", "second"))
        for scheduler in (one, other):
            _until(scheduler, "ready")
        _go(one)
        _until(one, "receive")
        _go(other)
        for scheduler in (one, other):
            scheduler.communicate()

    def _scheduler(self, week: date, name: str) -> subprocess.Popen[str]:
        moment = known_by(week, READY_DAYS)
        return subprocess.Popen(
            [sys.executable, ONE_WEEK, self.folder, moment.isoformat(), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def drawn(seed: int, *, regions: Sequence[str], weeks: int) -> Retailer:
    """The retailer of a seed, without troubles, over the history and the year."""
    return simulate(weeks=HISTORY + weeks, seed=seed, erratic=None, **SIZE).only(regions)


def opened(folder: Path, retailer: Retailer, troubles: Sequence[Trouble], *, weeks: int) -> Chain:
    """A new workspace in an empty folder; its first files have come in."""
    first = retailer.last - (weeks - 1) * WEEK
    chain = Chain(folder, happened(retailer, troubles), troubles, first)
    demo.template(folder)
    chain.receive(first)
    settings = folder / demo.SETTINGS
    settings.write_text(demo.with_files(settings.read_text("utf-8"), folder) + SETTINGS, "utf-8")
    return chain


def _go(scheduler: subprocess.Popen[str]) -> None:
    scheduler.stdin.write("go\n")
    scheduler.stdin.flush()


def _until(scheduler: subprocess.Popen[str], word: str) -> None:
    """Wait until it has told this."""
    for line in scheduler.stdout:
        if line.strip() == word:
            return
    raise RuntimeError(f"a scheduler ended with {scheduler.wait()} before it came to {word!r}")

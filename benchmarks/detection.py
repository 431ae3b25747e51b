"""How soon alarms find errors that grew, how often they are false, and how often a drift is told of where there is none.

Weekly errors are simulated as they are in backtests, and judged by the product. Run it: python benchmarks/detection.py.
The last line is one JSON object; rates and errors are percent unless their name says otherwise.
"""

import argparse
import json
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK, weeks
from fleetcast.monitoring.degradation import Degradation, degradation
from fleetcast.monitoring.drift import Drift, drift
from fleetcast.monitoring.histograms import Bins, histograms
from fleetcast.settings import MonitoringSettings

Floats = npt.NDArray[np.float64]

SEED = 2026
SEGMENTS = 56  # half of them fast
CHANGE = 0.12  # of a MAPE
LAST = date(2026, 11, 16)
SOON = 4  # weeks, within which a change is to be found
MOST = 12  # weeks it is looked for
FALSE_ALARMS = 0.3  # bar: a week over the fleet
FOUND = 0.9  # bar: share of changes found soon
NOMINAL = (0.05, 0.01)
SAMPLES = (50, 300, 1000)  # rows in the newest weeks
NAMES = [f"segment {number:02d}" for number in range(SEGMENTS)]
SETTINGS = MonitoringSettings()


@dataclass(frozen=True)
class Process:
    """How the weekly errors of a fleet's segments behave: logs of MAPE around a level of their own."""

    levels: tuple[float, float]  # of fast and of slow movers
    deviations: tuple[float, float]  # in logs, week by week
    own: float  # correlation of a segment's own errors from week to week
    common: float  # share of the deviation that all segments have in common
    common_memory: float  # its correlation from week to week
    holidays: float  # deviations that each of two pairs of weeks a year adds, for all segments
    shape: float  # of the gamma law of what is left: skewness 2/√shape


# Fitted to the weekly errors of 16 segments over 120 windows, one week ahead, of the simulated retailer with 4 regions, 8
# stores, 40 products and 230 weeks (`fleetcast backtest --windows 120 --horizons 1`): levels 0.16-0.19 and 0.26-0.31, deviations
# 0.10-0.14 and 0.12-0.16, own autocorrelation 0.07, mean correlation of two segments 0.09, skewness 0.5, kurtosis 3.6.
RETAILER = Process((0.175, 0.28), (0.113, 0.142), 0.05, 0.25, 0.4, 1.1, 16)

# The same of orange juice, real sales of 11 products with deep promotions: 4 segments over 80 windows, two weeks ahead. Levels
# 0.32-0.35, deviations 0.22-0.26, autocorrelation 0.2-0.5, correlation of two segments 0.45, skewness 0.5-1.9, kurtosis 4-9.
ORANGE_JUICE = Process((0.33, 0.345), (0.232, 0.253), 0.2, 0.65, 0.5, 0.0, 3)

# Rows of a week have a shift in common, in deviations of a row: on the same retailer 0.15 of log units, with a correlation of 0.3
# from week to week, and a yearly wave of 0.2.
SHIFT, SHIFT_MEMORY, WAVE = 0.15, 0.3, 0.2


def main() -> int:
    """Simulate, judge, count."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--fleets", type=int, default=8, help="simulated fleets of each kind")
    chosen = arguments.parse_args()
    alarms = {
        "retailer": alarm_figures(RETAILER, chosen.fleets, history=60),
        "retailer_young": alarm_figures(RETAILER, chosen.fleets, history=12),
        "orange_juice": alarm_figures(ORANGE_JUICE, chosen.fleets, history=60),
    }
    drifts = {
        "one_year": drift_figures(chosen.fleets, past=56, wave=0.0),
        "three_years": drift_figures(chosen.fleets, past=160, wave=WAVE),
    }
    answer = {
        "benchmark": "detection",
        "segments": SEGMENTS,
        "fleets": chosen.fleets,
        "alarms": alarms,
        "drift": drifts,
    }
    passed = held(alarms["retailer"]) and all(nominal(one) for of in drifts.values() for one in of)
    _show(alarms, drifts)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(answer | {"passed": passed, "cpu_s": round(spent.ru_utime + spent.ru_stime, 1)}))
    return 0 if passed else 1


def held(figures: dict[str, float]) -> bool:
    """Whether alarms come soon enough, and seldom enough."""
    return figures["false_alarms_a_week"] <= FALSE_ALARMS and figures["found_in_4_weeks"] >= 100 * FOUND


def nominal(figures: dict[str, float]) -> bool:
    """Whether 5 % thresholds fire on 5 % of samples without drift, within a factor of two."""
    return 2.5 <= figures["at_5"] <= 10


# ------------------------------------------------------------------------------------------------ alarms


def alarm_figures(process: Process, fleets: int, *, history: int, watched: int = 26) -> dict[str, float]:
    """False alarms in healthy weeks, and the weeks it takes to find a change in every segment of as many fleets.

    `history` are the weeks with errors before the first week that is judged.
    """
    random = np.random.default_rng(SEED)
    opened = in_alarm = crude = 0
    found: list[int] = []
    for _ in range(fleets):
        errors = simulated(process, history + watched, random)
        states = [_alarms(errors, upto) for upto in range(history, history + watched)]
        before = [set(), *states]
        opened += sum(len(now - then) for now, then in zip(states, before, strict=False))
        in_alarm += sum(map(len, states))
        crude += int((errors[:, history:] > 0.45).any(axis=1).sum())
        found += _weeks_to_find(simulated(process, history + MOST, random), history)
    looked = fleets * watched
    weeks_to_find = np.array(found)
    return {
        "false_alarms_a_week": round(opened / looked, 3),
        "segments_in_false_alarm": round(100 * in_alarm / looked / SEGMENTS, 2),
        "weeks_to_find_median": float(np.median(weeks_to_find)),
        "weeks_to_find_p90": float(np.quantile(weeks_to_find, 0.9, method="higher")),
        "found_in_4_weeks": round(100 * float((weeks_to_find <= SOON).mean()), 1),
        "found_in_12_weeks": round(100 * float((weeks_to_find <= MOST).mean()), 1),
        "segments_once_over_45_in_half_a_year": round(100 * crude / fleets / SEGMENTS, 1),
    }


def simulated(process: Process, length: int, random: np.random.Generator) -> Floats:
    """MAPE, segments × weeks, the last column being the newest week."""
    fast = np.arange(SEGMENTS)[:, None] % 2 == 0
    level = np.where(fast, *process.levels) * np.exp(random.normal(0, 0.06, (SEGMENTS, 1)))
    deviation = np.where(fast, *process.deviations) * np.exp(random.normal(0, 0.12, (SEGMENTS, 1)))
    noise = (random.gamma(process.shape, 1, (SEGMENTS, length)) - process.shape) / np.sqrt(process.shape)
    own = np.sqrt(1 - process.common**2) * _remembered(noise, process.own)
    common = process.common * _remembered(random.normal(0, 1, (1, length)), process.common_memory)
    logs = np.log(level) + deviation * (own + common + _holidays(process, length, random))
    return np.exp(logs)


def _remembered(noise: Floats, memory: float) -> Floats:
    """An autoregression of order one with the noise's own variance."""
    found = noise.copy()
    for week in range(1, found.shape[1]):
        found[:, week] = memory * found[:, week - 1] + np.sqrt(1 - memory**2) * noise[:, week]
    return found


def _holidays(process: Process, length: int, random: np.random.Generator) -> Floats:
    """Two weeks that are the same every year, and two that move with Easter."""
    extra = np.zeros((1, length))
    for fixed in range(int(random.integers(52)), length, 52):
        for first in (fixed, fixed + 8 + int(random.integers(5))):
            extra[0, first : first + 2] = process.holidays
    return extra


def _weeks_to_find(errors: Floats, history: int) -> list[int]:
    """Of every segment not in alarm, the week after the change in which it is; one more than are looked at if it never is."""
    changed = errors.copy()
    changed[:, history:] += CHANGE
    waited = dict.fromkeys(NAMES, MOST + 1)
    for after in range(MOST, 0, -1):
        waited |= dict.fromkeys(_alarms(changed, history + after - 1), after)
    before = _alarms(changed, history - 1)
    return [after for segment, after in waited.items() if segment not in before]


def _alarms(errors: Floats, newest: int) -> set[str]:
    """The segments in alarm, as of a week by its number."""
    return {one.segment for one in judged(errors[:, : newest + 1]) if one.state == "alarm"}


def judged(mape: Floats) -> list[Degradation]:
    """What the product says of segments × weeks."""
    dates = weeks(LAST - (mape.shape[1] - 1) * WEEK, LAST)
    frame = pl.DataFrame(
        {"segment": np.repeat(NAMES, len(dates)), "week": dates * len(NAMES), "mape": mape.ravel()}
    ).with_columns(coverage=pl.lit(1.0), final=pl.lit(value=True))
    return degradation(frame, week=LAST, settings=SETTINGS, seed=SEED)


# ------------------------------------------------------------------------------------------------- drift


def drift_figures(fleets: int, *, past: int, wave: float) -> list[dict[str, float]]:
    """How often a column that did not drift is over its threshold, at each size of the newest weeks, and a drifted one."""
    random = np.random.default_rng(SEED)
    found = []
    for rows in SAMPLES:
        still = [list(_drifts(random, past, rows, wave, moved=0.0)) for _ in range(fleets)]
        moved = [
            one for _ in range(max(1, fleets // 4)) for one in _drifts(random, past, rows, wave, moved=0.5)
        ]
        p = np.array([one.p for of in still for one in of])
        crude = np.array([one.psi > 0.1 for of in still for one in of])
        found.append(
            {
                "rows": rows,
                "at_5": round(100 * float((p <= NOMINAL[0]).mean()), 1),
                "at_1": round(100 * float((p <= NOMINAL[1]).mean()), 1),
                "weeks_with_a_drift_told": round(
                    100 * float(np.mean([any(one.state == "drift" for one in of) for of in still])), 1
                ),
                "psi_over_0.1": round(100 * float(crude.mean()), 1),
                "half_a_deviation_found": round(
                    100 * float(np.mean([one.state == "drift" for one in moved])), 1
                ),
            }
        )
    return found


def _drifts(
    random: np.random.Generator, past: int, rows: int, wave: float, *, moved: float
) -> Iterator[Drift]:
    """The verdicts on one column of all segments; `moved`: by how many deviations the newest weeks are."""
    newest = SETTINGS.drift_weeks
    length, each = past + newest, max(1, rows // newest)
    common = SHIFT * _remembered(random.normal(0, 1, (SEGMENTS, length)), SHIFT_MEMORY)
    common += wave * np.sin(2 * np.pi * (np.arange(length) + random.integers(52)) / 52.18)
    common[:, -newest:] += moved
    values = np.round(20 * np.exp(0.5 * (common[..., None] + random.normal(0, 1, (SEGMENTS, length, each)))))
    dates = weeks(LAST - (length - 1) * WEEK, LAST)
    frame = pl.DataFrame(
        {
            "subject": np.repeat(NAMES, length * each),
            "week": pl.Series(dates * SEGMENTS).repeat_by(each).explode() if each > 1 else dates * SEGMENTS,
            "units": values.ravel(),
        }
    )
    bins = Bins.of(frame["units"])
    counts = histograms(
        frame, ["units"], of="demand", settled={(name, "demand.units"): bins for name in NAMES}
    )
    yield from drift([counts], week=LAST, settings=SETTINGS, seed=SEED)


def _show(alarms: dict[str, dict[str, float]], drifts: dict[str, list[dict[str, float]]]) -> None:
    """The same figures as tables, on standard error."""
    tables = [pl.DataFrame([{"process": name, **of} for name, of in alarms.items()])]
    tables += [pl.DataFrame([{"past": name, **one} for one in of]) for name, of in drifts.items()]
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_width_chars=200):
        for table in tables:
            print(table, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())

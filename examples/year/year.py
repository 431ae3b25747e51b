"""A year of the fleet on a simulated retailer, with troubles planted into it: does it notice, and only then?

The last line is one JSON object.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import chain
from judgement import Judgement, Seen, judge, seen

from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.incidents import Incident
from fleetcast.domain.week import WEEK, label
from fleetcast.fleet import incidents
from fleetcast.fleet.report import CycleReport
from fleetcast.sources.sample import Retailer, scenario
from fleetcast.sources.sample.troubles import Places, Trouble

SCENARIO = Path(__file__).with_name("scenario.csv")
WEEKS = 53
FALSE_ALARMS = 0.3  # a week over the fleet, at most


def play(one: chain.Chain, weeks: int) -> tuple[list[Seen], list[Incident]]:
    """Walk the weeks; what each left, and all incidents at the end."""
    year: list[Seen] = []
    known: list[Incident] = []
    for number in range(weeks):
        week = one.first + number * WEEK
        if number:
            one.receive(week)
        report = one.run(week)
        w = one.at(week)
        year.append(seen(w, week))
        before, known = known, incidents.every(w)
        print(f"w{number + 1:02d}  {_line(report, year[-1], before, known)}", flush=True)
    return year, known


def _line(report: CycleReport, left: Seen, before: Sequence[Incident], now: Sequence[Incident]) -> str:
    """One week in one line."""
    failover = sum(count for state, count in report.failover.items() if state != "champion")
    words = [
        f"{label(left.week)}  {report.series.published:4d} series",
        f"{failover:3d} failover" if failover else " " * 12,
        f"{left.retrained:2d} retrained" if left.retrained else " " * 12,
        "resumed" if report.resumed else "",
    ]
    stood = {one.id: one.standing for one in before}
    words += [f"+ {one.kind} {one.subject}" for one in reversed(now) if one.id not in stood]
    words += [
        f"- {one.kind} {one.subject}" for one in reversed(now) if stood.get(one.id) and not one.standing
    ]
    return "  ".join(words).rstrip()


def tell(judgement: Judgement, year: Sequence[Seen], first: date) -> None:
    """The troubles with what found them, and everything that is not as it has to be."""
    print("\nplanted")
    for trouble, incident in judgement.found.items():
        found = (
            f"{_number(incident.opened, first)} {incident.kind} {incident.subject}"
            if incident
            else "NOT FOUND"
        )
        print(f"  {_number(trouble.week, first)}  {trouble.kind:<14} {trouble.subject:<28} {found}")
    print(f"\nfalse alarms ({judgement.healthy:.0%} of all segments' weeks were healthy)")
    for incident in judgement.false:
        print(
            f"  {_number(incident.opened, first)}  {incident.kind:<14} {incident.subject:<28} {incident.cause}"
        )
    kinds = Counter(incident.kind for incident in judgement.false)
    print("  " + (", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"))
    for left in year:
        if left.missing:
            print(f"\nincomplete: {left.missing} series in {_number(left.week, first)}")
        if left.unexplained:
            print(f"\nno reason in {_number(left.week, first)}: {', '.join(left.unexplained)}")


def _number(week: date, first: date) -> str:
    return f"w{(week - first) // WEEK + 1:02d}"


def summary(judgement: Judgement, year: Sequence[Seen], known: Sequence[Incident]) -> dict[str, Any]:
    """The year in numbers."""
    return {
        "weeks": len(year),
        "series_weeks": sum(left.series for left in year),
        "missing": sum(left.missing for left in year),
        "planted": len(judgement.found),
        "found": sum(incident is not None for incident in judgement.found.values()),
        "false_alarms_per_week": round(len(judgement.false) / len(year), 3),
        "retrains": sum(left.retrained for left in year),
        "declined_retrains": sum(left.declined for left in year),
        "stale_reported": all(_reported(left, known) for left in year),
        "cpu_s": round(_cpu(), 1),
    }


def _reported(left: Seen, known: Sequence[Incident]) -> bool:
    """Whether each stale model of a cycle stood in the list of incidents."""
    told = {one.subject for one in known if one.kind == "stale" and one.opened <= left.week <= one.seen}
    return left.stale <= told


def _cpu() -> float:
    """Seconds of this process and of all that it started, user and system."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def kept(told: dict[str, Any], year: Sequence[Seen]) -> bool:
    """Whether the year went as it has to."""
    explained = not any(left.unexplained for left in year)
    alarms = told["false_alarms_per_week"] <= FALSE_ALARMS
    return bool(
        told["missing"] == 0
        and told["found"] == told["planted"]
        and alarms
        and told["stale_reported"]
        and explained
    )


def main() -> None:
    arguments = _arguments()
    try:
        retailer = chain.drawn(arguments.seed, regions=arguments.regions, weeks=arguments.weeks)
        first: date = retailer.last - (arguments.weeks - 1) * WEEK
        troubles = scenario.read(arguments.scenario, retailer, first=first, weeks=arguments.weeks)
    except FleetcastError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    if arguments.keep:
        arguments.keep.mkdir(parents=True)
        raise SystemExit(_year(arguments.keep, retailer, troubles, arguments.weeks))
    with tempfile.TemporaryDirectory(prefix="fleetcast-year-") as scratch:
        raise SystemExit(_year(Path(scratch) / "chain", retailer, troubles, arguments.weeks))


def _year(folder: Path, retailer: Retailer, troubles: list[Trouble], weeks: int) -> int:
    one = chain.opened(folder, retailer, troubles, weeks=weeks)
    year, known = play(one, weeks)
    judgement = judge(troubles, known, Places.of(retailer), year)
    tell(judgement, year, one.first)
    told = summary(judgement, year, known)
    print(json.dumps(told))
    return 0 if kept(told, year) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scenario", type=Path, default=SCENARIO, help="CSV of troubles: kind, week, subject"
    )
    parser.add_argument("--seed", type=int, default=2026, help="of the retailer")
    parser.add_argument("--weeks", type=int, default=WEEKS, help="of the year")
    parser.add_argument("--regions", nargs="+", default=chain.REGIONS, choices=chain.REGIONS)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave everything there; it must not be there yet"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What a trial's design and its reading look like on paper."""

import shlex
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, counted, day, figure, number, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import ILL, WELL, Place, next_steps, table, title
from fleetcast.fleet.trials import Designed, Read
from fleetcast.trial.chance import ALPHA
from fleetcast.trial.design import ALIKE, Balance, Design
from fleetcast.trial.lift import SIDES, Lift
from fleetcast.trial.reading import Finding, Reading

WORDS = {
    "returns": "returns",
    "sales": "sales a week",
    "sold_out": "sold out",
    "money": "money a week",
}
SHARES = ("returns", "sold_out")
FEATURES = WORDS | {
    "sales": "sales, log of units a week",
    "money": "money per unit delivered",
    "trend": "main outcome lately, against its level",
}


def designed(made: Designed, place: Place) -> Group:
    found = made.design
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{count(len(found.pairs))} pairs of stores", "bold"),
            f" for {found.plan.weeks} weeks, judged by {WORDS[found.plan.outcome]}; design {short(made.digest)}.",
        ),
        Text(f"Paired by {day(found.first)} to {day(found.last)}, within {_within(found)}."),
    ]
    parts += ["", title("How alike the two groups are"), _balance(found.balance)]
    if not all(line.alike for line in found.balance):
        parts.append(
            Text("What is apart before the trial is taken off when it is read; more stores leave less of it.")
        )
    parts += ["", title("What can be found"), _detectable(found)]
    if found.left_out:
        reasons = Counter(store.reason for store in found.left_out)
        told = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in sorted(reasons.items()))
        parts += ["", Text(f"Left out: {told}.")]
    if found.shared_postal_codes:
        parts.append(
            Text(
                f"Postal codes with both pilot and control stores: {count(found.shared_postal_codes)}. "
                "See that their shoppers and routes do not mix."
            )
        )
    parts += ["", Text("\n").join(Text(str(path)) for path in made.paths)]
    can_start = f"what it changed; the first week it can start on is {day(found.last + timedelta(weeks=1))}"
    settled = ("audit log --action trial.design", "who settled which design, when and why")
    following = next_steps(
        place, (f"trial read {shlex.quote(str(made.paths[0]))} --from MONDAY", can_start), settled
    )
    return Group(*parts, "", following)


def _within(found: Design) -> str:
    return " and ".join(key.replace("_", " ") for key in found.plan.within) or "all stores"


def _balance(balance: tuple[Balance, ...]) -> Table:
    rows = table("Before the trial", ">Pilot", ">Control", ">Apart, sd", ">?Without pairs", "!")
    for line in balance:
        level = share if line.feature in SHARES else _plain
        rows.add_row(
            FEATURES[line.feature],
            level(line.pilot),
            level(line.control),
            figure(line.apart, 2, gates=[ALIKE, -ALIKE], signed=True),
            f"±{line.by_chance:.2f}",
            WELL.text("alike") if line.alike else ILL.text("apart"),
        )
    return rows


def _plain(value: float) -> str:
    return figure(value, 3)


def _detectable(found: Design) -> Table:
    rows = table("Outcome", ">A change of", "is found in 8 of 10 such trials, told from")
    for line in found.detectable:
        windows = counted(line.windows, "past window")
        none = "no past window: a longer --history or fewer --weeks may have one"
        rows.add_row(WORDS[line.outcome], share(line.lift), windows if line.windows else none)
    return rows


def read(answer: Read) -> Group:
    found = answer.reading
    parts: list[RenderableType] = [_span(answer)]
    parts += [
        Text(f"{WORDS[finding.outcome]}: {finding.conclusion}.") for finding in found.findings if finding.main
    ]
    parts += ["", _findings(found)]
    if found.absences:
        parts += ["", title("Stores whose data do not reach from start to end"), _absences(found)]
    parts.append(Text("sales are in units, money as in the table prices", "dim"))
    notes = (*_weeks(found), *found.notes)
    parts += [*([""] if notes else []), *map(Text, notes)]
    return Group(*parts)


def _span(answer: Read) -> Text:
    found = answer.reading
    line = Text.assemble(
        (f"{counted(found.pairs, 'pair')}, {counted(len(found.weeks), 'week')}", "bold"),
        f" from {day(found.weeks[0])} to {day(found.weeks[-1])}; design {short(answer.digest)}",
    )
    if answer.recorded:
        return line.append(f", recorded {day(answer.recorded)} by {answer.by}.")
    unknown = ILL.text("this environment's audit log does not know that design: who says it is the one?")
    return Text("\n").join([line, unknown])


def _findings(found: Reading) -> Table:
    arms = (">?Pilot\nthen", ">Pilot\nnow", ">?Control\nthen", ">Control\nnow")
    rows = table("", *arms, ">?Difference", ">Lift", "!90 % interval", ">p", "!Before the start")
    for finding in found.findings:
        lift, (level, moved) = finding.lift, _figures(finding)
        rows.add_row(
            Text(WORDS[finding.outcome], "bold" if finding.main else ""),
            *(level(getattr(lift, side)) for side in SIDES),
            moved(lift.difference),
            share(lift.value, signed=True),
            NONE if lift.value is None else f"{_bound(lift.low)} … {_bound(lift.high)}",
            figure(lift.p, 3, gates=[ALPHA]),
            _before(finding.before),
        )
    return rows


def _figures(finding: Finding) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """How levels and a difference of them are written: shares in percent and points, sums as numbers."""
    if finding.outcome in SHARES:
        return share, lambda value: f"{figure(100 * value, 1, signed=True)} points"
    return number, lambda value: figure(value, 1, signed=True)


def _bound(value: float | None) -> str:
    return "?" if value is None else share(value, signed=True)


def _before(lift: Lift | None) -> Text:
    """The lift of the same comparison where nothing can have happened."""
    if lift is None or lift.value is None:
        return Text(NONE)
    said = share(lift.value, signed=True)
    return ILL.text(f"{said}, apart already") if lift.found else WELL.text(said)


def _absences(found: Reading) -> Table:
    rows = table(">Pair", "Store", "Arm", "Why", ">Weeks its pair counts")
    for line in found.absences:
        rows.add_row(str(line.pair), line.store, line.arm, line.reason.replace("_", " "), str(line.weeks))
    return rows


def _weeks(found: Reading) -> list[str]:
    told = []
    if found.open_weeks:
        told.append(
            f"{count(len(found.open_weeks))} weeks from {day(found.open_weeks[0])} on do not count yet: "
            "their returns may still come in."
        )
    if found.unknown_weeks:
        days = ", ".join(day(week) for week in found.unknown_weeks)
        told.append(f"Of these weeks no deliveries are known, so they do not count: {days}.")
    return told

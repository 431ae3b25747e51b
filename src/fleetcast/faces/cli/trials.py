"""What a trial's design and its reading look like on paper."""

from collections import Counter
from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, day, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import ILL, WELL, table, title
from fleetcast.fleet.trials import Designed, Read
from fleetcast.trial.design import Balance, Design
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


def designed(made: Designed) -> Group:
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
    return Group(*parts)


def _within(found: Design) -> str:
    return " and ".join(key.replace("_", " ") for key in found.plan.within) or "all stores"


def _balance(balance: tuple[Balance, ...]) -> Table:
    rows = table("Before the trial", ">Pilot", ">Control", ">Apart, sd", ">?Without pairs", "!")
    for line in balance:
        rows.add_row(
            FEATURES[line.feature],
            f"{line.pilot:.3f}",
            f"{line.control:.3f}",
            f"{line.apart:+.2f}".replace("-", "−"),
            f"±{line.by_chance:.2f}",
            WELL.text("alike") if line.alike else ILL.text("apart"),
        )
    return rows


def _detectable(found: Design) -> Table:
    rows = table("Outcome", ">A change of", "is found in 8 of 10 such trials, told from")
    for line in found.detectable:
        windows = f"{line.windows} past windows" if line.windows != 1 else "1 past window"
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
    parts += ["", *(Text(note) for note in (*_weeks(found), *found.notes))]
    return Group(*parts)


def _span(answer: Read) -> Text:
    found = answer.reading
    line = Text.assemble(
        (f"{count(found.pairs)} pairs, {count(len(found.weeks))} weeks", "bold"),
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
        lift, figure = finding.lift, _figures(finding)
        rows.add_row(
            Text(WORDS[finding.outcome], "bold" if finding.main else ""),
            *(figure(getattr(lift, side)) for side in SIDES),
            figure(lift.difference, signed=True),
            share(lift.value, signed=True),
            NONE if lift.value is None else f"{_bound(lift.low)} … {_bound(lift.high)}",
            f"{lift.p:.3f}",
            _before(finding.before),
        )
    return rows


def _figures(finding: Finding) -> Callable[..., str]:
    """How a level or a difference of levels is written: shares in percent, sums as numbers."""
    if finding.outcome in SHARES:
        return share
    return lambda value, signed=False: f"{value:{'+' if signed else ''},.1f}".replace("-", "−")


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

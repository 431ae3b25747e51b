"""The report of a delivery verb on paper."""

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.delivery.report import Report, State
from fleetcast.faces.cli.figures import short
from fleetcast.faces.cli.paper import Mark, Place, next_steps, table

if TYPE_CHECKING:
    from fleetcast.delivery.sampling import Sampled
    from fleetcast.delivery.starting import Started

SHOWN = 20  # findings of a check
MARKS: dict[State, Mark] = {
    "passed": Mark("●", "passed", "green"),
    "failed": Mark("✕", "failed", "bold red"),
    "refused": Mark("✕", "refused", "bold magenta"),
    "infrastructure": Mark("!", "could not be done", "bold magenta"),
    "skipped": Mark("–", "skipped", "dim"),
}
DIGESTS = {"artifact", "commit", "release", "tree"}

NEXT: dict[tuple[str, State], tuple[tuple[str, str], ...]] = {
    ("ci package", "passed"): (("cd validate-model --artifact {out}", "train and judge with it"),),
    ("ci model-validation", "passed"): (
        ("ci package", "make the artifact of what is committed"),
        ("run", "do the week with the real files"),
    ),
    ("cd validate-model", "passed"): (
        ("release show {release}", "which model would serve which segment, and why"),
        ("release diff {release}", "what would change, as a plan"),
        (
            "release approve {release} --key FILE",
            "sign that it may become live, where the policy asks for it",
        ),
        ("cd promote {release}", "make it live"),
    ),
    ("cd validate-model", "failed"): (("release show {release}", "which models did not pass, and why"),),
    ("cd promote", "passed"): (("cd score", "forecast with it, and publish"),),
    ("cd promote", "refused"): (
        ("release approve {release} --key FILE", "sign that it may become live"),
        ("audit log", "what was refused before, and why"),
    ),
    ("cd score", "passed"): (
        ("status", "the fleet in one screen"),
        ("export orders", "the order quantities"),
    ),
}


def report(made: Report, place: Place) -> Group:
    """Its checks in a line each, what they found, and what to type next."""
    subject = {
        name: short(value) if name in DIGESTS else value for name, value in made.subject.items() if value
    }
    about = " · ".join(f"{name} {value}" for name, value in subject.items())
    rows = table("", "Check", "", ">CPU s")
    for check in made.checks:
        mark = MARKS[check.state]
        rows.add_row(mark.text(), check.name, check.says, f"{check.cpu_seconds:.1f}")
    parts: list[RenderableType] = [Text(about, "dim"), "", rows]
    for check in made.checks:
        found = check.findings
        if found:
            lines = [f"  {finding}" for finding in found[:SHOWN]]
            lines += (
                [f"  … and {len(found) - SHOWN} more; --report DIR writes them all"] if found[SHOWN:] else []
            )
            parts += ["", Text(check.name, "bold"), Text("\n".join(lines))]
    steps = NEXT.get((made.verb, made.state), ())
    if steps:
        known = {name: str(value) for name, value in subject.items()}
        told = [(command.format_map(known), why) for command, why in steps if _says(command, known)]
        parts += ["", next_steps(place, *told)]
    return Group(*parts)


def _says(command: str, known: dict[str, str]) -> bool:
    """Whether everything that a command names is known."""
    return all(f"{{{name}}}" not in command for name in ("release", "out", "artifact") if name not in known)


def sampled(made: "Sampled", folder: str) -> Group:
    """What a sample holds, what of it is as it was, and what to type next."""
    size = f"{made.rows:,} rows, {made.files} files, {made.bytes / 1000:,.0f} kB"
    about = (
        f"{made.regions} regions, {made.stores} stores, {made.products} products from {made.first} on,"
        f" {len(made.segments)} segments: {size} in {made.folder}"
    )
    return Group(
        Text(about),
        _shown(made),
        "",
        next_steps(Place(folder, "dev"), ("ci model-validation", "try data, training and scoring on it")),
    )


def _shown(made: "Sampled") -> Text:
    kept = ", ".join((*made.codes, *made.shown))
    return Text(
        f"In the sample as they were, to be looked at before it is committed: {kept}, all dates.", "dim"
    )


def started(made: "Started") -> Group:
    """What was assumed of the file, a line each, and the first three commands."""
    place = Place(str(made.folder), "dev")
    lines = [Text(f"  {line}") for line in made.assumed]
    return Group(
        Text(f"A workspace, {made.package}, in {made.folder}; its sample has {made.sample.rows:,} rows."),
        "",
        Text("What the file says", "bold"),
        *lines,
        *(Text(f"! {what}", "yellow") for what in made.left_out),
        "",
        _shown(made.sample),
        "",
        next_steps(
            place,
            ("ci model-validation --local", "try data, training and scoring on the sample"),
            ("doctor", "look at settings and files"),
            ("run", "do the week, from the file to forecasts"),
        ),
    )

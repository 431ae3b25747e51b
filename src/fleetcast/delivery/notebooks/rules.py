"""What a notebook must keep, read off its text: each thing that is wrong with its line and what to do."""

from collections.abc import Callable, Iterable, Iterator

from fleetcast.delivery.notebooks import reaching, standing_alone, state
from fleetcast.delivery.notebooks.parsed import Parsed, Wrong, parsed
from fleetcast.delivery.notebooks.percent import Notebook
from fleetcast.delivery.notebooks.secrets import secrets
from fleetcast.delivery.report import Finding

Scan = Callable[[str], Iterable[tuple[int, str]]]

RULES: tuple[Callable[[Parsed], Iterator[Wrong]], ...] = (
    state.hidden,
    state.wildcards,
    state.changed_globals,
    state.changed_inputs,
    standing_alone.closures,
    standing_alone.tagged_cells,
    standing_alone.tags,
    reaching.clock_and_chance,
    reaching.shell,
    reaching.absolute_paths,
    reaching.outside,
)


def broken(notebook: Notebook, *, scan: Scan = secrets) -> list[Finding]:
    """Everything that the text shows, in the order of its lines; `scan` finds secrets, of which only the line is told."""
    code, found = parsed(notebook)
    for number, what in scan(notebook.text):
        said = f"{what}; read it from the environment, outside of notebooks, and change it now"
        found.append((number, "secret", said))
    for rule in RULES:
        found += rule(code)
    path = f"notebooks/{notebook.path.name}"
    return [Finding(rule, message, path, line) for line, rule, message in sorted(dict.fromkeys(found))]

"""What lies where sources send their data, looked at again and again: folders and object stores by the same rule.

A look says what is there; two looks say whether it has come to rest. Nothing is read but names, sizes and times.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleetcast.domain.errors import InfrastructureError
from fleetcast.settings import SourceSettings
from fleetcast.settings.pulls import WEB, scheme
from fleetcast.sources import objects
from fleetcast.sources.discover import lying
from fleetcast.sources.question import Question, referring
from fleetcast.sources.secrets import Secrets
from fleetcast.sources.standing import Standing
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

Look = Mapping[str, str]  # what lies there: its name, and what changes with its content


@dataclass(frozen=True)
class Seen:
    """What is known of a source's place: what lay there at the last look, and what has been told of. Both are plain text."""

    last: Look = field(default_factory=dict)
    told: Look = field(default_factory=dict)


def compared(before: Mapping[str, Seen], now: Mapping[str, Look]) -> tuple[dict[str, Seen], list[str]]:
    """What is known after a look, and the sources that have something new, each told once.

    Nobody is told anything while a place is still changing: a file that is being written has another size at the next look,
    and files that come one after the other are one piece of news. What goes away is none.

    >>> first, news = compared({}, {"sales": {"w46.csv": "10"}})
    >>> news
    []
    >>> second, news = compared(first, {"sales": {"w46.csv": "10"}})
    >>> news, compared(second, {"sales": {"w46.csv": "10"}})[1]
    (['sales'], [])
    """
    known = {name: before.get(name, Seen()) for name in {**before, **now}}
    looks = {name: now.get(name, seen.last) for name, seen in known.items()}  # it could not be looked at
    at_rest = all(known[name].last == look for name, look in looks.items())
    news = [name for name, look in looks.items() if at_rest and not look.items() <= known[name].told.items()]
    after = {name: Seen(look, look if name in news else known[name].told) for name, look in looks.items()}
    return after, sorted(news)


def look(w: Workspace) -> dict[str, Look]:
    """What lies there now, by source. A store that does not answer is left out, and is asked again at the next look.

    Servers of databases and of the web are not looked at: what is new there is known only when they are asked.
    """
    found: dict[str, Look] = {}
    for name, declared in w.settings.sources.items():
        if declared.pull is not None and declared.pull.url and scheme(declared.pull) not in WEB:
            try:
                found[name] = objects.listed(_question(w, name, declared))
            except InfrastructureError as error:
                told = Secrets(os.environ).hidden(str(error), *referring(declared))
                log.warning("not_looked_at", source=name, error=told)
        elif declared.pull is None:
            found[name] = lying(declared, base=w.home, data=w.address.data)
    return found


def _question(w: Workspace, name: str, declared: SourceSettings) -> Question:
    data, secrets = w.address.data, Secrets(os.environ)
    return Question(name, declared, Standing(), w.clock(), Path(), w.home, data, secrets)

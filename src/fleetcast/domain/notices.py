"""Notices: what people are told over the channels of an environment, each once."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from fleetcast.domain.versions import digest_of

Topic = Literal["incident", "release", "approval", "digest", "test"]
Standing = Literal["sent", "waiting", "given up"]

PATIENCE = timedelta(days=7)  # older ones are tried a last time
_FIRST_WAIT = timedelta(minutes=1)  # after the first try that failed; twice as long after each further one
_LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Step:
    """What a reader can do: what it is for, the command to type, and its page where there is a web face."""

    words: str
    command: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that happened, for people who were not there. `event` names it, so that nobody hears of it twice."""

    event: str
    topic: Topic
    fleet: str  # whose news it is: workspace and environment
    title: str
    lines: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def written(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, written: dict[str, Any]) -> Self:
        """The message that was `written`."""
        more = {"lines": tuple(written["lines"]), "steps": tuple(Step(**one) for one in written["steps"])}
        return cls(**(written | more))


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for one channel, and what became of it. `error` says why the newest try failed, without any secret."""

    channel: str
    at: datetime
    message: Message
    sent: datetime | None = None
    tries: int = 0
    due: datetime | None = None  # when it is tried again; None: at once
    given_up: datetime | None = None
    error: str = ""

    @property
    def id(self) -> str:
        """The same event has the same name on a channel, however often it is told."""
        return digest_of([self.channel, self.message.event])[:16]

    @property
    def standing(self) -> Standing:
        if self.sent is not None:
            return "sent"
        return "waiting" if self.given_up is None else "given up"


def wait(tries: int) -> timedelta:
    """How long a notice rests after so many tries.

    >>> [str(wait(tries)) for tries in (1, 2, 5, 50)]
    ['0:01:00', '0:02:00', '0:16:00', '6:00:00']
    """
    return min(_FIRST_WAIT * float(2 ** min(tries - 1, 20)), _LONGEST_WAIT)

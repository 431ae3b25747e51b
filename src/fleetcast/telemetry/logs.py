"""Structured log lines: one JSON object per event, written where the caller says, and nowhere before that."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.processors import add_log_level, format_exc_info
from structlog.typing import FilteringBoundLogger

Clock = Callable[[], datetime]

_LEVEL = 20  # info; debug lines are dropped
_SECRET = ("password", "secret", "token", "credential", "authorization", "api_key")
_CONCEALED = "***"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")  # of a URL


class _Sink:
    """Where lines go. One per process, and silent until it is told."""

    def __init__(self) -> None:
        self.stream: TextIO | None = None
        self.opened = False
        self.clock: Clock | None = None

    def point(self, stream: TextIO | None, clock: Clock | None, *, opened: bool) -> None:
        before = self.stream if self.opened else None
        self.stream, self.clock, self.opened = stream, clock, opened
        if before is not None:
            with suppress(OSError):  # what a full disk did not take was told when it was written
                before.close()

    def msg(self, line: str) -> None:
        if self.stream is not None:
            self.stream.write(line + "\n")  # one write, so that lines of several processes do not mix
            self.stream.flush()

    debug = info = warning = error = critical = exception = msg


_sink = _Sink()


def configure(target: Path | TextIO | None, *, clock: Clock) -> None:
    """Send log lines of this process to a file (appended) or a stream; None silences them again."""
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sink.point(target.open("a", encoding="utf-8"), clock, opened=True)
    else:
        _sink.point(target, clock, opened=False)


@contextmanager
def at_least(target: Path, *, clock: Clock) -> Iterator[None]:
    """Log lines go to a file meanwhile, unless they go somewhere already: what must not be lost is said in here."""
    if _sink.stream is not None:
        yield
        return
    configure(target, clock=clock)
    try:
        yield
    finally:
        configure(None, clock=clock)


def get_logger(**fields: object) -> FilteringBoundLogger:
    """A logger whose every line carries these fields: `log.info("trained", segment=str(segment), mape=mape)`."""
    logger = structlog.wrap_logger(
        _sink,
        processors=[merge_contextvars, add_log_level, format_exc_info, _line],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVEL),
        context_class=dict,
    )
    return cast(FilteringBoundLogger, logger.bind(**fields) if fields else logger)


def bound(**fields: object) -> AbstractContextManager[None]:
    """Every line written inside the block carries these fields, whoever writes it: `with bound(cycle=str(week)):`."""
    return cast(AbstractContextManager[None], bound_contextvars(**fields))


def context() -> dict[str, Any]:
    """The fields that lines carry here: what is done elsewhere for this block is `bound` to them there."""
    return get_contextvars()


def concealed(text: str) -> str:
    """A text as it may be told: without the passwords of its URLs.

    >>> concealed("postgresql://me:abc@host/db is down")  # fleetcast: not-a-secret
    'postgresql://me:***@host/db is down'
    """
    return _PASSWORD.sub(rf"\1{_CONCEALED}@", text)


def _line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """When, what, how grave, then the fields; nothing in a field can break the line or make it another's."""
    if _sink.clock is None:
        raise structlog.DropEvent
    at = _sink.clock().astimezone(UTC).isoformat(timespec="milliseconds")
    head = {"at": at, "event": event.pop("event", ""), "level": event.pop("level", "")}
    fields = {key: _CONCEALED if _is_secret(key) else _plain(value) for key, value in event.items()}
    return json.dumps(head | fields, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    """As JSON has it; NaN and the infinities, which it has not, become null."""
    match value:
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(k): _CONCEALED if _is_secret(str(k)) else _plain(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return concealed(str(value))


def _is_secret(field: str) -> bool:
    return any(word in field.lower() for word in _SECRET)

"""Sources that come ready to use: what of their declaration nobody has to write."""

from typing import Any

HOLIDAYS: dict[str, Any] = {
    "format": "jsonl",
    "table": "events",
    "columns": {
        "event": {"type": "text"},
        "first": {"type": "date"},
        "last": {"type": "date"},
        "scope": {"type": "text"},
    },
}
WEATHER: dict[str, Any] = {
    "format": "jsonl",
    "table": "weather",
    "columns": {
        "postal_code": {"type": "text"},
        "date": {"type": "date"},
        "kind": {"type": "text"},
        "issued_at": {"type": "datetime"},
        "temperature": {"type": "number", "minimum": -95, "maximum": 65},
        "precipitation": {"type": "number", "minimum": 0},
        "known_at": {"type": "datetime", "optional": True},
    },
}


def ready(written: Any) -> Any:
    """A source as it was written, with what a ready-made one has by default.

    >>> ready({"pull": {"holidays": {"places": {"all": "US"}}}})["table"]
    'events'
    >>> ready({"path": "sales/*.csv"})
    {'path': 'sales/*.csv'}
    """
    pull = written.get("pull") if isinstance(written, dict) else None
    if not isinstance(pull, dict):
        return written
    if "holidays" in pull:
        return HOLIDAYS | written
    return WEATHER | written if "weather" in pull else written

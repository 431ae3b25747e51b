"""What a run tells of itself: log lines, a trace of what it did, and figures for whoever watches it."""

from fleetcast.telemetry.logs import Clock, at_least, bound, configure, context, get_logger

__all__ = ["Clock", "at_least", "bound", "configure", "context", "get_logger"]

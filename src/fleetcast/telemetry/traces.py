"""Traces in the form of OpenTelemetry: written as JSON lines, or sent to a collector. The only module that knows it."""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.telemetry.logs import concealed
from fleetcast.telemetry.spans import Span

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

SERVICE = "fleetcast"
LARGEST = 16 << 20  # bytes of a file of traces; a week of a large fleet is about 1 MB
KEPT = 4  # files that were full, the newest first: traces.jsonl.1 to .4


def new_run() -> str:
    """A name for a run that no other one has, which is the id of its trace too."""
    return secrets.token_hex(16)


def write(trace: Span, run: str, out: TextIO) -> None:
    """Write a trace, one JSON object per span and line."""
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    writer = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    writer.export(_readable(trace, run))


def append(trace: Span, run: str, file: Path) -> None:
    """Write a trace at the end of a file; a full one is put aside before, and of those the oldest goes."""
    if file.exists() and file.stat().st_size >= LARGEST:
        _put_aside(file)
    with file.open("a", encoding="utf-8") as out:
        write(trace, run, out)


def can_send(headers: Mapping[str, str]) -> None:
    """UsageError unless traces can be sent from here: the exporter is installed, and the variables of the headers are set."""
    _exporter()
    _opened(headers)


def send(trace: Span, run: str, *, endpoint: str, headers: Mapping[str, str], seconds: float) -> None:
    """Send a trace to a collector over HTTP; InfrastructureError when it has not taken it within so many seconds."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())  # it is said once, and by us
    collector = _exporter()(endpoint=endpoint, headers=_opened(headers), timeout=seconds)
    try:
        taken = collector.export(_readable(trace, run))
    finally:
        collector.shutdown()  # type: ignore[no-untyped-call]
    if taken is not SpanExportResult.SUCCESS:
        raise InfrastructureError(f"no collector at {endpoint} took the trace within {seconds:g} seconds")


def _put_aside(file: Path) -> None:
    full = [file, *(file.with_name(f"{file.name}.{number}") for number in range(1, KEPT + 1))]
    for newer, older in reversed(list(pairwise(full))):
        if newer.exists():
            newer.replace(older)


def _exporter() -> "type[OTLPSpanExporter]":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise UsageError(
            "nothing here can send traces: pip install 'fleetcast[otlp]', or write traces = \"file\" in [telemetry]"
        ) from error
    return OTLPSpanExporter


def _opened(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with what the variables hold that they name, as `env:NAME`."""
    variables = {header: value.removeprefix("env:") for header, value in headers.items()}
    if missing := sorted(name for name in variables.values() if name not in os.environ):
        raise UsageError(
            f"[telemetry] headers name the environment variable {missing[0]}, which is not set; set it"
        )
    return {header: os.environ[name] for header, name in variables.items()}


def _readable(trace: Span, run: str) -> list["ReadableSpan"]:
    """The spans as exporters take them, the whole before its parts."""
    from opentelemetry.sdk.resources import Resource

    about = {"service.name": SERVICE, "service.version": version("fleetcast")}
    return list(_family(trace, int(run, 16), None, Resource.create(about)))


def _family(
    span: Span, run: int, parent: "SpanContext | None", resource: "Resource"
) -> Iterator["ReadableSpan"]:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    own = SpanContext(run, secrets.randbits(64) or 1, False, TraceFlags(TraceFlags.SAMPLED))
    yield ReadableSpan(
        span.name,
        context=own,
        parent=parent,
        resource=resource,
        attributes={f"{SERVICE}.{name}": value for name, value in span.fields.items()},
        status=Status(StatusCode.ERROR, concealed(span.error)) if span.error else Status(StatusCode.OK),
        start_time=_nanoseconds(span.began),
        end_time=_nanoseconds(span.ended),
    )
    for part in span.within:
        yield from _family(part, run, own, resource)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000

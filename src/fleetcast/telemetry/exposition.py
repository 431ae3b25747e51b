"""What is measured, as Prometheus reads it: as text, in a file, or from an endpoint. The only module that knows its client."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetcast.domain.errors import InfrastructureError
from fleetcast.telemetry.measures import Measure, Sample

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

LOOPBACK = "127.0.0.1"

Read = Callable[[], Iterable[Measure]]  # all measures, as they are now


def text(read: Read) -> str:
    """The measures in the text format of Prometheus."""
    from prometheus_client import generate_latest

    return generate_latest(_registry(read)).decode()


def write(read: Read, path: Path) -> None:
    """Write them to a file that is never seen half written, as node_exporter's textfile collector wants it."""
    from prometheus_client import write_to_textfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), _registry(read))
    except OSError as error:
        raise InfrastructureError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def serving(read: Read, port: int) -> Iterator[str]:
    """Serve them on loopback while the block runs; the address is yielded. Port 0 takes any that is free."""
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, addr=LOOPBACK, registry=_registry(read))
    except OSError as error:
        raise InfrastructureError(
            f"port {port} cannot be listened at: {error.strerror}; name another with --port"
        ) from error
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(read: Read) -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry
    from prometheus_client.registry import Collector

    class Measures(Collector):
        def collect(self) -> "Iterator[Metric]":
            return (_family(measure) for measure in read() if measure.samples)

    registry = CollectorRegistry(auto_describe=False)  # else everything would be read once more to be named
    registry.register(Measures())
    return registry


def _family(measure: Measure) -> "Metric":
    from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily

    names = list(dict.fromkeys(name for sample in measure.samples for name in sample.labels))
    if measure.buckets:
        spread = GaugeHistogramMetricFamily(measure.name, measure.about, labels=names)
        for sample in measure.samples:
            spread.add_metric(_values(sample, names), _counted(measure, sample), sum(sample.values))
        return spread
    kind = CounterMetricFamily if measure.name.endswith("_total") else GaugeMetricFamily
    family = kind(measure.name, measure.about, labels=names)
    for sample in measure.samples:
        family.add_metric(_values(sample, names), sample.value)
    return family


def _values(sample: Sample, names: list[str]) -> list[str]:
    return [sample.labels.get(name, "") for name in names]


def _counted(measure: Measure, sample: Sample) -> list[tuple[str, float]]:
    """How many values are at most each bound, and how many there are."""
    ordered = sorted(sample.values)
    within = [(f"{bound:g}", float(bisect_right(ordered, bound))) for bound in measure.buckets]
    return [*within, ("+Inf", float(len(ordered)))]

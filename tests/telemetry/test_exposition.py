"""What is measured, as Prometheus reads it."""

from urllib.request import urlopen

import pytest

from fleetcast.domain.errors import InfrastructureError
from fleetcast.telemetry import exposition
from fleetcast.telemetry.measures import Measure, Sample, by, measure


def told(*measures: Measure) -> list[str]:
    """The lines of numbers."""
    lines = exposition.text(lambda: measures).splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_number_is_told_with_its_labels():
    assert told(by("state", "fleetcast_cycles", "Cycles.", {"done": 3.0}, reach="short-term")) == [
        'fleetcast_cycles{reach="short-term",state="done"} 3.0'
    ]


def test_what_only_grows_is_a_counter():
    text = exposition.text(lambda: [measure("fleetcast_promotions_total", "Promotions.", 2.0)])
    assert "# TYPE fleetcast_promotions_total counter" in text


def test_a_number_that_is_not_there_yet_is_left_out():
    assert told(measure("fleetcast_mape_ratio", "MAPE.", None)) == []


def test_a_spread_counts_what_is_at_most_each_bound():
    took = Measure("took_seconds", "Parts.", (Sample({"step": "train"}, values=(1.0, 4.0, 9.0)),), (1, 5))
    assert told(took) == [
        'took_seconds_bucket{le="1",step="train"} 1.0',
        'took_seconds_bucket{le="5",step="train"} 2.0',
        'took_seconds_bucket{le="+Inf",step="train"} 3.0',
        'took_seconds_gcount{step="train"} 3.0',
        'took_seconds_gsum{step="train"} 14.0',
    ]


def test_a_label_cannot_break_the_line():
    (line,) = told(by("segment", "fleetcast_mape_ratio", "MAPE.", {'a"\n} 1': 0.5}))
    assert line == 'fleetcast_mape_ratio{segment="a\\"\\n} 1"} 0.5'


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "textfile" / "fleetcast.prom"
    for value in (1.0, 2.0):
        exposition.write(lambda value=value: [measure("fleetcast_segments", "Segments.", value)], path)
    assert path.read_text("utf-8").endswith("fleetcast_segments 2.0\n")
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InfrastructureError, match="cannot be written"):
        exposition.write(list, tmp_path)


def test_an_endpoint_listens_on_loopback_and_reads_anew_for_each_scrape():
    values = iter((1.0, 2.0))
    with exposition.serving(lambda: [measure("fleetcast_segments", "Segments.", next(values))], 0) as address:
        assert address.startswith("http://127.0.0.1:")
        scraped = [urlopen(address, timeout=10).read().decode().splitlines()[-1] for _ in range(2)]  # noqa: S310
    assert scraped == ["fleetcast_segments 1.0", "fleetcast_segments 2.0"]


def test_a_port_that_is_taken_is_named():
    with exposition.serving(list, 0) as address:
        port = int(address.split(":")[2].split("/")[0])
        with (
            pytest.raises(InfrastructureError, match=rf"port {port} cannot be listened at"),
            exposition.serving(list, port),
        ):
            pass

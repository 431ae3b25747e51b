"""A real Prometheus on this machine, with the configuration and the rules that Fleetcast ships, faster."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from fleetcast.telemetry import shipped

PATIENCE = 120  # seconds, on a machine that has other things to do

T = TypeVar("T")


@dataclass(frozen=True)
class Prometheus:
    """Where it listens."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; an error of the server is one here."""
        return self._get("query", query=expression)["result"]

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {
            alert["labels"]["alertname"]
            for alert in self._get("alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def _get(self, path: str, **query: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(query)}", timeout=10) as answer:  # noqa: S310 — on loopback
            return json.load(answer)["data"]


@contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    """Prometheus, once it has scraped the target twice; everything that is told in minutes takes a second."""
    shipped.write(folder)
    here = folder / "prometheus"
    config, rules = here / "prometheus.yml", here / "fleetcast.rules.yml"
    text = config.read_text("utf-8").replace("127.0.0.1:9464", target)
    config.write_text(text.replace("interval: 1m", "interval: 1s"), "utf-8")
    rules.write_text(re.sub(r"for: \d+[mh]", "for: 0s", rules.read_text("utf-8")), "utf-8")
    port = _free_port()
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            started = Prometheus(f"http://127.0.0.1:{port}")
            until(lambda: started.query("count_over_time(fleetcast_cycles[1h]) >= 3"))
            yield started
        finally:
            process.terminate()
            process.wait()


def until(look: Callable[[], T]) -> T:
    """What is looked for, as soon as it is there."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            found = look()
        except (URLError, ConnectionError, TimeoutError):
            found = None
        if found:
            return found
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]

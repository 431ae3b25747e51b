"""What pages cost the server: the fleet page, filters of it, the wall, and the first reading after a week.

python benchmarks/pages.py. A fleet of 5,040 models is written into the stores, not trained. The last line is one JSON object:
CPU milliseconds, the median of several, and bytes of the page compressed.
"""

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from fleetcast.faces.web import routes
from fleetcast.testing.served import Size, served

PAGES = {
    "fleet": "/dev/fleet",
    "filter_region": "/dev/fleet?region=region-07",
    "filter_state": "/dev/fleet?state=stale",
    "filter_name": "/dev/fleet?q=c11",
    "next_page": "/dev/fleet?page=7",
    "wall": "/dev/fleet/wall",
    "home": "/dev/",
    "orders": "/dev/orders",
}
TIMES = 9


def main() -> int:
    """Ask for each page so often."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--regions", type=int, default=70)
    arguments.add_argument("--clusters", type=int, default=18)
    size = Size(**{**vars(arguments.parse_args()), "series": 1})
    with tempfile.TemporaryDirectory() as scratch:
        w = served(Path(scratch) / "fleet", size)
        pages = TestClient(Starlette(routes=routes(lambda _: w)))
        answer: dict[str, Any] = {"models": len(list(size.segments()))}
        answer["first_ms"] = _spent(lambda: pages.get(PAGES["fleet"]))
        for name, address in PAGES.items():
            pages.get(address)
            answer[f"{name}_ms"] = median(_spent(lambda a=address: pages.get(a)) for _ in range(TIMES))
            answer[f"{name}_bytes"] = len(gzip.compress(pages.get(address).content))
            print(f"{name:<14} {answer[f'{name}_ms']:6.1f} ms", file=sys.stderr, flush=True)
    print(json.dumps(answer))
    return 0


def _spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return round(1e3 * (time.process_time() - begun), 1)


if __name__ == "__main__":
    sys.exit(main())

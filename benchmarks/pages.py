"""What pages cost the server: the fleet page, filters of it, the wall, and the first reading after a week.

python benchmarks/pages.py. A fleet of 5,040 models is written into the stores, not trained, and asked for by somebody who is
signed in, through the guard and all else that is between. The last line is one JSON object: CPU milliseconds with those of the
client that asks, the median of several, and bytes of the page compressed; 1 where one is over its limit.
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

from starlette.testclient import TestClient

from fleetcast.faces import server
from fleetcast.people.roles import Role
from fleetcast.testing.served import Size, served
from fleetcast.workspace import Workspace

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
MOST_MS = {"fleet": 60, "filter_region": 20, "filter_state": 20, "filter_name": 20}
MOST_BYTES = {"fleet": 100_000}


def main() -> int:
    """Ask for each page so often."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--regions", type=int, default=70)
    arguments.add_argument("--clusters", type=int, default=18)
    size = Size(**{**vars(arguments.parse_args()), "series": 1})
    with tempfile.TemporaryDirectory() as scratch:
        w = served(Path(scratch) / "fleet", size)
        pages = _signed_in(w)
        answer: dict[str, Any] = {"models": len(list(size.segments()))}
        answer["first_ms"] = _spent(lambda: pages.get(PAGES["fleet"]))
        for name, address in PAGES.items():
            pages.get(address)
            answer[f"{name}_ms"] = median(_spent(lambda a=address: pages.get(a)) for _ in range(TIMES))
            answer[f"{name}_bytes"] = len(gzip.compress(pages.get(address).raise_for_status().content))
            print(f"{name:<14} {answer[f'{name}_ms']:6.1f} ms", file=sys.stderr, flush=True)
        w.people.close()
    most = {f"{name}_ms": ms for name, ms in MOST_MS.items()} | {
        f"{name}_bytes": size for name, size in MOST_BYTES.items()
    }
    answer["passed"] = all(answer[name] <= limit for name, limit in most.items())
    print(json.dumps(answer))
    return 0 if answer["passed"] else 1


def _signed_in(w: Workspace) -> TestClient:
    """Somebody who may do anything, in a browser of theirs."""
    w.people.add("bench", Role.admin, None, password=None, actor="bench")
    application = server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))
    client = TestClient(application, base_url="http://localhost")
    client.get(f"/sign-in/link?secret={w.people.link('bench', actor='bench')}")
    return client


def _spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return round(1e3 * (time.process_time() - begun), 1)


if __name__ == "__main__":
    sys.exit(main())

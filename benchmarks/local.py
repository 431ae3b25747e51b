"""What `fleetcast ci model-validation --local` takes on the sample of the demo: CPU, wall and memory, compiling included."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fleetcast.sources import sample

LIMIT = 60  # CPU seconds
PROGRAM = "from fleetcast.faces.cli import main; main()"
COMMAND = ("ci", "model-validation", "--local", "--json", "--workspace")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        sample.create(demo, truth=Path(folder) / "truth", stores=4, products=6, weeks=80)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *COMMAND, str(demo)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    cpu = used.ru_utime + used.ru_stime
    line = {
        "state": report["state"],
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(time.monotonic() - began, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
        "limit_cpu_seconds": LIMIT,
        "checks": {check["name"]: round(check["cpu_seconds"], 1) for check in report["checks"]},
    }
    print(json.dumps(line))
    return 0 if report["state"] == "passed" and cpu <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())

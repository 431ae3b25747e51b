"""Does what a page says, in the folder it is started in: writes its files and types its commands, in one process.

Reads the steps of the page from standard input, as JSON; stops at the first command that does not exit with 0.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from fleetcast.faces.cli import main


def do(step: dict[str, str]) -> None:
    if step["kind"] == "run":
        for line in step["text"].splitlines():
            type_in(line)
        return
    path = Path(step["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if step["kind"] == "append" else "w", encoding="utf-8") as file:
        file.write(step["text"])


def type_in(line: str) -> None:
    prompt, program, *words = shlex.split(line)
    if prompt != "$" or program not in ("fleetcast", "python"):
        sys.exit(f"a page says {line!r}, and only `$ fleetcast …` and `$ python …` can be typed here")
    if program == "python":
        subprocess.run([sys.executable, *words], check=True)
        return
    sys.argv = [program, *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{line!r} exits with {end.code}")


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        do(each)

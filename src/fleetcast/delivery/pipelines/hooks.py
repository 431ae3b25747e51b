"""The hook by which a plain bare repository protects its branches: a shell script that calls a verb."""

import shlex

from fleetcast.delivery.pipelines.layout import HEADER

PRE_RECEIVE = "hooks/pre-receive"


def emit(*, program: str, workspace: str, environment: str) -> dict[str, str]:
    """Git gives the ref updates on standard input and refuses the whole push when the script fails, for whatever reason."""
    words = [program, "ci", "protect", "--workspace", workspace, "--env", environment, "--git-dir", "."]
    script = [
        "#!/bin/sh",
        f"# {HEADER}",
        f"program={shlex.quote(program)}",
        'if ! [ -x "$program" ]; then',
        '  echo "Pushes are refused: $program is not there; install Fleetcast there, or emit this hook again." >&2',
        "  exit 3",
        "fi",
        f"exec {shlex.join(words)}",
    ]
    return {PRE_RECEIVE: "\n".join(script) + "\n"}

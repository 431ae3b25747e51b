"""Settings that name an environment variable instead of the value, as secrets have to."""

import os
import re

from fleetcast.domain.errors import UsageError

REFERENCE = re.compile(r"env:[A-Za-z_]\w*")


def resolved(written: str, setting: str) -> str:
    """The value of a setting: what is written, or what the variable holds that it names (`env:NAME`).

    >>> resolved("head:6379", "[execution] address")
    'head:6379'
    """
    if not written.startswith("env:"):
        return written
    name = written.removeprefix("env:")
    if not os.environ.get(name):
        raise UsageError(f"{setting} names the environment variable {name}, which is not set; set it")
    return os.environ[name]

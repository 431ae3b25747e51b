"""A place apart: a temporary folder beyond which nothing is written, not even what Python and numba compile."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetcast.fleet.workers import SINGLE_THREAD


@contextmanager
def secluded() -> Iterator[Path]:
    """A folder that is gone afterwards. To be entered before numba is imported, which fixes then where its cache lies."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-", ignore_cleanup_errors=True) as name:
        place = Path(name).resolve()
        (place / "scratch").mkdir()
        there = {"NUMBA_CACHE_DIR": str(place / "numba"), "TMPDIR": str(place / "scratch")}
        before = {key: os.environ.get(key) for key in (*SINGLE_THREAD, *there)}
        compiled, passing = sys.dont_write_bytecode, tempfile.tempdir
        os.environ.update(SINGLE_THREAD | there)
        sys.dont_write_bytecode, tempfile.tempdir = True, str(place / "scratch")
        try:
            yield place
        finally:
            sys.dont_write_bytecode, tempfile.tempdir = compiled, passing
            for key, value in before.items():
                if value is None:
                    os.environ.pop(key, None)
                else:
                    os.environ[key] = value

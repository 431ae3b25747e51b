"""A copy of an environment's state that may be written to: what is never changed is shared with it, and it stays as it was."""

import os
import re
import shutil
from pathlib import Path

from fleetcast.ledger.copying import copy_file
from fleetcast.workspace import LEDGER, Workspace

LAKE = "lake"
RAW = "raw"  # where raw files are kept, beside the environments

_WRITTEN_ONCE = re.compile(r"[0-9a-f]{64}|.+\.parquet")  # named by their content, or by chance
_UNFINISHED = ".*"  # what somebody is writing just now


def copy_state(w: Workspace, root: Path) -> None:
    """Copy an environment and the raw files beside it, for a workspace whose `[state] root` it is.

    Somebody may work there meanwhile. The ledger is copied first, so that all it tells of is there when its turn comes; the
    copy is a file, whatever it was: open it `apart`.
    """
    to = root / w.environment
    to.mkdir(parents=True)
    if isinstance(w.ledger_at, Path):
        copy_file(w.ledger_at, to / LEDGER)
    else:
        w.ledger.copy(to / LEDGER)
    _cloned(w.state, to, LAKE, "installed", "log.jsonl", f"{LEDGER}*")
    for table in w.tables.values():
        if (w.lake.root / table.name).is_dir():
            with w.lake.still(table):
                _cloned(w.lake.root / table.name, to / LAKE / table.name)
    if (w.state.parent / RAW).is_dir():
        _cloned(w.state.parent / RAW, root / RAW)


def _cloned(folder: Path, to: Path, *but: str) -> None:
    left = shutil.ignore_patterns(_UNFINISHED, *but)
    shutil.copytree(folder, to, copy_function=_put, ignore=left, dirs_exist_ok=True)


def _put(source: str, target: str) -> str:
    if _WRITTEN_ONCE.fullmatch(Path(source).name):
        try:
            os.link(source, target)
        except OSError:  # on another disk
            shutil.copy2(source, target)
        return target
    return str(shutil.copy2(source, target))

"""A workspace to try things in: the code and settings of another, its sample data or its own, and state of its own."""

import shutil
import tempfile
import weakref
from pathlib import Path

from fleetcast.delivery.notebooks.toml import changed
from fleetcast.settings import load
from fleetcast.workspace import POLICY_FILE, SETTINGS_FILE

SAMPLE = "sample"  # the folder of a workspace whose files stand in for its data
STATE = ".fleetcast"
STAYS = {".git", SAMPLE, STATE, SETTINGS_FILE, POLICY_FILE, "src", "notebooks", "tests", "dist", ".venv"}


class Scratch:
    """A folder that is there as long as somebody holds this."""

    def __init__(self, purpose: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"fleetcast-{purpose}-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def workspace_for_trying(folder: Path, to: Path, *, home: Path | None = None) -> Path:
    """Make it in the empty folder `to`: code is copied, data are linked.

    With `home`, that is where the data are, and no sample stands in for them.

    `sample/` stands in for the workspace's folder, and for what {data} means: `sample/data/x.csv` is there `data/x.csv`.
    Tasks run one after the other in this process, so that breakpoints work.
    """
    settings = load(folder / SETTINGS_FILE)
    text = (folder / SETTINGS_FILE).read_text("utf-8")
    text = changed(text, ("execution", "engine"), "serial")
    text = changed(text, ("state", "root"), STATE)
    to.mkdir(parents=True, exist_ok=True)
    (to / SETTINGS_FILE).write_text(text, "utf-8")
    shutil.copytree(folder / "src", to / "src", ignore=shutil.ignore_patterns("__pycache__"))
    stays = {
        *STAYS,
        Path(settings.state.root).parts[0],
    }  # of a path that is absolute that is no name of anything here
    sampled = home is None and (folder / SAMPLE).is_dir()
    source = folder / SAMPLE if sampled else home or folder
    for entry in sorted(source.iterdir()):
        if sampled or entry.name not in stays:
            (to / entry.name).symlink_to(entry.resolve())
    return to


def data_of(folder: Path, place: Path) -> Path | None:
    """What {data} means in a workspace for trying; None: what it means otherwise."""
    return place if (folder / SAMPLE).is_dir() else None

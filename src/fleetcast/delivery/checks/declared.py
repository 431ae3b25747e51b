"""The check `settings`: can the settings, the policy and every declared conditioner be loaded?"""

import traceback
from collections.abc import Iterator
from pathlib import Path

from fleetcast import workspace
from fleetcast.delivery.checks.measured import counted, within, wrong_settings
from fleetcast.delivery.report import Check, Finding
from fleetcast.domain.errors import SettingsError, UsageError
from fleetcast.settings import Settings, load, load_policy
from fleetcast.settings.positions import positions
from fleetcast.workspace import POLICY_FILE


def settings(folder: Path) -> Check:
    try:
        loaded = load(folder / workspace.SETTINGS_FILE)
    except SettingsError as error:
        return _with(wrong_settings("settings", error, folder), _policy(folder))
    found = (*_policy(folder), *_conditioners(folder, loaded))
    if found:
        return Check("settings", "failed", f"{counted(len(found), 'problem')} in what is declared", found)
    sources = counted(len(loaded.sources), "source")
    return Check("settings", "passed", f"settings, policy and the conditioners of {sources} load")


def _with(check: Check, more: tuple[Finding, ...]) -> Check:
    found = (*check.findings, *more)
    return Check(check.name, check.state, f"{counted(len(found), 'problem')} in the settings", found)


def _policy(folder: Path) -> tuple[Finding, ...]:
    try:
        load_policy(folder / POLICY_FILE)
    except SettingsError as error:
        return wrong_settings("settings", error, folder).findings
    return ()


def _conditioners(folder: Path, loaded: Settings) -> Iterator[Finding]:
    """Every conditioner that cannot be loaded; one that several sources name is told once."""
    opened = workspace.open(folder, environment=next(iter(loaded.environments)))
    named = {
        declared.conditioner: source
        for source, declared in reversed(loaded.sources.items())
        if declared.conditioner is not None
    }
    for name, source in sorted(named.items()):
        try:
            opened.conditioner(name)
        except UsageError as error:
            yield _unloadable(folder, loaded, source, name, error)


def _unloadable(folder: Path, loaded: Settings, source: str, name: str, error: UsageError) -> Finding:
    path = folder / "src" / loaded.workspace.package / "conditioners" / f"{name}.py"
    message = str(error).replace(f"{folder}/", "")
    if not path.is_file():
        text = (folder / workspace.SETTINGS_FILE).read_text("utf-8").replace("\r\n", "\n")
        line = positions(text).get(("sources", source, "conditioner"))
        return Finding("conditioner", message, workspace.SETTINGS_FILE, line)
    return Finding("conditioner", message, within(folder, path), _line(path, error.__cause__))


def _line(path: Path, cause: BaseException | None) -> int | None:
    """The last line of this file that was on the way to what went wrong."""
    if isinstance(cause, SyntaxError) and cause.filename == str(path):
        return cause.lineno
    frames = traceback.extract_tb(cause.__traceback__) if cause else []
    return next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), None)

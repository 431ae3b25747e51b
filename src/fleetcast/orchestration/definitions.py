"""An environment as Dagster sees it; a project of one's own loads it with one line: `defs = definitions(FOLDER, "dev")`."""

from datetime import timedelta
from pathlib import Path

import dagster as dg

from fleetcast.domain.week import WEEK, newest_known
from fleetcast.fleet import work
from fleetcast.orchestration import jobs
from fleetcast.orchestration.assets import assets
from fleetcast.orchestration.place import Place
from fleetcast.orchestration.sensors import schedule, sensor
from fleetcast.workspace import Workspace


def definitions(folder: Path | str, environment: str = "dev") -> dg.Definitions:
    """Assets, checks, jobs, schedule and sensors of one environment of the workspace in a folder.

    Two environments are two of these, joined by `Definitions.merge`. The regions are those there are now.
    """
    place = Place(Path(folder).resolve(), environment)
    with place.opened() as w:
        weeks, settings = _weeks(w), w.settings
        made = assets(place, tables=list(w.base_tables), regions=work.partitions(w), weeks=weeks)
    seconds, ready = settings.orchestration.look_seconds, settings.calendar.ready_after_days
    week = dg.define_asset_job(f"week_{environment}", made, executor_def=dg.in_process_executor)
    sensors = [
        sensor(place, "files", "intake", of_a_week=False, seconds=seconds),
        sensor(place, "versions", "week", of_a_week=True, seconds=seconds),
        sensor(place, "stale", "week", of_a_week=True, seconds=seconds),
        sensor(place, "alarm", "week", of_a_week=True, seconds=seconds),
        sensor(place, "artifact", "artifact", of_a_week=False, seconds=seconds),
    ]
    return dg.Definitions(
        assets=made,
        jobs=[week, jobs.intake(place), jobs.artifact(place)],
        schedules=[schedule(place, ready_after_days=ready, hour=settings.orchestration.hour)],
        sensors=sensors,
        executor=dg.in_process_executor,
    )


def _weeks(w: Workspace) -> dg.WeeklyPartitionsDefinition:
    """A partition for each week that can be a cutoff, named by its Monday: the years there are deliveries of, else this one."""
    span = work.first_and_last_week(w)
    first = span[0] if span else newest_known(w.clock() - timedelta(days=365), 0)
    return dg.WeeklyPartitionsDefinition((first - WEEK).isoformat(), day_offset=1)

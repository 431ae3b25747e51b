"""Dagster's schedule and sensors of an environment: each looks as `looking` does, and asks for the same thing once."""

import json

import dagster as dg

from fleetcast.domain.errors import DataError
from fleetcast.domain.week import label, newest_known
from fleetcast.fleet.cutoff import cutoff
from fleetcast.orchestration.assets import KIND
from fleetcast.orchestration.due import Kind, Memory
from fleetcast.orchestration.looking import look
from fleetcast.orchestration.place import Place


def schedule(place: Place, *, ready_after_days: int, hour: int) -> dg.ScheduleDefinition:
    """The newest complete week, at its time; a week whose deliveries are late is left to the sensor of versions."""

    @dg.schedule(
        name=f"weekly_{place.environment}",
        job_name=f"week_{place.environment}",
        cron_schedule=f"0 {hour} * * {(1 + ready_after_days) % 7}",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        newest = newest_known(context.scheduled_execution_time, ready_after_days)
        with place.opened() as w:
            try:
                there = cutoff(w, None) >= newest
            except DataError:
                there = False
        if not there:
            return dg.SkipReason(f"deliveries of {label(newest)} are not there yet")
        return dg.RunRequest(run_key=label(newest), partition_key=newest.isoformat(), tags={KIND: "timer"})

    return weekly


def sensor(place: Place, kind: Kind, job: str, *, of_a_week: bool, seconds: int) -> dg.SensorDefinition:
    """Looks for what is due of a kind every so many seconds."""

    @dg.sensor(
        name=f"{kind}_{place.environment}",
        job_name=f"{job}_{place.environment}",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def found(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with place.opened() as w:
            due = look(w, kind)
            if due is None:
                return dg.SkipReason("nothing is due")
            before = Memory(*json.loads(context.cursor)) if context.cursor else Memory()
            after = before.after(due)
            context.update_cursor(json.dumps([after.seen, after.asked]))
            if after.asked == before.asked:
                return dg.SkipReason(f"asked for already, or still coming: {due.reason}")
            week = cutoff(w, None).isoformat() if of_a_week else None
        tags = {KIND: kind, "fleetcast/reason": due.reason}
        return dg.RunRequest(run_key=due.key, partition_key=week, tags=tags)

    return found

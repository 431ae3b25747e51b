"""Pulling a source: whatever it has to say that is new, by the way it is declared."""

from fleetcast.settings.pulls import WEB, scheme
from fleetcast.sources import objects, open_meteo, public_holidays, watermark, web
from fleetcast.sources.question import Pulled, Question


def pull(question: Question) -> Pulled:
    """What is new, in files; an error of ours where the source cannot be had, and then nothing of it is taken."""
    if question.settings.format == "sql":
        return watermark.pull(question)
    if question.pull.holidays:
        return public_holidays.pull(question)
    if question.pull.weather:
        return open_meteo.pull(question)
    return web.pull(question) if scheme(question.pull) in WEB else objects.pull(question)

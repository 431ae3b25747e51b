"""Ways from trouble to what is done about it: buttons, by the words on them."""

from fleetcast.faces.web.addresses import act_at, model_at, region_at
from fleetcast.faces.web.page import Visit
from fleetcast.people.roles import Action
from fleetcast.reading.attention import Item

DOES = {"retrain": ("retrain", Action.retrain), "roll_back": ("roll-back", Action.roll_back)}


def ways(visit: Visit, item: Item) -> dict[str, str]:
    """Where it can be looked at, what its source set aside, and what its evidence suggests, as far as the visitor may."""
    found = {}
    if look := looked_at(visit, item):
        found["home.look"] = look
    if item.source and item.set_aside:
        found["home.quarantine"] = visit.at(f"/data/{item.source}") + "#quarantine"
    about = {"segment": item.segment} if item.segment else {"region": item.region} if item.region else {}
    for remedy in item.remedies:
        path, action = DOES[remedy]
        if about and visit.may(action):
            found[f"model.{remedy}"] = act_at(
                visit, path, **{name: str(value) for name, value in about.items()}
            )
    return found


def looked_at(visit: Visit, item: Item) -> str:
    """An incident on its page, else the models that it touches."""
    if item.incident:
        return visit.at(f"/ops/incidents/{item.incident}")
    if item.segment:
        return model_at(visit, item.segment)
    return region_at(visit, item.region) if item.region else ""

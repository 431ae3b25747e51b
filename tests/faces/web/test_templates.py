import re
from importlib.resources import files
from pathlib import Path

from fleetcast.domain.incidents import KINDS
from fleetcast.faces.web.assets import assets
from fleetcast.faces.web.page import templates
from fleetcast.faces.web.words import catalogue

ROOM = Path(str(files("fleetcast.faces.web")))
NAMED = re.compile(r"""say\(\s*"([a-z_0-9.]+)"(?:\s*~)?""")
HTMX = {
    "hx-get",
    "hx-post",
    "hx-target",
    "hx-select",
    "hx-swap",
    "hx-push-url",
    "hx-trigger",
}  # none of them evaluates anything, which the content security policy would forbid


def texts() -> str:
    return "\n".join(path.read_text("utf-8") for path in (*ROOM.glob("*.py"), *ROOM.glob("templates/*.html")))


def test_every_template_compiles():
    for name in templates().list_templates():
        templates().get_template(name)


def test_a_template_evaluates_nothing_in_the_browser():
    for path in ROOM.glob("templates/*.html"):
        text = path.read_text("utf-8")
        assert set(re.findall(r"\bhx-[a-z-]+", text)) <= HTMX, path.name
        assert not re.search(
            r"<script(?! src=)|\son[a-z]+=|style=|javascript:|hx-trigger=\"[^\"]*\[", text
        ), path.name


def test_every_text_that_a_page_says_is_in_the_catalogue():
    named = set(NAMED.findall(texts()))
    whole = {name for name in named if not name.endswith(".") and not name.endswith("_")}
    assert whole <= catalogue().keys(), whole - catalogue().keys()


def test_the_catalogue_has_no_text_that_nobody_says():
    text = texts()
    built = tuple(name for name in NAMED.findall(text) if name.endswith((".", "_")))
    looked_up = (
        "key.",
        "value.",
        "column.",
        "reason.",
        "failover.",
        "trouble.",
        "action.",
        "error.",
        "turned_away.",
        "state.",
        "decision.",
        "fact.",
        "kind.",
        "version.",
        "serving.",
        "baseline.",
        "rows.",
        "made.",
        "step.",
        "part.",
        "run.",
        "release_kind.",
        "changes.",
        "told.",
        "trigger.",
        "change.",
        "action_of.",
        "age.",
        "done.",
        "drill.",
        "incident.",
        "kept.",
        "manage.",
        "scored.",
        "severity.",
        "standing.",
        "token.",
    )
    unused = {
        name for name in catalogue() if f'"{name}"' not in text and not name.startswith((*built, *looked_up))
    }
    assert not unused, unused


def test_the_style_sheet_names_the_font_as_it_is_sent():
    assert assets()["inter.woff2"].address.rpartition("/")[2].encode() in assets()["app.css"].content


def test_every_kind_of_incident_has_a_word_and_something_to_be_done():
    for kind in (*KINDS, "over_gate"):
        assert f"trouble.{kind}" in catalogue()
        assert f"action.{kind}" in catalogue()

"""States can be told apart by everybody: each by a shape, a word and a colour."""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from fleetcast.faces.web.page import templates
from fleetcast.faces.web.states import LOOKS
from fleetcast.faces.web.words import say
from fleetcast.reading.states import STATES

THEMES = ("light", "dark")
STYLE = files("fleetcast.faces.web").joinpath("static", "app.css").read_text("utf-8")
TOLD_APART = ("ok", "watch", "over", "stale", "failed")
LEAST_DISTANCE = 20.0  # in CIE Lab; 2.3 is one that is just noticed
LEAST_CONTRAST = 3.0  # of graphical objects, WCAG 2.2, 1.4.11

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
EYES = {
    "all colours": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ @ np.ones(3)


def token(name: str, theme: str) -> np.ndarray:
    """[3]: linear RGB of a colour of the style sheet."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\);", STYLE)
    assert found, name
    digits = found[1 + THEMES.index(theme)][1:]
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    value = np.array([int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(linear: np.ndarray) -> np.ndarray:
    """[3]: CIE Lab."""
    share = TO_XYZ @ np.clip(linear, 0, 1) / WHITE
    root = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eyes", EYES)
def test_any_two_states_differ_in_colour_for_all_eyes(theme, eyes):
    seen = {name: lab(EYES[eyes] @ token(name, theme)) for name in TOLD_APART}
    distances = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    nearest = min(distances, key=distances.get)
    assert distances[nearest] >= LEAST_DISTANCE, (nearest, distances[nearest])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", [*TOLD_APART, "none"])
def test_a_state_stands_out_from_the_card_it_is_drawn_on(theme, name):
    luminance = sorted(TO_XYZ[1] @ token(one, theme) for one in (name, "card"))
    assert (luminance[1] + 0.05) / (luminance[0] + 0.05) >= LEAST_CONTRAST


def test_every_state_has_a_shape_of_its_own_and_a_word_of_its_own():
    drawn = templates().get_template("parts.html").module.shapes()
    shapes = dict(re.findall(r'<symbol id="(\w+)"[^>]*>(.+)</symbol>', drawn))
    assert set(LOOKS) == set(STATES)
    assert len({shapes[look.css] for look in LOOKS.values()}) == len(STATES)
    assert len({say(look.word) for look in LOOKS.values()}) == len(STATES)

"""The CPU kernel: the same training as the JAX program, bit for bit with itself."""

import subprocess
import sys

import numpy as np
import pytest
from tests.models.made_nets import HOW, made, schedule

from fleetcast.models import net_boxes, net_kernel


def agree(weights, rows, order, rate, *, steps: int, atol: float = 5e-6, **how) -> None:
    """Both engines end at the same weights; Adam's steps are as large as the rate however small a gradient is."""
    kernel = net_kernel.train(weights, rows, order, rate, steps=steps, **HOW | how)
    program = net_boxes.train(
        weights, rows, order, rate, steps=steps, **HOW | how
    )  # one compiled program serves all
    for name in weights:
        assert kernel[name].shape == weights[name].shape
        assert kernel[name].dtype == np.float32
        np.testing.assert_allclose(kernel[name], program[name], atol=atol, err_msg=name)


@pytest.mark.parametrize(
    ("columns", "slopes", "batch", "widths"),
    [(1, 0, 1, (64, 32)), (7, 1, 30, (64, 32)), (10, 3, 64, (24, 10)), (48, 12, 100, (64, 32))],
)
def test_it_trains_what_jax_trains(columns, slopes, batch, widths):
    weights, rows = made(columns, columns=columns, slopes=slopes, widths=widths)
    order, rate = schedule(columns, steps=24, batch=batch)
    agree(weights, rows, order, rate, steps=24)


@pytest.mark.parametrize("seed", range(4))
def test_empty_places_count_for_nothing_wherever_they_are(seed):
    weights, rows = made(seed)
    order, rate = schedule(seed, missing=0.4, batch=40)
    order[3] = -1  # not one row in a whole step
    order[5:, 11:] = -1
    agree(weights, rows, order, rate, steps=20, seed=2**32 - 1 - seed)


@pytest.mark.parametrize(
    "how",
    [
        {"dropout": 0.0},
        {"dropout": 0.9, "decay": 0.0},
        {"unknown": (0.0, 0.0, 0.0)},
        {"unknown": (1.0, 1.0, 1.0)},
        {"losses": (1.0, 0.0, 0.0)},
        {"losses": (0.0, 0.0, 1.0), "seed": 0},
    ],
)
def test_chances_and_losses_mean_the_same_to_both(how):
    weights, rows = made(7)
    order, rate = schedule(7)
    agree(weights, rows, order, rate, steps=20, **how)


def test_columns_and_slopes_of_zeros_stay_as_they_were_but_for_their_decay():
    weights, rows = made(8)
    rows.x[:, 2], rows.own[:, 1] = 0, 0
    order, rate = schedule(8)
    after = net_kernel.train(weights, rows, order, rate, steps=20, **HOW | {"decay": 0.0})
    for name in ("w1", "skip"):
        np.testing.assert_array_equal(after[name][2], weights[name][2])
    np.testing.assert_array_equal(after["own"][:, 1], weights["own"][:, 1])
    agree(weights, rows, order, rate, steps=20)


def test_errors_far_in_the_tail_pull_as_hard_as_at_its_beginning():
    weights, rows = made(9)
    rows.target[::3] -= 60  # forecasts 60 log units too high
    order, rate = schedule(9)
    agree(weights, rows, order, rate, steps=20)


def test_only_the_steps_asked_for_are_run():
    weights, rows = made(10)
    order, rate = schedule(10)
    some = net_kernel.train(weights, rows, order, rate, steps=7, **HOW)
    cut = net_kernel.train(weights, rows, order[:7], rate[:7], steps=7, **HOW)
    none = net_kernel.train(weights, rows, order, rate, steps=0, **HOW)
    for name in weights:
        assert some[name].tobytes() == cut[name].tobytes()
        assert none[name].tobytes() == weights[name].tobytes()


def test_equal_input_gives_equal_bits_and_is_left_alone():
    weights, rows = made(11)
    order, rate = schedule(11)
    kept = {name: value.copy() for name, value in weights.items()}
    first, second = (net_kernel.train(weights, rows, order, rate, steps=20, **HOW) for _ in range(2))
    for name in weights:
        assert first[name].tobytes() == second[name].tobytes()
        assert weights[name].tobytes() == kept[name].tobytes()


def plain_logs(weights, rows) -> np.ndarray:
    """The network in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    tables = zip(("store", "product", "week"), rows.codes.T, strict=True)
    embedded = np.concatenate([w[name][codes] for name, codes in tables], axis=1)

    def silu(z):
        return z / (1 + np.exp(-z))

    first = silu(rows.x @ w["w1"] + embedded @ w["e1"] + w["b1"])
    second = silu(first @ w["w2"] + w["b2"])
    sloped = np.einsum("nm,nmh->nh", rows.own, w["own"][rows.codes[:, 1]])
    return second @ w["w3"] + w["b3"] + rows.x @ w["skip"] + sloped


@pytest.mark.parametrize(
    ("rows", "columns", "slopes", "widths"),
    [(1, 1, 0, (64, 32)), (61, 7, 2, (24, 10)), (500, 48, 12, (64, 32))],
)
def test_a_forecast_is_the_networks_plain_formula(rows, columns, slopes, widths):
    weights, data = made(rows, rows=rows, columns=columns, slopes=slopes, widths=widths)
    found = net_kernel.forecast(weights, data.x, data.own, data.codes)
    np.testing.assert_allclose(found, plain_logs(weights, data), atol=1e-5)


def test_a_rows_forecast_does_not_depend_on_the_rows_beside_it():
    weights, data = made(12)
    whole = net_kernel.forecast(weights, data.x, data.own, data.codes)
    some = np.random.default_rng(1).permutation(400)[:77]
    part = net_kernel.forecast(weights, data.x[some], data.own[some], data.codes[some])
    assert part.tobytes() == whole[some].tobytes()


def test_training_by_the_kernel_imports_no_jax():
    code = (
        "import sys; from tests.models.made_nets import *; from tests.models.test_net import QUICK, sales; "
        "QUICK.fit(sales(weeks=20), seed=1); sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_told_of_the_loss_is_that_of_its_forecasts_and_changes_no_bit():
    weights, rows = made(5)
    order, rate = schedule(5, missing=0.2)
    how = HOW | {"dropout": 0.0, "unknown": (0.0, 0.0, 0.0)}
    told = np.zeros(len(order))
    silent = net_kernel.train(weights, rows, order, rate, steps=len(order), **how)
    telling = net_kernel.train(weights, rows, order, rate, steps=len(order), **how, told=told)
    assert all(np.array_equal(silent[name], telling[name]) for name in weights)
    drawn = order[0][order[0] >= 0]
    logs = net_kernel.forecast(weights, rows.x, rows.own, rows.codes)[drawn]
    a, b, c = (logs - rows.target[drawn, None]).T
    beyond = np.e * np.maximum(a - 1, 0)  # its tangent goes on beyond 1
    losses = (rows.weight[drawn] * (np.abs(np.expm1(np.minimum(a, 1))) + beyond), np.abs(b), c**2)
    assert told[0] == pytest.approx(np.dot(HOW["losses"], [loss.mean() for loss in losses]), rel=1e-4)

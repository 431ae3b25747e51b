"""The training of a network as one compiled JAX program: every step of a fit runs inside a single call.

Shapes alone decide what is compiled. Examples, tables and steps come padded to a few sizes; the number of steps, the
rates and the seed are arguments. A padded row is never drawn, and a padded column or slot stays 0.

JAX works here on one thread: its client is made while the variable `NPROC` is 1, which sizes its thread pool (on
these shapes two threads cost 1.5 times the CPU seconds). Equal input gives equal bits on one machine.
"""

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fleetcast.models.net_rows import DECAYED, Rows

Weights = dict[str, npt.NDArray[np.float32]]
Tensors = dict[str, jax.Array]

MOMENTUM, VARIANCE, TINY = 0.9, 0.999, 1e-8  # of Adam (Kingma & Ba 2015)
TAIL = 1.0  # log error from which |expm1(error)| goes on as its tangent
GOLDEN = np.uint32(2654435769)  # 2³² / golden ratio: consecutive steps get unrelated seeds


class _Schedule(NamedTuple):
    """What each step draws and how far it goes."""

    order: jax.Array  # int32 [steps, batch], row numbers; −1 is no row
    rate: jax.Array  # float32 [steps], learning rate
    steps: jax.Array  # int32, how many of them are run


class _Rates(NamedTuple):
    """The scalars of training."""

    decay: jax.Array  # share of a weight that is lost per step, times the learning rate
    keep: jax.Array  # 1 − dropout, read in steps of 1/256
    unknown: jax.Array  # [3], how often a store, product or week is read as unknown
    heads: jax.Array  # [3], weights of the mape, median and mean losses


class _Batch(NamedTuple):
    """`Rows` on the device."""

    x: jax.Array
    own: jax.Array
    codes: jax.Array
    target: jax.Array
    weight: jax.Array


def enable_cache(folder: Path) -> None:
    """Keep compiled programs in a folder: the next process loads what this one compiles."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in options.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]


def train(
    weights: Weights,
    rows: Rows,
    order: npt.NDArray[np.int32],
    rate: npt.NDArray[np.float32],
    *,
    steps: int,
    decay: float,
    dropout: float,
    unknown: tuple[float, float, float],
    losses: tuple[float, float, float],
    seed: int,
) -> Weights:
    """Weights after `steps` steps, with row numbers [steps, batch] in `order` (−1: none) and learning rates `rate`.

    `unknown` says how often a store, product or week is read as its unknown slot, `losses` weighs the three heads;
    `seed` draws what dropout and the unknown slots hide.
    """
    _one_thread()
    schedule = _Schedule(jnp.asarray(order), jnp.asarray(rate), jnp.int32(steps))
    rates = _Rates(*(jnp.asarray(value, jnp.float32) for value in (decay, 1 - dropout, unknown, losses)))
    tensors = {name: jnp.asarray(value) for name, value in weights.items()}
    trained: Tensors = _train(tensors, _Batch(*map(jnp.asarray, rows)), schedule, rates, jnp.uint32(seed))
    return {name: np.asarray(value) for name, value in trained.items()}


@cache
def _one_thread() -> None:
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = "1"
    jax.devices()
    del os.environ["NPROC"]
    if before is not None:
        os.environ["NPROC"] = before


@jax.jit
def _train(weights: Tensors, rows: _Batch, schedule: _Schedule, rates: _Rates, seed: jax.Array) -> Tensors:
    nothing = jax.tree.map(jnp.zeros_like, weights)

    def step(i: jax.Array, state: tuple[Tensors, Tensors, Tensors]) -> tuple[Tensors, Tensors, Tensors]:
        drawn = schedule.order[i]
        real = (drawn >= 0).astype(jnp.float32)
        batch = _Batch(*(part[jnp.maximum(drawn, 0)] for part in rows))
        gradient = jax.grad(_loss)(state[0], batch, real, rates, _mixed(seed + i.astype(jnp.uint32) * GOLDEN))
        return _adam(*state, gradient, i, schedule.rate[i], rates.decay)

    trained: Tensors = jax.lax.fori_loop(0, schedule.steps, step, (weights, nothing, nothing))[0]
    return trained


def _adam(
    weights: Tensors,
    first: Tensors,
    second: Tensors,
    gradient: Tensors,
    step: jax.Array,
    rate: jax.Array,
    decay: jax.Array,
) -> tuple[Tensors, Tensors, Tensors]:
    first = jax.tree.map(lambda m, g: MOMENTUM * m + (1 - MOMENTUM) * g, first, gradient)
    second = jax.tree.map(lambda v, g: VARIANCE * v + (1 - VARIANCE) * g * g, second, gradient)
    count = step.astype(jnp.float32) + 1
    unbiased, spread = 1 - MOMENTUM**count, 1 - VARIANCE**count

    def moved(name: str) -> jax.Array:
        move = first[name] / unbiased / (jnp.sqrt(second[name] / spread) + TINY)
        if name in DECAYED:
            move += decay * weights[name]
        return weights[name] - rate * move

    return {name: moved(name) for name in weights}, first, second


def _loss(weights: Tensors, batch: _Batch, real: jax.Array, rates: _Rates, seed: jax.Array) -> jax.Array:
    codes = _hidden(batch.codes, rates.unknown, seed)
    logs = _logs(weights, batch, codes, rates.keep, seed)
    error = logs - batch.target[:, None]
    losses = (batch.weight * _percentage(error[:, 0]), jnp.abs(error[:, 1]), jnp.square(error[:, 2]))
    return jnp.sum(real * (rates.heads @ jnp.stack(losses))) / jnp.maximum(jnp.sum(real), 1.0)


def _percentage(error: jax.Array) -> jax.Array:
    """|expm1(error)|, linear above TAIL: one wild forecast must not drown a batch."""
    inside = jnp.abs(jnp.expm1(jnp.minimum(error, TAIL)))
    return inside + jnp.exp(TAIL) * jnp.maximum(error - TAIL, 0.0)


def _logs(weights: Tensors, batch: _Batch, codes: jax.Array, keep: jax.Array, seed: jax.Array) -> jax.Array:
    x = batch.x
    tables = (weights["store"], weights["product"], weights["week"])
    embedded = jnp.concatenate([table[codes[:, i]] for i, table in enumerate(tables)], axis=1)
    first = jax.nn.silu(x @ weights["w1"] + embedded @ weights["e1"] + weights["b1"])
    second = jax.nn.silu(_dropped(first, keep, seed) @ weights["w2"] + weights["b2"])
    third = _dropped(second, keep, seed + np.uint32(1)) @ weights["w3"] + weights["b3"]
    slopes = weights["own"][codes[:, 1]]
    return third + x @ weights["skip"] + jnp.einsum("nm,nmh->nh", batch.own, slopes)


def _hidden(codes: jax.Array, share: jax.Array, seed: jax.Array) -> jax.Array:
    """Codes with a share of each column read as unknown, so that the unknown slots learn too."""
    draw = _random(codes.shape, seed + np.uint32(2)) >> 8
    return jnp.where(draw < share * np.float32(2**24), 0, codes)


def _dropped(values: jax.Array, keep: jax.Array, seed: jax.Array) -> jax.Array:
    """Dropout that reads one random byte per value; its share is a multiple of 1/256."""
    rows, width = values.shape
    word = _random((rows, -(-width // 4)), seed)
    draw = jnp.concatenate([(word >> shift) & 255 for shift in (0, 8, 16, 24)], axis=1)[:, :width]
    kept = jnp.round(keep * 256)
    return jnp.where(draw.astype(jnp.float32) < kept, values * (256 / kept), 0.0)


def _random(shape: tuple[int, ...], seed: jax.Array) -> jax.Array:
    """32 random bits per place. Threefry, JAX's own, takes as long as the network."""
    place = jax.lax.iota(jnp.uint32, int(np.prod(shape))).reshape(shape)
    return _mixed(_mixed(place ^ seed) + seed)


def _mixed(bits: jax.Array) -> jax.Array:
    """A bijection that scatters bits (Wellons' lowbias32)."""
    bits = (bits ^ (bits >> 16)) * np.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * np.uint32(0x846CA68B)
    return bits ^ (bits >> 16)

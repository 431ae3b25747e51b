"""The boxes of JAX: what is padded to share a compiled program, and that it changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.models.made_nets import HOW, made, schedule
from tests.models.test_net import sales

from fleetcast.models import net_boxes, net_program
from fleetcast.models.net import Net
from fleetcast.models.net_boxes import boxed

QUICK = Net(epochs=4, batch=128, fewest_steps=1, engine="jax")


def test_padding_changes_nothing():
    weights, rows = made(3, rows=300, columns=6, slopes=2)
    order, rate = schedule(3, rows=300, steps=12, batch=40)
    tight = net_program.train(weights, rows, order, rate, steps=12, **HOW)
    roomy = net_boxes.train(weights, rows, order, rate, steps=12, **HOW)
    for name in weights:
        np.testing.assert_allclose(roomy[name], tight[name], atol=2e-5)


def test_a_padded_column_slot_or_slope_stays_zero():
    weights, rows = made(4, rows=300, columns=6, slopes=2)
    order, rate = schedule(4, rows=300, steps=12, batch=40)
    box = boxed(weights, rows=300, steps=12)
    grown = rows.padded(box.rows, box.columns, box.slopes)
    after = net_program.train(box.padded(weights), grown, order, rate, steps=12, **HOW)
    assert all(not np.any(after[name][len(weights[name]) :]) for name in weights)
    assert not np.any(after["own"][:, 2:])


def test_segments_of_like_size_share_one_compiled_program():
    QUICK.fit(sales(), seed=1)
    before = net_program._train._cache_size()
    for stores, weeks in ((2, 40), (5, 55), (3, 60)):
        net = QUICK.fit(sales(stores=stores, weeks=weeks), seed=stores)
        QUICK.fit(sales(stores=stores, weeks=weeks), seed=9, warm=net)
    assert net_program._train._cache_size() == before


def test_another_number_of_columns_within_sixteen_needs_no_other_program():
    wide, wider = (
        {
            "w1": np.zeros((p, 8)),
            "store": np.zeros((9, 8)),
            "product": np.zeros((4, 6)),
            "own": np.zeros((4, p - 30, 3)),
        }
        for p in (33, 46)
    )
    assert boxed(wide, rows=70_000, steps=900) == boxed(wider, rows=40_000 * 2, steps=100)


def test_both_engines_train_the_same_network():
    by_jax, by_kernel = (replace(QUICK, engine=engine).fit(sales(), seed=5) for engine in ("jax", "cpu"))
    np.testing.assert_allclose(by_kernel.logs(sales()), by_jax.logs(sales()), atol=1e-4)


def test_compiled_programs_are_kept_for_the_next_process(tmp_path: Path):
    import jax

    kept = {name: getattr(jax.config, name) for name in CACHE_OPTIONS}
    net_program.enable_cache(tmp_path / "cache")
    try:
        jax.clear_caches()
        QUICK.fit(sales(), seed=1)
        assert list((tmp_path / "cache").iterdir())
        assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    finally:
        for name, value in kept.items():
            jax.config.update(name, value)


CACHE_OPTIONS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)

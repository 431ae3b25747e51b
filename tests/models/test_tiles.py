"""Products of small matrices in registers."""

import numpy as np
import pytest

from fleetcast.models.tiles import add_product


def matrices(rows: int, depth: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng([rows, depth, columns])
    return tuple(
        random.standard_normal(shape).astype(np.float32)
        for shape in ((rows, depth), (depth, columns), (rows, columns))
    )


@pytest.mark.parametrize(
    ("rows", "depth", "columns"), [(4, 1, 8), (8, 5, 16), (64, 72, 64), (32, 33, 24), (4, 0, 8)]
)
def test_a_product_is_added_to_what_is_there(rows, depth, columns):
    a, b, z = matrices(rows, depth, columns)
    found = z.copy()
    add_product(
        a.ravel(), 0, depth, 1, b.ravel(), 0, columns, found.reshape(-1), 0, columns, rows, depth, columns
    )
    np.testing.assert_allclose(found, z + a @ b, atol=1e-5)


def test_a_transposed_matrix_is_read_by_its_strides():
    a, b, z = matrices(16, 6, 8)
    found = z.copy()
    across = np.ascontiguousarray(a.T)
    add_product(across.ravel(), 0, 1, 16, b.ravel(), 0, 8, found.reshape(-1), 0, 8, 16, 6, 8)
    np.testing.assert_allclose(found, z + a @ b, atol=1e-5)


def test_a_matrix_may_lie_within_a_longer_array_and_nothing_beside_it_is_touched():
    a, b, _ = matrices(4, 3, 8)
    z = np.full(100, 7, np.float32)
    add_product(a.ravel(), 0, 3, 1, b.ravel(), 0, 8, z, 5, 20, 4, 3, 8)
    inside = np.add.outer(20 * np.arange(4) + 5, np.arange(8))
    np.testing.assert_allclose(z[inside], 7 + a @ b, atol=1e-5)
    assert (np.delete(z, inside.ravel()) == 7).all()


def test_sums_are_added_one_after_the_other_with_every_rounding():
    a, b, z = matrices(4, 50, 16)
    expected = z.copy()
    for k in range(50):
        expected += a[:, [k]] * b[[k]]  # float32, in the same order
    found = z.copy()
    add_product(a.ravel(), 0, 50, 1, b.ravel(), 0, 16, found.reshape(-1), 0, 16, 4, 50, 16)
    np.testing.assert_array_equal(found, expected)

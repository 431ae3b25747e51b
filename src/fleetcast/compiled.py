"""How a loop is compiled that only compiled loops call: without the doors of Python and C, which cost a third of its time."""

from functools import partial

from numba import njit

inner = partial(njit, no_cpython_wrapper=True, no_cfunc_wrapper=True)

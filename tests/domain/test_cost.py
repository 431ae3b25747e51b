import numpy as np
import pytest

from fleetcast.domain.cost import metered


def test_work_is_measured_however_it_ends():
    def fail() -> None:
        sum(range(10**6))
        raise KeyError

    with pytest.raises(KeyError), metered() as meter:
        fail()
    assert meter.cost is not None
    assert 0 < meter.cost.cpu_seconds < 60
    assert meter.cost.wall_seconds > 0


def test_measuring_leaves_the_process_its_own_peak():
    with metered() as large:
        taken = np.ones(300 * 2**17)  # 300 MB
        del taken
    with metered() as small:
        sum(range(1000))
    assert large.cost is not None
    assert small.cost is not None
    assert small.cost.peak_mb >= large.cost.peak_mb > 300

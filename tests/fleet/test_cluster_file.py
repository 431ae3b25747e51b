"""The cluster file that is shipped, on Ray's fake provider: its nodes are processes of this machine."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import yaml
from tests.fleet import clusters, tasks

from fleetcast.fleet.attempts import Attempts
from fleetcast.fleet.ray_cluster import RayCluster
from fleetcast.settings import ExecutionSettings

SHIPPED = Path(__file__).parents[2] / "examples" / "cluster" / "ray.yaml"
HEAD = "f" * 51 + "00000"  # the name that the fake provider knows its head by
SECONDS = 6  # that a node may idle here, instead of the minutes of the file
COMMANDS = ("setup", "head_setup", "worker_setup", "initialization", "head_start_ray", "worker_start_ray")

pytestmark = pytest.mark.cluster


def on_this_machine(port):
    """The file with its numbers of nodes, made small, and another provider; what nodes are installed with is left out."""
    file = yaml.safe_load(SHIPPED.read_text("utf-8"))
    provider = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
    file["provider"] = {
        "type": "external",  # as `fake_multinode` it would look for a file that Ray's wheel lacks
        "module": provider,
        "gcs_address": f"127.0.0.1:{port}",
        "head_node_id": HEAD,
        "launch_multiple": True,
    }
    file |= {f"{name}_commands": [] for name in COMMANDS}
    file |= {"auth": {}, "file_mounts": {}, "cluster_synced_files": []}
    file |= {"idle_timeout_minutes": SECONDS / 60, "max_workers": 2}
    for kind in ("cpu", "gpu"):
        file["available_node_types"][kind]["resources"]["CPU"] = 1
    return file


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    port = clusters.free_port()
    file = tmp_path_factory.mktemp("cluster") / "cluster.json"
    file.write_text(json.dumps(on_this_machine(port)), "utf-8")
    environment = {
        "RAY_FAKE_CLUSTER": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
        "RAY_enable_autoscaler_v2": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    with clusters.head("--num-cpus=0", f"--autoscaling-config={file}", port=port, **environment) as at:
        yield at


def done(address, **settings):
    """By task, the kind of node it was done on, and the most nodes there were beside the head."""
    asked = ExecutionSettings(engine="ray", address=address, wait_seconds=200, **settings)
    crew = RayCluster(asked)
    found, most = [], 0
    for outcome in Attempts(crew, asked).run(tasks.node_type, [1, 2, 3, 4]):
        found.append(outcome.output)
        most = max(most, nodes())
    crew.close()
    return found, most


def nodes():
    import ray

    return sum(node["Alive"] for node in ray.nodes()) - 1


def test_the_cluster_grows_from_nothing_to_its_maximum_places_tasks_and_goes_back_to_nothing(address):
    import ray

    ray.init(address, log_to_driver=False, configure_logging=False)  # this process stays there
    assert nodes() == 0
    assert done(address) == (["cpu"] * 4, 2)
    assert done(address, gpus_per_task=1) == (["gpu"] * 4, 2)
    until = time.monotonic() + 20 * SECONDS
    while nodes() and time.monotonic() < until:
        time.sleep(0.5)
    assert nodes() == 0
    ray.shutdown()


def test_a_node_that_is_lost_costs_one_try_of_the_task_it_was_at(address, tmp_path):
    asked = ExecutionSettings(engine="ray", address=address, wait_seconds=200)
    crew = RayCluster(asked)
    threading.Thread(target=lose_node, args=(tmp_path,), daemon=True).start()
    names = ["hangs-once", "a"]
    outcomes = list(Attempts(crew, asked).run(tasks.work, [(str(tmp_path), name) for name in names]))
    crew.close()
    assert [outcome.task[1] for outcome in outcomes if outcome.again] == ["hangs-once"]
    assert sorted(outcome.output for outcome in outcomes if not outcome.again) == ["a", "hangs-once"]


def lose_node(folder):
    """Kill what stands for the node that a worker hangs on: the parent of its process."""
    while not (found := tasks.marks(folder, "hangs-once began")):
        time.sleep(0.1)
    _, parent = Path(f"/proc/{found[0][1]}/stat").read_text().rpartition(")")[2].split()[:2]
    os.kill(int(parent), signal.SIGKILL)


def test_the_file_is_one_that_ray_takes():
    from ray.autoscaler._private.util import prepare_config, validate_config

    file = prepare_config(yaml.safe_load(SHIPPED.read_text("utf-8")))
    validate_config(file | {"cluster_synced_files": []})
    smallest = {name: kind["min_workers"] for name, kind in file["available_node_types"].items()}
    assert smallest == {"ray.head.default": 0, "cpu": 0, "gpu": 0}

"""A machine that runs out of something: it is said, the service goes on, and so does the work when there is enough."""

import os
import resource
from pathlib import Path

from tests.kit.daemon import Daemon, served


def test_without_descriptors_a_project_is_tried_again(tmp_path: Path) -> None:
    """The status says so, and the save that fell into that time is packaged afterwards."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        pid = daemon.process.pid
        taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        free = next(number for number in range(1000) if number not in taken)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        world.write("src/shop/pipelines/features/nodes.py", "a = 2\n")
        said = daemon.until("ConditionChanged", world.root, message="Retrying (Shortage): ")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        daemon.until("Packaged", world.root)
        daemon.ready(world.root)

    assert said["message"].endswith("too many open files")
    assert str(world.root) in said["message"]
    assert "Bug" not in daemon.log.read_text()

"""The examples for Kubernetes: valid by the schemas of its API, and each command in them is one of ours."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, latest_version, validate

from micropkgd.cli.parser import make_parser
from micropkgd.machine.config import load
from micropkgd.machine.places import usual_places
from micropkgd.machine.shards import Shard
from micropkgd.model.settings import LogFormat
from tests.kit.places import REPOSITORY

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
FILES = sorted(path for path in KUBERNETES.glob("*/*.yaml") if path.name != "kustomization.yaml")
IMAGE = "micropkgd:latest"


def documents(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def pods(value: object) -> Iterator[Mapping[str, Any]]:
    """Every pod that is described below a value."""
    if isinstance(value, Mapping):
        if "containers" in value:
            yield value
        for inner in value.values():
            yield from pods(inner)


def ours(path: Path) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every container of our image, with its pod."""
    found = [pod for document in documents(path) for pod in pods(document)]
    every = [(one, pod) for pod in found for one in (*pod.get("initContainers", ()), *pod["containers"])]
    return [(one, pod) for one, pod in every if one["image"] == IMAGE]


def commands(container: Mapping[str, Any]) -> Iterator[list[str]]:
    """What a container runs of our program, probes too, without the program's name."""
    yield container["args"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if probe in container:
            program, *words = container[probe]["exec"]["command"]
            assert program == "micropkgd"
            yield words


def test_there_is_an_example_of_each_kind() -> None:
    """An init container, a sidecar, a CronJob and a fleet."""
    assert [path.name for path in FILES] == ["cronjob.yaml", "fleet.yaml", "init-container.yaml", "sidecar.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_is_valid(path: Path) -> None:
    """Every object keeps to its schema, without a key that the schema does not know."""
    for document in documents(path):
        validate(document, latest_version(), strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_wrong_example_would_be_found(path: Path) -> None:
    """The schemas refuse a key that does not exist, deep inside."""
    (document, *_) = documents(path)
    next(pods(document))["containers"][0]["imagePullPolice"] = "Always"

    with pytest.raises(ValidationError):
        validate(document, latest_version(), strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_command_is_understood(path: Path) -> None:
    """The real parser takes it, and every project it names lies on a volume."""
    found = ours(path)
    assert found
    for container, _ in found:
        assert "command" not in container  # the image's entry point is the program
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert "/state" in mounts
        for words in commands(container):
            options = make_parser().parse_args(words)
            assert {path.removesuffix("/*") for path in getattr(options, "projects", [])} <= set(mounts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_allowed_that_is_not_needed(path: Path) -> None:
    """A user that is not root, a read-only root folder, no capability, and no token of the cluster."""
    for container, pod in ours(path):
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False


def test_nothing_before_the_sidecar_can_keep_the_work_from_starting() -> None:
    """A pass that must end in sync would, while a source is away or an edit holds an entry."""
    path = next(path for path in FILES if path.name == "sidecar.yaml")
    (pod,) = (pod for document in documents(path) for pod in pods(document))

    assert [one["name"] for one in pod["initContainers"]] == ["micropkgd"]


def test_the_sidecar_is_native_and_lets_the_work_wait() -> None:
    """It restarts by itself, and its startup probe asks for the first pass, for five minutes."""
    path = next(path for path in FILES if path.name == "sidecar.yaml")
    sidecar = next(one for one, _ in ours(path) if one["name"] == "micropkgd")

    assert sidecar["restartPolicy"] == "Always"
    assert "--ready" in sidecar["startupProbe"]["exec"]["command"]
    assert sidecar["startupProbe"]["periodSeconds"] * sidecar["startupProbe"]["failureThreshold"] == 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_overlay_leads_to_its_example_and_the_base(path: Path) -> None:
    """Each file that a kustomization names is there, and the config that containers mount is made by the base."""
    (overlay,) = documents(path.parent / "kustomization.yaml")
    (base,) = documents(KUBERNETES / "base" / "kustomization.yaml")
    (generated,) = base["configMapGenerator"]

    assert overlay["resources"] == ["../base", path.name]
    assert [(KUBERNETES / "base" / name).is_file() for name in generated["files"]] == [True]
    for container, pod in ours(path):
        (volume,) = (one for one in pod["volumes"] if "configMap" in one)
        (mount,) = (one for one in container["volumeMounts"] if one["name"] == volume["name"])
        assert volume["configMap"]["name"] == generated["name"]
        assert f"{mount['mountPath']}/{generated['files'][0]}" == usual_places({"HOME": "/"})[1]


def test_the_base_holds_a_config() -> None:
    """It is read as the machine's config is."""
    settings = load(str(KUBERNETES / "base" / "config.toml"), {})
    assert settings.log_format is LogFormat.JSON


def test_the_fleet_has_as_many_parts_as_pods() -> None:
    """`completions` and the N of `auto/N` are one number; each part is done by the pod of that index."""
    path = next(path for path in FILES if path.name == "fleet.yaml")
    (job,) = documents(path)
    ((container, _),) = ours(path)
    options = make_parser().parse_args(container["args"])

    assert job["spec"]["completionMode"] == "Indexed"
    parts = [Shard.parse(options.shard, {"JOB_COMPLETION_INDEX": str(n)}) for n in range(job["spec"]["completions"])]
    assert parts == [Shard(n + 1, job["spec"]["completions"]) for n in range(len(parts))]

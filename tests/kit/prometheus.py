"""Prometheus as the tests use it: what a service really told, held for as long as an alert waits, by its own rules.

`promtool` evaluates the rules of `contrib/`, so that nothing here says what an alert means. Time is moved: what was
scraped stays so for hours, times in it move along, and the age of a pass grows.
"""

import shutil
import subprocess
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.places import REPOSITORY
from tests.kit.site import Site

RULES: Final = REPOSITORY / "contrib/prometheus/micropkgd.rules.yaml"
_JOB: Final = {"job": "micropkgd", "instance": "box:8474"}
_FAULT_AT: Final = 30  # minutes
_HOURS: Final = 30 * 60  # minutes that what was scraped holds
_FIRING: Final = 'group by (alertname) (ALERTS{alertstate="firing"})'

Series = tuple[str, frozenset[tuple[str, str]]]


class Scrape(NamedTuple):
    """All that a service told at a moment."""

    at: float  # seconds since the epoch
    samples: Mapping[Series, float]


def scrape(site: Site) -> Scrape:
    """Ask a service as Prometheus does; one that does not answer is down."""
    try:
        text = site.get("/metrics").body.decode()
    except OSError:
        return Scrape(time.time(), {_named("up", {}): 0.0})
    found = {
        _named(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }
    return Scrape(time.time(), {**found, _named("up", {}): 1.0})


def scrape_at_rest(site: Site) -> Scrape:
    """The same between two passes: one that is under way would last for as long as the scrape holds."""
    while True:
        found = scrape(site)
        if not any(name == "micropkgd_pass_age_seconds" for name, _ in found.samples):
            return found
        time.sleep(0.02)


def check(folder: Path, before: Scrape | None, after: Scrape, expected: Mapping[int, Collection[str]]) -> None:
    """Hold the alerts that fire so many minutes after a fault against those that are expected; before it, none does."""
    series = sorted({*after.samples, *(before.samples if before else {})}, key=str)
    eras = [(before, -1), (after, 0)]
    moments = {_FAULT_AT + minutes: names for minutes, names in expected.items()}
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": _written(one), "values": " ".join(_values(one, era, at) for era, at in eras)}
                    for one in series
                ],
                "promql_expr_test": [
                    _expected(minute, names) for minute, names in sorted({_FAULT_AT - 1: (), **moments}.items())
                ],
            }
        ],
    }
    path = folder / "alerts.test.yaml"
    path.write_text(yaml.safe_dump(document))
    if shutil.which("promtool") is None:
        pytest.fail("promtool is not installed: `apt-get install prometheus`, or run `.ci/run`, which does")
    ran = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _named(name: str, labels: Mapping[str, str]) -> Series:
    return name, frozenset({**labels, **_JOB}.items())


def _written(series: Series) -> str:
    labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(series[1]))
    return f"{series[0]}{{{labels}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _values(series: Series, era: Scrape | None, minute: int) -> str:
    """What a series is for as long as an era lasts, in promtool's words."""
    last = _FAULT_AT - 1 if minute < 0 else _HOURS
    value = era.samples.get(series) if era is not None else None
    if value is None:
        return f"_x{_FAULT_AT}" if minute < 0 else f"stale _x{last}"
    if series[0].endswith("_timestamp_seconds") and era is not None:
        value += (_FAULT_AT + minute) * 60 - era.at
    grows = 60 if series[0] == "micropkgd_pass_age_seconds" else 0
    return f"{value:f}+{grows}x{last}"


def _expected(minute: int, names: Collection[str]) -> Mapping[str, Any]:
    alerts = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)]
    return {"expr": _FIRING, "eval_time": f"{minute}m", "exp_samples": alerts}

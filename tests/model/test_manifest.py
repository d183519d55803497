"""The manifest as values: which keys there are, what they mean, and what is refused."""

from collections.abc import Mapping

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.fields import ManifestError
from micropkgd.model.manifest import Manifest
from micropkgd.model.policy import OnDanglingImport, OnLocalEdit, Policy, Update
from micropkgd.model.project_tables import KEDRO_PULL, OWN_PULL

KEDRO = {"package_name": "shop", "project_name": "Shop", "kedro_init_version": "0.19.15"}


def manifest(own: Mapping[str, object] | None = None, kedro: Mapping[str, object] | None = None) -> Manifest:
    """The manifest of a Kedro project with these tables of ours and these additions to Kedro's."""
    return Manifest.from_mapping({"tool": {"kedro": {**KEDRO, **(kedro or {})}, "micropkgd": own or {}}})


def test_an_empty_manifest_has_the_documented_policy() -> None:
    """Each default of docs/formats.md."""
    assert manifest() == Manifest(
        manifest().project, (), (),
        Policy(OnLocalEdit.MERGE, True, Update.FOLLOW, "requirements.in", OnDanglingImport.WARN),
    )  # fmt: skip


def test_every_key_of_a_pull_entry() -> None:
    """Each key arrives where the loop looks for it."""
    row = {
        "alias": "forecast", "destination": "pipelines.nested", "env": "uat", "fs-args": "a.yml",
        "sha256": "ab" * 32, "keep-deleted": ["x/*"],
    }  # fmt: skip
    (entry,) = manifest({"pull": {"ds.tar.gz": row}}).pulls

    assert (entry.alias, entry.destination, entry.env) == ("forecast", ("pipelines", "nested"), "uat")
    assert (entry.fs_args, entry.sha256, entry.keep_deleted) == ("a.yml", f"sha256:{'ab' * 32}", ("x/*",))
    assert entry.home == OWN_PULL


def test_an_index_is_for_packages_of_an_index() -> None:
    """A row's own index comes before the policy's; for an archive's address it means nothing and is refused."""
    rows = {"ds>=1": {"index": "https://a/simple/"}, "utils>=1": {}}
    found = manifest({"pull": rows, "index-url": "https://b/simple/"})
    assert [entry.index_url for entry in found.pulls] == ["https://a/simple/", "https://b/simple/"]

    with pytest.raises(ManifestError, match="is not a package of an index"):
        manifest({"pull": {"ds.tar.gz": {"index": "https://a/simple/"}}})


def test_rows_of_both_homes_are_read() -> None:
    """Kedro's table first, each row knowing its home."""
    found = manifest({"pull": {"b.tar.gz": {}}}, {"micropkg": {"pull": {"a.tar.gz": {"fs_args": "x.yml"}}}})

    assert [(entry.ref.text, entry.home) for entry in found.pulls] == [("a.tar.gz", KEDRO_PULL), ("b.tar.gz", OWN_PULL)]
    assert found.pulls[0].fs_args == "x.yml"


def test_both_spellings_of_fs_args_together_are_refused() -> None:
    """One of the two would be ignored silently."""
    with pytest.raises(ManifestError, match="are the same key"):
        manifest({"pull": {"a.tar.gz": {"fs-args": "x", "fs_args": "y"}}})


def test_package_entries() -> None:
    """The other manifest is read from both homes too."""
    kedro = {"micropkg": {"package": {"utils": {"alias": "aliased", "destination": "somewhere/else", "env": "uat"}}}}
    found = manifest({"package": {"pipelines.features": {"publish": "s3://team/x/"}}}, kedro)

    assert [(entry.module, entry.destination) for entry in found.packages] == [
        ("utils", "somewhere/else"), ("pipelines.features", "dist"),
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["https://[/simple/", "https://host:99999/simple/", "https:///simple/"])
def test_an_index_without_a_host_is_no_place_to_publish_at(place: str) -> None:
    """It is an error of the manifest, before anything is packaged."""
    with pytest.raises(ManifestError, match="not a place to publish at"):
        manifest({"package": {"a": {"publish": place}}})


def test_where_a_package_is_published() -> None:
    """A slash at the end is nobody's to remember; an index is sent to above its pages."""
    rows = {"a": {"publish": "s3://team/x"}, "b": {"publish": "https://i.example/u/+simple/", "overwrite": True}}
    bucket, index = (entry.publish for entry in manifest({"package": rows}).packages if entry.publish)

    assert bucket.ref("a-1.tar.gz", "a", "1").text == "s3://team/x/a-1.tar.gz"
    assert index.upload_url == "https://i.example/u/"


def test_a_plain_python_project() -> None:
    """Without Kedro, our own project table says what must be known."""
    own = {"project": {"package": "shop", "source-dir": "lib", "tests": "checks", "conf": "config", "base-env": "main"}}
    found = Manifest.from_mapping({"tool": {"micropkgd": own}}).project

    assert (found.package, found.source_dir, found.tests_dir, found.conf_dir) == ("shop", "lib", "checks", "config")
    assert found.base_env == "main"


@pytest.mark.parametrize(
    ("own", "path"),
    [
        pytest.param({"pull": {"a.tar.gz": {"nope": 1}}}, (*OWN_PULL, "a.tar.gz", "nope"), id="unknown-key"),
        pytest.param({"pull": {"a.tar.gz": {"alias": 1}}}, (*OWN_PULL, "a.tar.gz", "alias"), id="kind"),
        pytest.param({"pull": {"a.tar.gz": 1}}, (*OWN_PULL, "a.tar.gz"), id="row"),
        pytest.param({"pull": {"": {}}}, (*OWN_PULL, ""), id="ref"),
        pytest.param({"pull": []}, OWN_PULL, id="table"),
        pytest.param({"package": {"x²": {}}}, ("tool", "micropkgd", "package", "x²"), id="no-python-name"),
        pytest.param({"update": "never"}, ("tool", "micropkgd", "update"), id="choice"),
        pytest.param({"requirements-file": "../r.in"}, ("tool", "micropkgd", "requirements-file"), id="outside"),
        pytest.param({"requirements-file": "pyproject.toml"}, ("tool", "micropkgd", "requirements-file"), id="itself"),
        pytest.param({"requirements-file": "environment.yml"}, ("tool", "micropkgd", "requirements-file"), id="conda"),
        pytest.param({"requirements-file": "src/shop/a.py"}, ("tool", "micropkgd", "requirements-file"), id="code"),
        pytest.param({"requirements-file": ".git/config"}, ("tool", "micropkgd", "requirements-file"), id="hidden"),
        pytest.param(
            {"project": {"package": "shop", "conf": ".conf"}},
            ("tool", "micropkgd", "project", "conf"),
            id="hidden-conf",
        ),
    ],
)
def test_each_error_has_the_address_of_its_key(own: Mapping[str, object], path: tuple[str, ...]) -> None:
    """Whoever holds the text turns the address into a line."""
    with pytest.raises(ManifestError) as caught:
        manifest(own)

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "hint"),
    [("src/shop/pipelines", "write `pipelines`"), ("shop.a.b", "write `a/b`"), ("shop", "leave it out")],
)
def test_a_destination_that_names_the_package_folder_is_refused(text: str, hint: str) -> None:
    """It would make `src/shop/src/shop/pipelines`."""
    tool = {"kedro": {"package_name": "shop"}, "micropkgd": {"pull": {"a.tar.gz": {"destination": text}}}}
    with pytest.raises(DocumentError, match="names the package folder") as caught:
        Manifest.from_mapping({"tool": tool})
    assert caught.value.hint.startswith(hint)

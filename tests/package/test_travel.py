"""What sync tools, editors, merges and people leave lying about, and what nobody means to give away."""

import json

import pytest

from micropkgd.reconcile.package.travel import why_not_content, why_not_file, why_not_folder
from tests.kit.packages import CODE, CONF, TESTS, inside, module, package
from tests.kit.world import World

COPIES = [
    "nodes.sync-conflict-20240101-123456-ABCDEFG.py", "nodes (conflicted copy 2024-01-01).py",
    "nodes (Ann's conflicted copy 2024-01-01).py", "table (conflicted copy 2024-01-01 123456).csv",
    "nodes (In Konflikt stehende Kopie von Ann 2024-01-01).py", "nodes (Copie en conflit de Ann 2024-01-01).py",
    "nodes (Case Conflict).py", "nodes (SFConflict ann@example.com 2024-01-01-12-34-56).py", "nodes (Conflict).py",
    "nodes_conflict-20240101-123456.py", "nodes[Conflict].py", "nodes-DESKTOP-AB12CD3.py", "nodes-LAPTOP-AB12CD34-2.py",
    "nodes_BACKUP_1234.py", "nodes_REMOTE_1234.py", "nodes.py.mine", "nodes.py.r17", "nodes (1).py", "nodes - Copy.py",
    "nodes - Copy (2).py", "nodes copy.py", "nodes copy 2.py", "nodes 2.py",
]  # fmt: skip
TEMPORARY = ["~syncthing~nodes.py.tmp", "nodes.py.tmp", "table.csv.part", "table.csv.crdownload", "nodes.py.!sync"]
BACKUPS = [
    "nodes.py~",
    "nodes.py.BAK",
    "#nodes.py#",
    "nodes.py.swp",
    "nodes.py.orig",
    "~$table.xlsx",
    "x.py___jb_tmp___",
]
SYSTEMS = ["Thumbs.db", "desktop.ini"]
KEYS = ["id_rsa", "id_ed25519", "id_ed25519_sk", "server.key", "store.PFX", "me.ppk", "keys.kdbx", "terraform.tfstate"]
CREDENTIALS = [
    "credentials", "credentials.yml", "Credentials.json", "google-credentials.json", "client_secret_12.json",
    "secrets.toml", "secret.txt", "passwords.csv", "service-account.json", "service_account_prod.json", "prod.env",
    "shop-firebase-adminsdk-x1.json",
]  # fmt: skip
TRAVEL = [
    "nodes.py", "credentials.py", "secrets.py", "conflict.py", "conflicts.csv", "copy.py", "table (1).csv", "part.py",
    "model_base_1.pkl", "config_local_2.yml", "keys.json", "env.yml", "environment.yml", "my-desktop-theme.css", "x.r",
    "cacert.pem", "id_rsa.pub", "monkey.txt", "model.save", "secretary.csv", "nodes2.py", "v 2.csv", "backup.py",
]  # fmt: skip
REASONS = {
    "is a copy that": COPIES, "temporary": TEMPORARY, "backup": BACKUPS, "desktop": SYSTEMS, "private keys": KEYS,
    "credentials files": CREDENTIALS,
}  # fmt: skip
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(("reason", "name"), [(reason, name) for reason, names in REASONS.items() for name in names])
def test_names_that_stay(reason: str, name: str) -> None:
    """With the reason that is told."""
    assert reason in why_not_file(name)


@pytest.mark.parametrize("name", TRAVEL)
def test_names_that_only_look_alike(name: str) -> None:
    """They are somebody's work."""
    assert why_not_file(name) == ""


def test_folders_that_stay() -> None:
    """Nothing in them is looked at."""
    assert "copy" in why_not_folder("sub (conflicted copy 2024-01-01)")
    assert "desktop" in why_not_folder("__MACOSX")
    assert why_not_folder("credentials") == why_not_folder("conflicts") == ""


@pytest.mark.parametrize(
    ("head", "stays"),
    [
        (PEM, True), (f'{{"type": "service_account", "private_key": "{PEM}"}}', True),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", True), ("-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", True), ("-----BEGIN CERTIFICATE-----", False),
        ("-----BEGIN PUBLIC KEY-----", False), ("a,PuTTY-User-Key-File-2\n", False),
    ],
)  # fmt: skip
def test_a_private_key_under_any_name(head: str, stays: bool) -> None:
    """By how it begins; code that speaks of one is code."""
    assert bool(why_not_content("data.txt", head.encode())) is stays
    assert why_not_content("keys.py", head.encode()) == ""


def test_what_stays_is_named_one_line_each(world: World) -> None:
    """In a folder, in a folder that is itself a copy, among tests and parameters; once, and the archive has none."""
    mark = "sync-conflict-20240101-123456-ABCDEFG"
    left = [
        f"{CODE}/nodes.{mark}.py", f"{CODE}/sub (conflicted copy 2024-01-01)", f"{CODE}/server.pem",
        f"{TESTS}/nodes (1).py", f"{CONF}/parameters_ds.{mark}.yml",
    ]  # fmt: skip
    module(world, {"nodes.py": "", f"/{TESTS}/test_ds.py": ""})
    for path in left:
        world.write(f"{path}/x.py" if "." not in path.rpartition("/")[2] else path, PEM)
    said = package(world)

    assert [line.partition(" (is a copy")[0].partition(" (private")[0] for line in said.out.splitlines()[1:-1]] == [
        f"  left out: {path}" for path in (left[0], left[1], left[3], left[4], left[2])
    ]
    assert inside(world).keys() == {"ds/__init__.py", "ds/nodes.py", "tests/__init__.py", "tests/test_ds.py"}


def test_a_pointer_of_git_lfs_is_told(world: World) -> None:
    """It travels, for it may be meant; whoever fetches the module would not find the data."""
    module(world, {"table.parquet": POINTER})
    said = package(world)
    assert f"{CODE}/table.parquet: is a pointer of Git LFS" in said.out
    assert "ds/table.parquet" in inside(world)


@pytest.mark.parametrize("path", ["tests/pipelines/test_ds.py", "tests/test_ds.py", "tests/pipelines/ds_test.py"])
def test_tests_that_lie_beside_are_told(world: World, path: str) -> None:
    """They are the module's by their name only."""
    module(world)
    world.write("tests/pipelines/test_dsx.py", "")
    world.write(path, "")
    (found,) = json.loads(package(world, "--json").out)["projects"]
    (row,) = found["packages"]
    assert row["left_out"] == [{"path": path, "reason": f"lies beside: only tests in {TESTS}/ travel"}]

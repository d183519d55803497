"""What a command of the config gets, and what is left of it afterwards."""

import asyncio
import os
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from micropkgd.service.hooks import command
from micropkgd.service.hooks.command import CommandResult
from tests.kit.daemon import PATIENCE

FACTS = {"PROJECT": "/srv/shop", "ENTRIES": "a.tar.gz\n$(touch evil); b"}


def ran(folder: Path, *argv: str, seconds: float = 30.0) -> CommandResult:
    """How a command ended."""
    return asyncio.run(command.run(argv, FACTS, str(folder), seconds))


def python(folder: Path, code: str, seconds: float = 30.0) -> CommandResult:
    """How a program ended."""
    return ran(folder, sys.executable, "-c", code, seconds=seconds)


def test_words_are_no_line_for_a_shell(tmp_path: Path) -> None:
    """What a shell would take for more than a word is one."""
    assert ran(tmp_path, "echo", "$HOME; touch x", "`id`").said == "$HOME; touch x `id`"
    assert list(tmp_path.iterdir()) == []


def test_only_named_variables_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every program needs, and what happened."""
    kept = {"LANG": "C.UTF-8", "HOME": "/h", "TMPDIR": "/t", "XDG_RUNTIME_DIR": "/r"}
    for name, value in {"SECRET": "x", "AWS_PROFILE": "z", "MICROPKGD_CACHE_DIR": "y", **kept}.items():
        monkeypatch.setenv(name, value)
    ended = ran(tmp_path, "env", "-0")
    names = {row.partition("=")[0] for row in ended.said.replace(" ", "\n").splitlines() if "=" in row}
    assert names == {"PATH", *kept, "PYTHONSAFEPATH", "MICROPKGD_PROJECT", "MICROPKGD_ENTRIES"}


@pytest.mark.parametrize(
    "argv", [("-m", "compileall", "-q", "."), ("-c", "import compileall"), ("-m", "json.tool", "x")]
)
def test_python_takes_no_module_from_the_project(tmp_path: Path, argv: tuple[str, ...]) -> None:
    """A file called like a module of the standard library lies in wait."""
    for name in ("compileall", "json", "sitecustomize", "usercustomize", "encodings"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    (tmp_path / "x").write_text("1\n")
    assert ran(tmp_path, sys.executable, *argv).problem == ""
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("entry", ["", ".", "bin", "{project}", "{project}/bin", "{link}", "{project}/sub/../bin"])
def test_no_program_is_found_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Whatever PATH says: of the folder it works in, of the project, by a link or by a detour."""
    project = tmp_path / "project"
    (project / "bin").mkdir(parents=True)
    (project / "sub").mkdir()
    (tmp_path / "link").symlink_to(project / "bin")
    for place in (project, project / "bin"):
        for name in ("true", "only-here"):
            (place / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
            (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{entry.format(project=project, link=tmp_path / 'link')}:/usr/bin:/bin")
    facts = {"PROJECT": str(project)}
    ended = {name: asyncio.run(command.run([name], facts, str(project), 30.0)) for name in ("true", "only-here")}
    inner = asyncio.run(command.run(["sh", "-c", "only-here || true"], facts, str(project), 30.0))

    assert ended["true"] == CommandResult("", "")
    assert ended["only-here"].problem == "`only-here` cannot be run: no such file or directory"
    assert inner.problem == ""
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["", ".", None])
def test_a_path_that_says_nothing_is_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    """An empty one would mean the working folder."""
    monkeypatch.delenv("PATH") if path is None else monkeypatch.setenv("PATH", path)
    (tmp_path / "true").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "true").chmod(0o755)
    assert ran(tmp_path, "true") == CommandResult("", "")


@pytest.mark.parametrize("program", ["./check", "bin/check", "../project/check"])
def test_a_relative_path_is_no_program(tmp_path: Path, program: str) -> None:
    """It would be one of the project's, which differs from project to project."""
    (tmp_path / "check").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "check").chmod(0o755)
    ended = ran(tmp_path, program)
    assert ended.problem == f"`{program}` is not run: it would be a program of the project; write its whole path"
    assert not (tmp_path / "ran").exists()


def test_values_arrive_whole_and_are_never_words(tmp_path: Path) -> None:
    """A ref with a command in it is text in a variable."""
    ended = python(tmp_path, "import os; print(ascii(os.environ['MICROPKGD_ENTRIES']))")
    assert ended == CommandResult("", repr(FACTS["ENTRIES"]))


def test_more_entries_than_fit_are_cut_at_a_line(tmp_path: Path) -> None:
    """Linux takes no variable above 128 KiB, and a hook that cannot be run would be a veto for ever."""
    facts = {"ENTRIES": "\n".join(f"\N{GRINNING FACE}{number:05}" for number in range(20_000)), "TRIGGER": "a\0b"}
    code = "import os; rows = os.environb[b'MICROPKGD_ENTRIES'].decode().split('\\n'); print(rows[-2][1:], rows[-1])"
    ended = asyncio.run(command.run([sys.executable, "-c", code], facts, str(tmp_path), 30.0))
    assert ended == CommandResult("", "04284 ...")


def test_no_open_file_of_ours_is_passed_on(tmp_path: Path) -> None:
    """Also where one was opened to be inherited."""
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        ended = python(tmp_path, "import os; print(sorted(os.listdir('/proc/self/fd')), os.read(0, 9))")
    assert ended == CommandResult("", "['0', '1', '2', '3'] b''")  # 3 is the listing itself


def test_a_code_that_is_not_zero_is_a_problem(tmp_path: Path) -> None:
    """With the last lines of what was printed, to either stream."""
    ended = python(tmp_path, "import sys; print(*range(9), sep='\\n', flush=True); sys.exit('no \\x1b[31mgood')")
    assert ended == CommandResult("ended with 1", "5 | 6 | 7 | 8 | no  [31mgood")


def test_a_signal_is_a_problem(tmp_path: Path) -> None:
    """It has no code to end with."""
    assert python(tmp_path, "import os; os.kill(os.getpid(), 9)").problem == "was ended by signal 9"


def test_a_program_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """It is an answer like any other."""
    assert ran(tmp_path, "no-such-program").problem == "`no-such-program` cannot be run: no such file or directory"
    gone = asyncio.run(command.run(["true"], FACTS, str(tmp_path / "gone"), 5.0))
    assert gone.problem == f"`true` cannot be run: no such file or directory: {tmp_path}/gone"


def test_whoever_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    """The whole process group, also where it will not hear of SIGTERM."""
    deaf = 'trap "" TERM; sleep 600 & echo $$ $! > pids; echo still at it; wait'
    ended = ran(tmp_path, "sh", "-c", deaf, seconds=5.0)
    assert ended == CommandResult("took longer than 5 s", "still at it")
    assert not any(is_alive(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A child in the background neither holds us up nor outlives the hook."""
    ended = ran(tmp_path, "sh", "-c", "sleep 600 & echo $! > pid; echo done")
    assert ended == CommandResult("", "done")
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_output_without_end_is_kept_as_far_as_it_can_be_shown(tmp_path: Path) -> None:
    """Memory is bounded, and so is the line."""
    tracemalloc.start()
    try:
        ended = python(tmp_path, "import sys; [sys.stdout.write('x' * 65536) for _ in range(500)]; print('end')")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20  # of 31 MiB
    assert ended.problem == ""
    assert len(ended.said) == 503
    assert ended.said.endswith("xend")


def test_a_wait_that_is_given_up_ends_the_command(tmp_path: Path) -> None:
    """As when the service is stopped."""

    async def give_up() -> None:
        task = asyncio.create_task(command.run(["sh", "-c", "echo $$ > pid; sleep 600"], {}, str(tmp_path), 600.0))
        async with asyncio.timeout(PATIENCE):
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(give_up())
    assert not is_alive(int((tmp_path / "pid").read_text()))


def is_alive(pid: int) -> bool:
    """Whether a process is still at work, a moment after it was ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True

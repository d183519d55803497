"""Opens what lies in `merged` in the merge tool that git is configured for, else in the person's editor.

Promise: only for a person at a terminal, with words and never a line for a shell. A merge tool is run by `git
mergetool` itself, on an index made for it in a folder of its own, so that every tool and option that git knows means
here what it means there; a line of `mergetool.<tool>.cmd` is the person's own, and git's to read. What a tool saved
stays where it fails, too, though git takes it back then.
Rule: the project may be hostile. No program is found in or below it, whatever PATH says.
"""

import filecmp
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.cli.programs import answer_of, run_program
from micropkgd.errors import StillHeldError, UsageError
from micropkgd.machine.safe_path import path_beside
from micropkgd.model.tree import RelPath
from micropkgd.model.variables import PREFIX
from micropkgd.named_tuples import NamedTuple

_ASKED: Final = r"^(merge\.(tool|conflictstyle)|mergetool\..*)$"
_OURS: Final = {"mergetool.keepbackup": "false", "mergetool.writetotemp": "true"}
_SAVED: Final = f"{PREFIX}SAVED"
_AND_SAVE: Final = f'( eval %s ) ; ended=$? ; test $ended = 0 || cp -- "$MERGED" "${_SAVED}/$MERGED" ; ( exit $ended )'
_VARIABLES: Final = ("VISUAL", "EDITOR")


class MergeFile(NamedTuple):
    """One file to join: where the merge lies, below `merged`, and the three that it was made of, absolute."""

    path: RelPath
    base: str | None
    ours: str
    theirs: str


class MergeTool(NamedTuple):
    """What opens the files."""

    name: str  # of git's merge tool, or the editor's command line
    program: str  # absolute
    config: Mapping[str, str] | None  # of git, for its tool; None for an editor


def require_terminal(folder: str) -> None:
    """`UsageError` where nobody could see the tool or type into it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("`--edit` needs a terminal", hint=f"edit the files in {folder} by hand, then `--merged`")


def merge_tool(root: str, environ: Mapping[str, str]) -> MergeTool:
    """The tool that is configured; `UsageError` where none is, or it cannot be found."""
    path = path_beside(root, environ.get("PATH", os.defpath))
    git = shutil.which("git", path=path)
    if git is not None:
        config = _config(git, root)
        if "merge.tool" in config:
            return MergeTool(config["merge.tool"], git, config)
    editor = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    if not editor:
        hint = "`git config --global merge.tool vimdiff`, or set VISUAL or EDITOR"
        raise UsageError("neither a merge tool of git nor an editor is configured", hint=hint)
    words = _words(editor)
    program = shutil.which(words[0], path=path)
    if program is None:
        raise UsageError(f"`{words[0]}` was not found", hint=f"see {' and '.join(_VARIABLES)}, and PATH")
    return MergeTool(editor, program, None)


def open_files(tool: MergeTool, folder: str, files: Sequence[MergeFile]) -> None:
    """Let a person join the files below `folder`; `StillHeldError` where the tool says that it failed."""
    if tool.config is None:
        words = [tool.program, *_words(tool.name)[1:], *(f"{folder}/{file.path}" for file in files)]
        ended = run_program(words, os.environ)
    else:
        with tempfile.TemporaryDirectory(prefix="micropkgd-") as temporary:
            variables = _variables(tool, tool.config, temporary, folder)
            _make_index(tool.program, variables, files)
            words = [tool.program, "-C", folder, "mergetool", "--no-prompt", "--", *(file.path for file in files)]
            for file in files:
                os.makedirs(os.path.dirname(f"{variables[_SAVED]}/{file.path}"), exist_ok=True)
            ended = run_program(words, {**os.environ, **variables})
            for file in files:
                _put_back(f"{variables[_SAVED]}/{file.path}", f"{folder}/{file.path}")
    if ended != 0:
        how = f"ended with {ended}" if ended > 0 else f"was ended by signal {-ended}"
        hint = "what was saved is still there; open it again, or edit the files by hand"
        raise StillHeldError(f"`{tool.name}` {how}", where=folder, hint=hint)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"`{line}` cannot be read as a command: {error}", hint="see VISUAL and EDITOR") from error
    return words or [line]


def _config(git: str, root: str) -> Mapping[str, str]:
    """What git is told of merge tools, for this project; the last word on each key counts."""
    ended, said = answer_of([git, "-C", root, "config", "--null", "--get-regexp", _ASKED], os.environ)
    text = said.decode(errors="surrogateescape") if ended == 0 else ""  # 1: it is told nothing
    return {row.partition("\n")[0]: row.partition("\n")[2] for row in text.split("\0") if row}


def _put_back(saved: str, merged: str) -> None:
    """What a tool saved before it failed; git has put there what stood there before."""
    if os.path.isfile(saved) and not (os.path.isfile(merged) and filecmp.cmp(saved, merged, shallow=False)):
        draft = f"{merged}~"
        shutil.copyfile(saved, draft)
        os.replace(draft, merged)


def _variables(tool: MergeTool, config: Mapping[str, str], temporary: str, folder: str) -> dict[str, str]:
    """What leads git to an index of its own, with what it is told in the project."""
    told, command, trusted = {**config, **_OURS}, *(f"mergetool.{tool.name}.{key}" for key in ("cmd", "trustexitcode"))
    if command in config:
        told[command] = _AND_SAVE % shlex.quote(config[command])
    else:
        told.setdefault(trusted, "false")  # git asks where nothing was saved, and else leaves what was
    variables = {
        _SAVED: f"{temporary}/saved",
        "GIT_DIR": f"{temporary}/git",
        "GIT_WORK_TREE": folder,
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CONFIG_COUNT": str(len(told)),
    }
    for number, (key, value) in enumerate(told.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _make_index(git: str, variables: Mapping[str, str], files: Sequence[MergeFile]) -> None:
    """An index in which each file is in conflict, as after a merge: git's stages 1, 2 and 3."""
    texts = [(stage, file.path, text) for file in files for stage, text in enumerate(file[1:], start=1) if text]
    _prepare(git, variables, "init", "--quiet")
    names = _prepare(git, variables, "hash-object", "-w", "--no-filters", "--", *(text for _, _, text in texts)).split()
    rows = (
        b"100644 %s %d\t%s\n" % (name, stage, path.encode())
        for (stage, path, _), name in zip(texts, names, strict=True)
    )
    _prepare(git, variables, "update-index", "--index-info", given=b"".join(rows))


def _prepare(git: str, variables: Mapping[str, str], *words: str, given: bytes = b"") -> bytes:
    ended, said = answer_of([git, *words], {**os.environ, **variables}, given)
    if ended != 0:
        raise StillHeldError(f"`git {words[0]}` could not prepare the merge: it ended with {ended}")
    return said

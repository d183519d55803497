"""The explanation of each kind of failure: what it means, and what to do. docs/errors.md is made from it."""

from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.model.failure_codes import CODES
from micropkgd.named_tuples import NamedTuple


class Explanation(NamedTuple):
    """One kind of failure."""

    means: str
    to_do: str


EXPLANATIONS: Final[Mapping[str, Explanation]] = {
    "Usage": Explanation(
        "The command line asks for something that cannot be: a misspelt option, a project or entry that is not there.",
        "Change the command: the hint names what was probably meant, and `--help` has examples.",
    ),
    "Document": Explanation(
        "A file that people or programs write cannot be read or contradicts itself: pyproject.toml, micropkg.lock, "
        "settings.py or a file of fs-args.",
        "Mend the line that is named. A lock in the middle of a merge is mended by `micropkgd lock`.",
    ),
    "Manifest": Explanation(
        "A table of micropkgd or Kedro in pyproject.toml says what it cannot: an unknown key, a bad name, two "
        "rows for one place, a cycle.",
        "Mend the row whose line is named; docs/formats.md has every key.",
    ),
    "Settings": Explanation(
        "The machine's config, or a variable of micropkgd's, has an unknown key or a value that cannot be.",
        "`micropkgd config check` names the place; config.example.toml has every key.",
    ),
    "OutOfStep": Explanation(
        "Manifest and lock disagree, and the command was told to change neither (`--locked`).",
        "Run `micropkgd lock`, look at what changed, and commit it.",
    ),
    "Overlap": Explanation(
        "Two entries would put files at the same place, or make the same archive.",
        "Give one of them another `alias` or `destination`.",
    ),
    "Unreachable": Explanation(
        "A source does not answer, breaks off, or is too slow. What is installed stays.",
        "Nothing, if it is an outage: the service asks again after growing pauses. Else see address, proxy and DNS.",
    ),
    "Throttled": Explanation(
        "The server asks to be left alone for a while (429, or 503 with Retry-After). What is installed stays.",
        "Wait; or ask less often (`every`), or less at once (`limits.per-host`), in the machine's config.",
    ),
    "Denied": Explanation(
        "The server wants another login (401, 403), or has none of yours.",
        "Mend the credentials: netrc, keyring, the variables that fs-args names (docs/sources.md).",
    ),
    "Gone": Explanation(
        "The source says that there is no such archive (404, 410), or no release that the requirement allows. What is "
        "installed stays.",
        "Mend the ref, ask whoever published it, or remove the entry: `micropkgd remove ENTRY`.",
    ),
    "Refused": Explanation(
        "micropkgd will not fetch this: a redirect to plain http, an archive too large, a protocol without driver.",
        "The message says which rule; docs/sources.md says what can be allowed, and where.",
    ),
    "Downloading": Explanation(
        "The archive is on its way, and the pass went on without it.",
        "Nothing: the end of the download asks for another pass.",
    ),
    "OriginNotAllowed": Explanation(
        "The machine's config does not list this origin, or this place to publish at.",
        "Whoever runs the machine may add it to `allowed-origins` or `publish-origins`.",
    ),
    "LoginWithheld": Explanation(
        "A login of this machine was not sent to a host that the project alone names.",
        "Whoever runs the machine may name the host in `credential-endpoints`.",
    ),
    "Archive": Explanation(
        "The archive is not an sdist that can be taken apart safely: paths that leave it, links, a bomb, bad headers.",
        "Ask whoever published it for a clean one; docs/archives.md explains each reason.",
    ),
    "Corrupt": Explanation(
        "The bytes that came are whole, and not those that were locked, pinned or announced.",
        "If the publisher replaced them on purpose: `micropkgd lock --upgrade REF`. If not, find out who did.",
    ),
    "Verification": Explanation(
        "What an archive renders to is not what the lock lists for it.",
        "Look at what changed in micropkg.lock; `micropkgd lock` writes it anew.",
    ),
    "EmptyPackage": Explanation(
        "A new version has no modules where the installed one has some. Nothing is deleted for it.",
        "Ask whoever published it. If it is meant: `micropkgd remove ENTRY`.",
    ),
    "Taken": Explanation(
        "Another archive is published under this name and version already.",
        "Give the module a new version, or see who published that one (docs/release.md).",
    ),
    "Unsigned": Explanation(
        "The machine's config, or the project, asks for a signature of this archive, and none lies beside it. What is "
        "installed stays.",
        "Ask its publisher to sign it: `micropkgd publish --sign KEY` (docs/signatures.md).",
    ),
    "BadSignature": Explanation(
        "What lies beside the archive does not sign it: it is of another archive, for another purpose, or damaged.",
        "If it was published a moment ago, the next pass finds both. If not, find out who put it there.",
    ),
    "ForeignSignature": Explanation(
        "The archive is signed, by a key that nobody named who asks for signatures.",
        "If the publisher has a new key, add it to `signers`. If not, find out whose key it is.",
    ),
    "Tree": Explanation(
        "The disk does not let micropkgd read or write something: permissions, a folder in the way, a mount.",
        "Mend what the message names; `micropkgd doctor` looks at the rest.",
    ),
    "Code": Explanation(
        "A Python file of a module cannot be parsed or decoded, so its imports cannot be rewritten.",
        "Mend the line that is named.",
    ),
    "Unread": Explanation(
        "A file of an archive is written for another Python than the one that runs micropkgd, or is not Python.",
        "Install micropkgd with a Python at least as new as the project's.",
    ),
    "DanglingImport": Explanation(
        "Code of a micro-package imports what does not travel with it, and the project refuses that.",
        'Move the code into the package, or set `on-dangling-import = "warn"`.',
    ),
    "RequirementsFile": Explanation(
        "The lines of an entry cannot be written to the requirements file.",
        "Mend what the message names: permissions, a link, an encoding other than UTF-8.",
    ),
    "LinkInTheWay": Explanation(
        "A folder on the way to a file is a symbolic link. micropkgd follows none, for it may lead anywhere.",
        "Make it a folder, or give the entry another `destination`.",
    ),
    "ContainsItself": Explanation(
        "The code of a module lies in another project, or a project in the module.",
        "Say which project the code is of: move one out of the other.",
    ),
    "Unsettled": Explanation(
        "The files of a module change faster than they can be read.",
        "Nothing: it is tried again when they stand still.",
    ),
    "Raced": Explanation(
        "Somebody saved a file while the pass was replacing it. The save stays, and nothing was written.",
        "Nothing: the next pass looks again.",
    ),
    "SparseCheckout": Explanation(
        "An entry was moved or taken out of the manifest, or is to be packaged, and git leaves files of it out of this "
        "checkout.",
        "`git sparse-checkout add FOLDER`; or `micropkgd lock`, which lets another checkout move it.",
    ),
    "Downgrade": Explanation(
        "The ref went back to an older version than the one that is installed.",
        'If that is meant: `micropkgd reconcile --once --allow-downgrade`, or `on-downgrade = "follow"`.',
    ),
    "Rebuilt": Explanation(
        "Other bytes stand under the version that is installed.",
        "Ask whoever published it; `--allow-downgrade` takes them.",
    ),
    "StillHeld": Explanation(
        "The merge that was made by hand still has marks, or does not parse.",
        "Finish the file that is named below .micropkgd/conflicts, then run the command again.",
    ),
    "Suspended": Explanation(
        "Somebody asked for this entry or project to be left alone on this machine.",
        "`micropkgd resume ENTRY` ends it.",
    ),
    "Shortage": Explanation(
        "The machine is short of something for now: descriptors, memory, locks or room on its disk.",
        "Make room; it is tried again. `micropkgd cache gc` frees what no project used for long.",
    ),
    "ProjectBusy": Explanation(
        "Another process holds the project, or git is in the middle of something.",
        "Wait for it, finish the merge or rebase; `--lock-timeout` waits longer.",
    ),
    "ForeignJournal": Explanation(
        "A journal lies in .micropkgd that this user did not write on this machine. Nothing it says is done.",
        "Look where it came from, then remove it.",
    ),
    "Service": Explanation(
        "The running service answered with an error, or something that cannot be read.",
        "`micropkgd events` says what it saw; restart it if its version is another one.",
    ),
    "Vetoed": Explanation(
        "The hook `before-commit` of this machine objected to the pass. Nothing was written.",
        "Read what the hook says; whoever runs the machine owns it (docs/hooks.md).",
    ),
    "ProjectMissing": Explanation(
        "The config names a folder without pyproject.toml.",
        "Nothing, if it will come; else `micropkgd service remove FOLDER`.",
    ),
    "Untrusted": Explanation(
        "Nobody has said that the service may act in this project.",
        "`micropkgd trust --dry-run` shows what it would be allowed, `micropkgd trust` allows it.",
    ),
    "FoundByGlob": Explanation(
        "Only a glob of the config found this project, so the service leaves it alone.",
        "`micropkgd trust FOLDER`, once you have looked at it.",
    ),
    "FolderReplaced": Explanation(
        "Another folder stands where a trusted one stood: a new clone, or one restored from a backup.",
        "`micropkgd trust FOLDER`, once you have looked at it.",
    ),
    "FolderMoved": Explanation(
        "The folder was trusted at another path.",
        "`micropkgd trust FOLDER`, once you have looked at it.",
    ),
    "TrustNotOurs": Explanation(
        "What says that the folder is trusted does not bear this user's mark.",
        "`micropkgd trust FOLDER` makes it anew.",
    ),
    "TrustUnreadable": Explanation(
        "What would say whether the folder is trusted cannot be read.",
        "Mend the permissions of ~/.local/state/micropkgd.",
    ),
    "Bug": Explanation(
        "micropkgd itself is wrong: a pass ended by an error that nobody foresaw. The tree is whole.",
        "Please report it with the traceback in the log; it is tried again.",
    ),
}


def reason_of(asked: str) -> str | None:
    """The reason that a code or a reason in any spelling names."""
    known = {code.lower(): reason for reason, code in CODES.items()} | {reason.lower(): reason for reason in CODES}
    return known.get(asked.strip("[]").lower())

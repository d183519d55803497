"""An archive as a person arranged it: with the members where they were moved to, and the imports of them. Pure.

Everything that follows, names and places in the project, is made of it as of any other archive.
"""

from collections.abc import Callable, Iterable, Mapping

from micropkgd.model.contents import Content
from micropkgd.model.parameters import is_parameters
from micropkgd.relocate import CODE, module_of
from micropkgd.relocate.within import ModuleMoves
from micropkgd.sdist.reader import Member, Sdist


def moves_in(members: Iterable[str], moved: Mapping[str, str]) -> dict[str, str]:
    """The moves that can be made of these members: none onto another, and none that says two things of a name."""
    paths = frozenset(members)
    made = {old: new for old, new in moved.items() if old in paths and old != new and _is_within(old, new)}
    taken = (paths - made.keys()) | {new for new in made.values() if list(made.values()).count(new) > 1}
    return {old: new for old, new in made.items() if new not in taken and new not in made}


def rearranged(sdist: Sdist, moved: Mapping[str, str], keep: Callable[[Iterable[bytes]], Content]) -> Sdist:
    """The archive with some members moved, and each module that names them following."""
    if not moved:
        return sdist
    modules = {module_of(one.path)[0] for one in sdist.members if one.path.endswith(CODE)}
    gone = {module_of(old)[0]: module_of(new)[0] for old, new in moved.items() if old.endswith(CODE)}
    moves = ModuleMoves(moved, {module: gone.get(module, module) for module in modules})
    members = (_followed(member, moves, keep) for member in sdist.members)
    return sdist._replace(members=tuple(sorted(members, key=lambda member: member.path)))


def _followed(member: Member, moves: ModuleMoves, keep: Callable[[Iterable[bytes]], Content]) -> Member:
    path = moves.files.get(member.path, member.path)
    if not member.path.endswith(CODE):
        return member._replace(path=path)
    data = member.data
    followed = moves.followed(data, member.path)
    return Member(path, member.content if followed == data else keep([followed]), member.executable)


def _is_within(old: str, new: str) -> bool:
    """Whether a member stays among the code, or among the tests, and is no parameters file."""
    (top, _, rest), (other, _, into) = old.partition("/"), new.partition("/")
    own = [one.removeprefix("config/") for one in (rest, into)]
    return top == other and bool(into) and not any(is_parameters(one) for one in own if one not in {rest, into})

"""Rename a package inside source text, in both directions: as a project module becomes a package and comes back.

Pure: bytes in, bytes out. Only names of modules that move are rewritten, by editing the bytes at their place, so that
nothing else in a file changes; what cannot be rewritten is told as a finding.
Read `names` (the values) first, then `rewrite` (which files need it), `addresses` (its short way) and `changes` (the
long one), `imports`, `statements`, `uses` with `scopes`, `strings` with `takers`, `mentions`, `parameters`, `notes`,
and `within` for modules that move inside their package, which is imported by its own name. All edit what `text` holds,
`files` tells modules from data, and `at_top` says what a module imports. So many beside each other: they are the steps
of one story.
`docs/imports.md` says it for people.

Two forms need a choice. `import ds` of a moved package becomes `from shop.pipelines import ds`: it binds the same name
to the same module, wherever the file uses it (in a list of imports: `shop.pipelines.ds as ds`). `import ds.sub` becomes
`import shop.pipelines.ds.sub`, and the uses of `ds` in its scope follow; if one cannot, the import still binds `ds`.
"""

from micropkgd.relocate.files import CODE, is_importable, module_of, packages_among
from micropkgd.relocate.names import Finding, Kind, Move, Relocated, Relocation
from micropkgd.relocate.rewrite import relocate, relocate_or_keep

__all__ = [
    "CODE",
    "Finding",
    "Kind",
    "Move",
    "Relocated",
    "Relocation",
    "is_importable",
    "module_of",
    "packages_among",
    "relocate",
    "relocate_or_keep",
]

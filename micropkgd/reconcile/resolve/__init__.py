"""Resolving: which archive answers each entry. `fetcher` asks the sources, or takes what the lock says.

`modes` says what decides, the ref or the lock; `mirrors` are asked where a ref fails; `full_check` says when a
source must show its archive whole; by the `rules`, `signed` lets nothing pass that is not signed as asked, or
`attested`, where that is asked of an index. `question` is what a source is asked, so that nobody is asked twice.
`fs_args_file` reads the options of an entry; `rendering` names what its files depend on, `blocks` finds its block.
"""

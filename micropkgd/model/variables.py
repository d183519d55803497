"""The names of our own environment variables that are needed before any config is read."""

from micropkgd.annotations import Final

PREFIX: Final = "MICROPKGD_"
CONFIG: Final = "MICROPKGD_CONFIG"
SOCKET: Final = "MICROPKGD_SOCKET"  # also a key of the config; `health` reads it alone
CACHE_DIR: Final = "MICROPKGD_CACHE_DIR"
TOLD_TO_HOOKS: Final = frozenset(
    f"{PREFIX}{fact}" for fact in ("HOOK", "PROJECT", "PASS", "TRIGGER", "ENTRIES", "STAGED")
)  # docs/hooks.md; a hook may run micropkgd, which finds them and reads none

"""The names of our own environment variables that are needed before any config is read."""

from typing import Final

PREFIX: Final = "MICROPKGD_"
CONFIG: Final = "MICROPKGD_CONFIG"
SOCKET: Final = "MICROPKGD_SOCKET"  # also a key of the config; `health` reads it alone
CACHE_DIR: Final = "MICROPKGD_CACHE_DIR"

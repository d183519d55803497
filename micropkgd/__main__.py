"""The program's front step: `--version` must not pay for the house behind it."""

import sys


def main() -> int:
    """Run the command line; the exit code is the caller's to return."""
    if sys.argv[1:] == ["--version"]:
        from micropkgd import __version__

        sys.stdout.write(f"micropkgd {__version__}\n")
        return 0
    from micropkgd.cli.run import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

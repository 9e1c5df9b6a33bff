"""Run what was typed. All else is imported within, so that Ctrl-C is heeded from the start."""

import os
import sys

_FAILED = 1
_INTERRUPTED = 128 + 2
_NOBODY_LISTENS = 128 + 13


def main() -> int:
    """Run a command; say in an exit code how it went."""
    try:
        from .run import run

        code = run(sys.argv[1:])
        print(end="", flush=True)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as err:
        # Those of links have become others: this one is of the output. What is unwritten is dropped.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(err, BrokenPipeError):
            return _NOBODY_LISTENS
        print(f"can't write: {err.strerror}", file=sys.stderr)
        return _FAILED
    return code


if __name__ == "__main__":
    sys.exit(main())

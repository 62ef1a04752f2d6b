"""The command `gated`. Importing this package imports none of what the command needs; `main` does."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence

from gated.cli.letters import prepare_streams, readable
from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)

NEEDED = ("typer", "rich", "tqdm")
USER_ERROR, BUG, INTERRUPTED = 2, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (`arguments`: without the program's name; None: those of the process).

    Returns the exit code: 0; 2 for an error of the user's, told in one line on stderr; 130 after
    Ctrl-C; 1 for an error of gated's own. `--debug`, anywhere, shows the traceback as well.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _take_debug(words)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        verb, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        what = f"{', '.join(missing)} {verb} needed for the command line"
        return _fail(f"{what}; install {them} with: pip install 'gated[cli]'")
    prepare_streams()
    return _run(words, debug)


def _run(words: list[str], debug: bool) -> int:
    import typer

    from gated.cli.app import app

    try:
        result = app(words, prog_name="gated", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except typer.Exit as exit_:
        return exit_.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader, such as head, has seen enough; typer exits then, and in no other case, instead of raising.
        _silence()
        return 0
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # it was the output that cannot be written; Python would try again at its end
            _silence()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", debug)
    except Exception as error:
        return _explain(error, debug)


def _silence() -> None:
    """What is still to be printed goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _explain(error: Exception, debug: bool) -> int:
    """One line for an error, by whose it is; three for what to write beside somebody's code."""
    import typer

    from gated.errors import ForeignError, GatedError  # here, for it loads numpy, which --help can do without

    # typer carries its own copy of click in some versions and uses the package in others
    click_error = typer.BadParameter.__mro__[2]
    if isinstance(error, ForeignError):
        return _fail(str(error), debug, lines=True)
    if isinstance(error, GatedError):
        return _fail(str(error), debug)
    if type(error).__name__ == "NoArgsIsHelpError":  # in versions that do not print it themselves
        print(str(error.format_message()))  # type: ignore[attr-defined]
        return 0
    if isinstance(error, click_error):
        return _fail(f"{error.format_message()} (gated --help, gated COMMAND --help)", debug)
    if isinstance(error, MemoryError):
        return _fail("not enough memory; smaller --hidden, --batch or --window take less", debug)
    return _fail(f"{type(error).__name__}: {error} (a fault of gated; --debug shows where)", debug, BUG)


def _take_debug(words: list[str]) -> bool:
    """Remove --debug from before a `--`; True if it was there."""
    end = words.index("--") if "--" in words else len(words)
    found = "--debug" in words[:end]
    words[:end] = [word for word in words[:end] if word != "--debug"]
    return found


def _fail(message: str, debug: bool = False, code: int = USER_ERROR, lines: bool = False) -> int:
    if debug:
        traceback.print_exc()
    parts = message.splitlines() if lines else [message]
    text = "\n".join(" ".join(part.split()) for part in parts)
    with contextlib.suppress(OSError):
        print(f"error: {readable(text)}", file=sys.stderr)
    return code

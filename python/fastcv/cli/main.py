# SPDX-License-Identifier: Apache-2.0
"""Entry of the command ``fastcv`` and the meaning of its exit codes.

=====  ==================================================================================================
0      done
1      it could not be done: no reconstruction from these photographs, a file is damaged or no problem
       that can be adjusted, disk full, folder in use, bars of the demo missed, a check of ``info`` failed
2      the command line does not make sense: unknown option, no such folder, an output folder that holds
       something else, options that do not fit the photographs
3      ``mvs``, ``carve`` or ``fuse`` is done, but views were skipped; the summary says which and why
130    interrupted (Ctrl-C); all but ``ba`` go on where they stopped when called again, ``ba`` has written the
       best state so far
=====  ==================================================================================================
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from .. import __version__
from ..errors import FastcvError

INCOMPLETE = 3
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What becomes of the results of a command that was stopped.
_RESUME = "Nothing that was finished is lost: the same command goes on where it stopped."
_KEPT = {
    **dict.fromkeys(("reconstruct", "mvs", "carve", "fuse", "demo", "nerf"), _RESUME),
    "ba": "Files that were there are whole: the earlier ones or the new.",
}


def main() -> NoReturn:
    """Run the command line of the process and end it."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl-C again while the first was being answered
        code = 130
    if code == 130:
        # Worker threads can be in calls of OpenCV that take seconds, and an ordinary exit would wait for them.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit code."""
    if arguments in (["--version"], ["-V"]):
        print(f"fastcv {__version__}")
        return 0
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _fail(f"interrupted. {_kept(arguments)}".rstrip(), 130, arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        import tyro
    except ModuleNotFoundError:
        return _fail("the command line needs tyro; install it with: pip install 'fastcv[pipeline]'", 1, arguments)
    from ..pipeline import OptionsError
    from . import nerf
    from .ba import ba
    from .carve import carve
    from .demo import demo
    from .fuse import fuse
    from .info import info
    from .mvs import mvs
    from .reconstruct import reconstruct

    commands: dict[str, Callable[..., int]] = {
        "reconstruct": reconstruct,
        "mvs": mvs,
        "carve": carve,
        "fuse": fuse,
        "ba": ba,
        "info": info,
        "demo": demo,
        "nerf": nerf.nerf,
    }
    prog, rest = "fastcv", list(arguments)
    if rest[:1] == ["nerf"]:
        commands, prog, rest = {"train": nerf.train, "render": nerf.render}, "fastcv nerf", rest[1:]
    try:
        return tyro.extras.subcommand_cli_from_dict(
            commands,
            args=rest or ["--help"],
            prog=prog,
            description="From photographs to cameras, geometry and pictures.",
            config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
        )
    except OptionsError as error:
        name, _, rule = str(error).partition(":")
        return _fail(f"--{name.replace('_', '-')}:{rule}", 2, arguments)
    except (NotADirectoryError, FileNotFoundError, FileExistsError) as error:
        return _fail(str(error), 2, arguments)
    except OSError as error:
        if error.errno in _FULL:
            message = f"{error.strerror} for {error.filename or 'a result'}. Make room. {_kept(arguments)}"
            return _fail(message.rstrip(), 1, arguments)
        said = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        return _fail(said, 1, arguments)
    except FastcvError as error:
        return _fail(str(error), 1, arguments)


def _kept(arguments: Sequence[str]) -> str:
    return _KEPT.get(arguments[0], "") if arguments else ""


def _fail(message: str, code: int, arguments: Sequence[str]) -> int:
    """Say why; with ``--json`` also as an object on standard output, where programs look."""
    print(f"fastcv: {message}", file=sys.stderr)
    if "--json" in arguments:
        print(json.dumps({"error": message, "exit_code": code}))
    return code

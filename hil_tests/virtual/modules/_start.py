# The steps of bootstrap.py, apart from it so that a program's globals stay its own.
# SPDX-License-Identifier: Apache-2.0
import _console
import _link

sys = _console.install()

import os  # noqa: E402

import _setup  # noqa: E402
from micropython import const  # noqa: E402

_OP_REPL = const(1)
_OP_SOFT_RESET = const(4)

_scripts = _setup.install()
del sys.modules["_setup"], _setup


def step():
    # Whether the next script is to run; a board without one goes on to its REPL.
    if not _scripts:
        return False
    try:
        os.stat(_scripts.pop(0))
        return True
    except OSError:
        return False


def failed(error):
    if isinstance(error, SystemExit):
        _link.call(_OP_SOFT_RESET)
    sys.print_exception(error)


def to_repl():
    _console.to_repl(sys)
    _link.call(_OP_REPL)

# What stands for the ESP32's start-up code: mount the flash, run boot.py and main.py, leave the
# rest to the interpreter's own REPL. See interpreter.py for how it is run.
# SPDX-License-Identifier: Apache-2.0
import _start

try:
    if _start.step():
        execfile("boot.py")  # noqa: F821
    if _start.step():
        execfile("main.py")  # noqa: F821
except BaseException as error:
    _start.failed(error)
_start.to_repl()
del _start

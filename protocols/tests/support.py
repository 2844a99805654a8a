# What the tests of the device rooms share: they run under pytest and under MicroPython.
# SPDX-License-Identifier: Apache-2.0


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError("%s was not raised" % kind.__name__)

# What the tests of the device rooms share: they run under pytest and under MicroPython.
# SPDX-License-Identifier: Apache-2.0


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError("%s was not raised" % kind.__name__)


def vectors(name):
    # The lines of protocols/vectors/<name>, split at " | ".
    folder = __file__.replace("\\", "/").rsplit("/", 2)[0]
    with open(folder + "/vectors/" + name) as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                yield [field.strip() for field in line.split(" | ")]

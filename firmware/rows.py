# How answers of verbs look: rows of two columns, scaled integers.
# SPDX-License-Identifier: Apache-2.0


def decimal(value, scale):
    # 2345 at a scale of 100 is "23.45": a power of ten needs no float.
    digits = len(str(scale)) - 1
    if not digits:
        return str(value)
    text = str(abs(value))
    text = "0" * (digits + 1 - len(text)) + text
    return ("-" if value < 0 else "") + text[:-digits] + "." + text[-digits:]


def table(rows):
    # Two columns: the first as wide as its widest cell. Each row gives way to its line.
    width = max([len(name) for name, _ in rows] + [0])
    for n, (name, value) in enumerate(rows):
        rows[n] = "%-*s  %s" % (width, name, value)
    return "\n".join(rows)


def flatten(value, path=""):
    # {"a": {"b": 1}} -> [("a.b", 1)], sorted
    if isinstance(value, bool):  # as it is typed
        value = "true" if value else "false"
    if not isinstance(value, dict):
        return [(path, value)]
    rows = []
    for key in sorted(value):
        rows += flatten(value[key], "%s.%s" % (path, key) if path else key)
    return rows


def tree(value, path=""):
    return table(flatten(value, path))


def reading(value, unit, scale):
    return "no value" if value is None else decimal(value, scale) + " " + unit


# channels: (name, unit, scale) each, as a driver has them
def readings(channels, values):
    return table([(c[0], reading(value, *c[1:])) for c, value in zip(channels, values)])

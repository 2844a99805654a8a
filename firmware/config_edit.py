# What a person may change of a configuration at the console. Loaded for each change.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_WORDS = {"true": True, "on": True, "false": False, "off": False}
# What makes another unit of it: provisioning alone.
_FIXED = const(("node.name", "node.board", "node.profile"))


# lines: path and text each. Changes value, which has or is what the running configuration was made
# of; tables that it changes are copied, all others stay shared. -> [(path, "before -> after")];
# raises ValueError, which says what to give.
def change(node, value, lines):
    rows = []
    for line in lines:
        path, _, text = line.partition(" ")
        names = path.split(".")
        before = node.config
        for name in names:
            before = before.get(name) if isinstance(before, dict) else None
        after = _typed(path, names, text, before, node)
        inner = value
        for name in names[:-1]:
            inner[name] = dict(inner.get(name, {}))
            inner = inner[name]
        inner[names[-1]] = after
        if after is None:
            del inner[names[-1]]
        if before != after:
            rows.append((path, "%s -> %s" % (_said(before), _said(after))))
    return rows


def _said(value):
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else value


# Of the kind that is there now; None: it is not to be there.
def _typed(path, names, text, before, node):
    if path in _FIXED or names[0] == "control":
        raise ValueError("%s is not changed here: run fieldbeat provision" % path)
    if path == "node.language":
        if text not in ("en", "zh"):
            raise ValueError("node.language is en or zh")
        return text if text == "zh" else None  # without one it is English
    is_fitted = names[0] == "fitted" and names[2:] == ["enabled"] and names[1] in node.parts()
    if is_fitted or isinstance(before, bool):
        if text not in _WORDS:
            raise ValueError("%s is true or false" % path)
        return _WORDS[text]
    if isinstance(before, int):
        try:
            return int(text)
        except ValueError:
            raise ValueError("%s is a whole number" % path)
    if isinstance(before, str):
        # As others quote it. A modem cannot be sent a quote: the unit would never report again.
        return text.replace('"', "").strip("'")
    if before is None:
        for table, inner in node.config.items():
            if isinstance(inner, dict) and names[0] in inner:
                raise ValueError("there is no %s; here it is %s.%s" % (path, table, path))
        raise ValueError(
            "there is no %s; config show lists all names, and fitted.NAME.enabled is one for each"
            " part of read" % path
        )
    raise ValueError("%s has a form that is not typed here: run fieldbeat provision" % path)

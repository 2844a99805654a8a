# What the shell says, in Chinese: /zh.txt has a line for each text, English, a tab, Chinese. It is
# read line by line and never held; a %s stands for whatever stands there.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_FILE = const("/zh.txt")
_GAP = const("  ")  # between the columns of a table, or more of it
_WIDE = const(0x1100)  # from here on characters take two columns


# -> the text, where nothing is known of a piece as it was
def run(text):
    rows = [_cells(line) for line in text.split("\n")]
    places = {}  # text of a cell -> [(row, column)]
    is_help = rows[0][0] == "help"  # whose first column is typed as it is
    is_list = len(rows) > 1 and max([len(row) for row in rows]) == 1  # of names
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if is_help and not c or is_list and " " not in cell:
                continue
            places.setdefault(cell, []).append((r, c))
    try:
        with open(_FILE) as file:
            for line in file:
                _look(line, rows, places)
    except OSError:  # an image of a config in English has none
        return text
    widths = [0] * max([len(row) for row in rows])
    for row in rows:
        for c, cell in enumerate(row[:-1]):
            widths[c] = max(widths[c], _columns(cell))
    return "\n".join([_line(row, widths) for row in rows])


def _cells(line):
    if line.find(_GAP) <= 0:
        return [line]
    return [cell.strip() for cell in line.split(_GAP) if cell.strip()]


def _line(row, widths):
    padded = [cell + " " * (widths[c] - _columns(cell)) for c, cell in enumerate(row[:-1])]
    return _GAP.join(padded + row[-1:])


def _columns(text):
    return sum([2 if ord(letter) >= _WIDE else 1 for letter in text])


def _look(line, rows, places):
    english, _, chinese = line.strip("\r\n").partition("\t")
    if "%s" not in english:
        for r, c in places.pop(english, ()):
            rows[r][c] = chinese
        return
    pieces = english.split("%s")
    for cell in [cell for cell in places if cell.startswith(pieces[0])]:
        values = _values(cell, pieces)
        if values is not None:
            for r, c in places.pop(cell):
                rows[r][c] = chinese % tuple(values)


# -> what stands between the pieces, or None
def _values(cell, pieces):
    values, at = [], len(pieces[0])
    for n, piece in enumerate(pieces[1:], 2):
        is_last = n == len(pieces)
        end = cell.find(piece, at) if piece and not is_last else len(cell) - len(piece)
        if end < at or not cell[end:].startswith(piece):
            return None
        values.append(cell[at:end])
        at = end + len(piece)
    return values

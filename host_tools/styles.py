"""How what people read in tables is marked: legible in sunlight, and without colour.

A mark only points at a word that says the same. What is well has the terminal's own colour, which
stands out most; nothing is dimmed, and no colour needs a dark or a bright background. `NO_COLOR`
leaves bold and reverse.
"""

# SPDX-License-Identifier: Apache-2.0

GOOD, ODD, BAD = "", "bold magenta", "bold red reverse"
ASIDE = "italic"  # what is told besides

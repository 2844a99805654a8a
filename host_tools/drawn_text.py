"""Texts in pictures: in the reader's language where a font on this machine has its letters."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib import font_manager

from .language import ENGLISH, chosen, spoken, tr
from .output import say

CHINESE_FONTS = (
    *("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Microsoft YaHei", "PingFang SC", "SimHei", "Droid Sans Fallback"),
    *("Noto Sans CJK JP", "Source Han Sans"),  # the first of a collection, with all letters
)
_FILES = (
    *("NotoSansCJK-Regular", "SourceHanSans", "wqy-", "msyh"),
    *("PingFang", "simhei", "DroidSans"),
)
_LATIN = "DejaVu Sans"
# That a Chinese font has no bold face is no news for who looks at a picture.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


@contextmanager
def drawable() -> Iterator[None]:
    """Draw within: with a font that has the letters, or in English where there is none.

    A place may have a Chinese name in an English picture, too.
    """
    fonts = _installed() or _found()
    language = chosen() if fonts else ENGLISH
    families = [_LATIN, *fonts] if language == ENGLISH else [*fonts, _LATIN]
    looks = {"font.family": families, "axes.unicode_minus": language == ENGLISH}
    with warnings.catch_warnings(record=True) as warned, matplotlib.rc_context(looks):
        warnings.filterwarnings("always", "Glyph .* missing")
        with spoken(language):
            yield
    if any("missing" in str(each.message) for each in warned):
        text = tr("no font here has all letters of the picture; install one: fonts-noto-cjk")
        say(text, sys.stderr)


def _installed() -> list[str]:
    known = set(font_manager.get_font_names())
    return [name for name in CHINESE_FONTS if name in known]


def _found() -> list[str]:
    """Return the fonts that came after matplotlib made its list, which it keeps for good."""
    for path in font_manager.findSystemFonts():
        if Path(path).name.startswith(_FILES):
            font_manager.fontManager.addfont(path)
    return _installed()

#!/usr/bin/env python3
"""Makes the fonts in this folder from Debian's package fonts-noto-cjk; needs the Python package fonttools.

usage: subset.py /usr/share/fonts/opentype/noto
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

SIMPLIFIED_CHINESE = 2  # the number of the face in the collections


def gb2312():
    """All characters of GB 2312, which covers the words of the screens and nearly all names of goods."""
    for first in range(0xA1, 0xF8):
        for second in range(0xA1, 0xFF):
            try:
                yield ord(bytes([first, second]).decode("gb2312"))
            except UnicodeDecodeError:
                pass


RANGES = [
    (0x20, 0x7F),  # ASCII
    (0xA0, 0x180),  # Latin-1 and Latin Extended-A
    (0x2010, 0x2028),  # dashes, quotation marks, ellipsis
    (0x2030, 0x2040),
    (0x3000, 0x3018),  # Chinese punctuation
    (0xFF00, 0xFF5F),  # full-width forms
]
OTHERS = [0x20AC, 0x2122, 0x2190, 0x2191, 0x2192, 0x2193, 0x221E, 0x2212, 0xFFE5, 0x25CF, 0x25CB, 0x25A0, 0x25B2, 0x25BC]

characters = set(gb2312()) | set(OTHERS)
for start, end in RANGES:
    characters |= set(range(start, end))

for weight in ["Regular", "Bold"]:
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE"]
    font = TTFont(f"{sys.argv[1]}/NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED_CHINESE)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.save(f"NotoSansSC-{weight}.otf")

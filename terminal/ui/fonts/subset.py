#!/usr/bin/env python3
"""Makes the fonts in this folder, byte for byte; needs the Python package fonttools.

usage: subset.py NOTO SOURCE

NOTO    the folder of Noto Sans CJK, from Debian's package fonts-noto-cjk: /usr/share/fonts/opentype/noto
SOURCE  the file VF/SourceSans3VF-Upright.otf of the npm package source-sans (3.52.0): Noto Sans CJK took its Latin letters from
        that family, but not all of them. Those that it lacks are taken from there, as large and as fat as its own.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
SIMPLIFIED_CHINESE = 2  # the number of the face in the collections


def gb2312():
    """All characters of GB 2312, with its Greek, Russian, kana and signs."""
    for first in range(0xA1, 0xF8):
        for second in range(0xA1, 0xFF):
            try:
                yield ord(bytes([first, second]).decode("gb2312"))
            except UnicodeDecodeError:
                pass


def general_standard():
    """The characters that China's names and goods are written with by rule; see the file."""
    lines = (HERE / "general-standard.txt").read_text("utf-8").splitlines()
    return {ord(character) for line in lines if not line.startswith("#") for character in line}


LATIN = range(0xA0, 0x180)  # Latin-1 and Latin Extended-A
RANGES = [
    range(0x20, 0x7F),  # ASCII
    LATIN,
    range(0x218, 0x21C),  # Romanian
    range(0x2010, 0x2028),  # dashes, quotation marks, ellipsis
    range(0x2030, 0x2040),
    range(0x3000, 0x3018),  # Chinese punctuation
    range(0xFF00, 0xFF5F),  # full-width forms
]
OTHERS = "€™←↑→↓∞−￥●○■▲▼囍"

# For each weight: that of Source Sans whose stems are as wide, and how much larger letters are than there.
WEIGHTS = {"Regular": (400, 733 / 656), "Bold": (646, 741 / 653)}


def add_latin(font, source, weight, scale, wanted):
    """Adds the letters that are not there yet from `source`; gives their number."""
    top = font["CFF "].cff.topDictIndex[0]
    cmaps = [table.cmap for table in font["cmap"].tables if table.isUnicode()]
    pens = source.getGlyphSet(location={"wght": weight})
    names = source.getBestCmap()
    row = top.FDSelect[font.getGlyphID(font.getBestCmap()[ord("A")])]
    private = top.FDArray[row].Private
    order = font.getGlyphOrder()
    # Numbers of letters that were left out.
    free = iter(sorted({f"cid{number:05d}" for number in range(1, 65535)} - set(order)))
    missing = sorted(code for code in wanted if code in names and code not in cmaps[0])
    for code in missing:
        name = next(free)
        letter = pens[names[code]]
        width = round(letter.width * scale)
        pen = T2CharStringPen(width - private.nominalWidthX, None)
        letter.draw(TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
        drawn = pen.getCharString(private=private, globalSubrs=top.GlobalSubrs)
        top.CharStrings.charStrings[name] = len(top.CharStrings.charStringsIndex)
        top.CharStrings.charStringsIndex.append(drawn)
        top.FDSelect.gidArray.append(row)
        order.append(name)
        drawn.compile()
        bounds = drawn.calcBounds(pens)
        font["hmtx"].metrics[name] = (width, round(bounds[0]) if bounds else 0)
        for cmap in cmaps:
            cmap[code] = name
    font.setGlyphOrder(order)
    top.charset = order
    return len(missing)


def main():
    noto, source = sys.argv[1], TTFont(sys.argv[2])
    hanzi_and_signs = set(gb2312()) | general_standard() | {ord(character) for character in OTHERS}
    characters = hanzi_and_signs.union(*RANGES)
    for weight, (fatness, scale) in WEIGHTS.items():
        options = subset.Options()
        options.hinting = False
        options.layout_features = ["kern"]
        options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
        options.notdef_outline = True
        options.drop_tables += ["vhea", "vmtx", "VORG", "BASE"]
        font = TTFont(f"{noto}/NotoSansCJK-{weight}.ttc", fontNumber=SIMPLIFIED_CHINESE, recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        added = add_latin(font, source, fatness, scale, characters)
        lacking = sorted(characters - set(font.getBestCmap()))
        file = HERE / f"NotoSansSC-{weight}.otf"
        font.save(file)
        print(f"{file.name}: {file.stat().st_size} bytes, {added} letters from Source Sans")
        # Not assigned, or not to be seen.
        print("lacking:", " ".join(f"U+{code:04X}" for code in lacking))


main()

#!/usr/bin/python3
"""Makes regular.otf and bold.otf; doc.go says from which packages.

The Chinese glyphs are a subset of Noto Sans CJK SC. Latin, Greek, Cyrillic,
currency signs and what the former lacks are added from other Noto faces, so
that no word mixes two designs, and one file serves both scripts.

usage: build.py regular.otf bold.otf
"""

import sys

from fontTools import subset
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont

FAMILY = "Cloudpos Sans"
CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-%s.ttc"
CJK_SC = 2  # the face of the collection with Chinese forms
NOTO = "/usr/share/fonts/truetype/noto/Noto%s.ttf"

# Further faces in the order in which a missing character is looked for.
# Where a weight does not exist, the regular one serves.
FACES = ["Sans-%s", "SansThai-%s", "SansMath-Regular", "SansSymbols-%s",
         "SansSymbols2-Regular"]

EXTRA = ("‐‑–—―‘’‚“”„†‡•…‰′″‹›€£¥₩₹฿₫₽₺₱₪₴₦№™℠Ω←↑→↓↔↕↩↵⇧⇪⌫⏎✓✔✕✖✗✘"
         "●○◀▶◁▷▲▼△▽■□◆◇★☆⚠ℹ☰⚙⋮⋯⌃⌄−×÷±≈≠≤≥∞￥￡￠\ufffd")

# What Noto Sans draws though the Chinese face has it too. A long dash stays
# Chinese: it is written twice, each as wide as a character.
LATIN = [(0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x2FF), (0x370, 0x52F),
         (0x2018, 0x201E), (0x2026, 0x2026), (0x20A0, 0x20BF)]


def wanted():
    chars = set(map(ord, EXTRA))
    for low, high in [(0x20, 0x7E), (0xA0, 0x17F)]:
        chars.update(range(low, high + 1))
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                chars.add(ord(bytes([row, cell]).decode("gb2312")))
            except UnicodeDecodeError:
                pass
    return chars


def is_latin(char):
    return any(low <= char <= high for low, high in LATIN)


def chinese(weight, chars):
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 7, 13, 14], font_number=CJK_SC,
        drop_tables=subset.Options._drop_tables_default +
        ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG"])
    font = subset.load_font(CJK % weight, options)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=chars)
    cut.subset(font)
    return font


def outline(glyphs, name, private):
    """Returns a glyph as a charstring of the face that is added to."""
    width = glyphs[name].width
    stored = None if width == private.defaultWidthX else width - private.nominalWidthX
    pen = T2CharStringPen(stored, glyphs, roundTolerance=0.5)
    glyphs[name].draw(pen)
    return pen.getCharString()


def add(font, source, chars):
    """Adds the source's glyphs for chars and returns the characters added."""
    cff = font["CFF "].cff
    top = cff.topDictIndex[0]
    strings, order = top.CharStrings, font.getGlyphOrder()
    fd = next(i for i, d in enumerate(top.FDArray) if "Proportional" in d.FontName)
    private = top.FDArray[fd].Private
    glyphs, cmap = source.getGlyphSet(), source.getBestCmap()
    free = (n for n in ("cid%05d" % i for i in range(1, 65535)) if n not in strings)
    for char in sorted(chars & cmap.keys()):
        name = next(free)
        string = outline(glyphs, cmap[char], private)
        string.private, string.globalSubrs = private, cff.GlobalSubrs
        strings.charStringsIndex.append(string)
        strings.charStrings[name] = len(order)
        top.FDSelect.gidArray.append(fd)
        order.append(name)
        font["hmtx"][name] = source["hmtx"][cmap[char]]
        for table in font["cmap"].tables:
            if table.isUnicode() and (table.format != 4 or char < 0x10000):
                table.cmap[char] = name
    top.charset = order
    font.setGlyphOrder(order)
    return chars & cmap.keys()


def rename(font, weight, copyrights):
    names = font["name"]
    names.names = [n for n in names.names if n.platformID == 3]
    for ident, text in {
            0: "; ".join(dict.fromkeys(copyrights)), 1: FAMILY, 2: weight,
            3: "%s %s" % (FAMILY, weight), 4: "%s %s" % (FAMILY, weight),
            6: "%s-%s" % (FAMILY.replace(" ", ""), weight)}.items():
        names.setName(text, ident, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames = ["%s-%s" % (FAMILY.replace(" ", ""), weight)]
    top = cff.topDictIndex[0]
    top.FamilyName, top.FullName = FAMILY, "%s %s" % (FAMILY, weight)


def build(weight, path):
    chars = wanted()
    font = chinese(weight, {c for c in chars if not is_latin(c)})
    copyrights = [font["name"].getDebugName(0)]
    missing = chars - font.getBestCmap().keys()
    for face in FACES:
        source = TTFont(NOTO % (face % weight if "%" in face else face))
        added = add(font, source, missing)
        missing -= added
        if added:
            copyrights.append(source["name"].getDebugName(0))
    rename(font, weight, copyrights)
    font.recalcTimestamp = False
    font.save(path)
    print(path, font["maxp"].numGlyphs, "glyphs, missing:",
          " ".join("U+%04X" % c for c in sorted(missing)) or "none")
    print("\n".join(dict.fromkeys(copyrights)))


if __name__ == "__main__":
    for weight, path in zip(("Regular", "Bold"), sys.argv[1:3], strict=True):
        build(weight, path)

// Package font holds the bundled faces, measures text and rasterises it.
//
// One face, in regular and bold, covers what a till writes: ASCII, Latin-1,
// Latin Extended-A, GB 2312 with its kana, Greek and Cyrillic, punctuation,
// currency signs, arrows and the symbols of a touch screen. It is the face of
// the user interface's theme, so no text ever needs a system font: looking for
// one costs 25 MB and 40 ms, and boards have none.
//
// A [Cache] measures and draws for a screen, with one shaping for both, so
// that what was measured is what is drawn. [Raster] and [Pack] make dots for
// printers.
//
//	cache := font.NewCache(2 << 20)
//	width, ascent, descent := cache.Measure("Total ¥12.00", 24, true)
//	cache.Draw(img, img.Bounds(), 8, 8+ascent, "Total ¥12.00", 24, true, color.Black)
//
// # The files
//
// regular.otf.gz and bold.otf.gz are made by build.py from Debian 12's packages
// fonts-noto-cjk, fonts-noto-core and python3-fonttools, without hints,
// vertical metrics or layout features:
//
//	/usr/bin/python3 build.py regular.otf bold.otf && gzip -9 -n regular.otf bold.otf
//
// Chinese comes from Noto Sans CJK SC; Latin, Greek, Cyrillic and currency
// signs from Noto Sans, so that no word mixes two designs; a few symbols from
// other Noto faces. All are under the SIL Open Font License 1.1, which stands
// in OFL.txt and holds for the files made too; they bear a name of their own.
package font

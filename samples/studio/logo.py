"""The logo of the invented practice: white on a coloured plate, so that it reads on light and on dark pictures."""

from pathlib import Path

import cairo
import numpy as np

from .pen import colour, fill, lighter, linear, rounded, smooth, stroke

WIDTH, HEIGHT = 600, 200


def draw_logo(path: Path) -> None:
    surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, WIDTH, HEIGHT)
    pen = cairo.Context(surface)
    plate = colour("#146b63")
    rounded(pen, 4, 4, WIDTH - 8, HEIGHT - 8, 44)
    pen.set_source(linear((0, 0), (WIDTH, HEIGHT), [(0, lighter(plate, 0.10)), (1, plate)]))
    pen.fill_preserve()
    stroke(pen, (1, 1, 1), 4, 0.9)
    _leaf(pen, 102, 100)
    _name(pen)
    surface.write_to_png(str(path))


def _leaf(pen: cairo.Context, x: float, y: float) -> None:
    """An alder leaf: broad, with a blunt end, and a lane for its middle vein."""
    plate = colour("#146b63")
    pen.save()
    pen.translate(x, y + 2)
    pen.rotate(np.radians(18))
    smooth(pen, [(0, 56), (30, 40), (48, 8), (44, -28), (22, -54), (0, -48), (-22, -54), (-44, -28), (-48, 8), (-30, 40)])
    fill(pen, (1, 1, 1))
    for step, reach in ((-30, 24), (-8, 33), (14, 31), (33, 20)):
        for side in (-1, 1):
            pen.move_to(0, step + 12)
            pen.line_to(side * reach, step - 8)
    stroke(pen, plate, 4.5)
    pen.move_to(0, 74)
    pen.line_to(0, -34)
    stroke(pen, plate, 7)
    pen.move_to(0, 76)
    pen.line_to(0, 58)
    stroke(pen, (1, 1, 1), 9)
    pen.restore()


def _name(pen: cairo.Context) -> None:
    pen.select_font_face("Inter", cairo.FONT_SLANT_NORMAL, cairo.FONT_WEIGHT_BOLD)
    _line(pen, "Alder Lane", 182, 102, 376, 72, (1, 1, 1))
    pen.select_font_face("Inter", cairo.FONT_SLANT_NORMAL, cairo.FONT_WEIGHT_NORMAL)
    _line(pen, "CLINIC", 186, 152, 376, 36, colour("#c9ece4"), spacing=11)


def _line(pen: cairo.Context, text: str, x: float, y: float, room: float, size: float, paint: tuple, spacing: float = 0) -> None:
    """Writes one line from `x` on, smaller where the font at hand would need more than `room`."""
    pen.set_font_size(size)
    needed = sum(pen.text_extents(letter).x_advance + spacing for letter in text)
    pen.set_font_size(size * min(1.0, room / needed))
    pen.set_source_rgb(*paint)
    for letter in text:
        pen.move_to(x, y)
        pen.show_text(letter)
        x += pen.text_extents(letter).x_advance + spacing

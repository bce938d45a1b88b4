"""Drawing helpers on top of cairo: colours, smooth shapes, soft light."""

from collections.abc import Iterable, Sequence

import cairo
import numpy as np

Colour = tuple[float, float, float]
Point = tuple[float, float]


def colour(code: str) -> Colour:
    """`"#40a0ff"` as three parts from 0 to 1."""
    return tuple(int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of `other` in `one`."""
    return tuple(a + (b - a) * share for a, b in zip(one, other))


def darker(base: Colour, share: float) -> Colour:
    """Shades towards a warm near-black, which looks better on skin and cloth than plain black."""
    return mix(base, (0.10, 0.06, 0.08), share)


def lighter(base: Colour, share: float) -> Colour:
    return mix(base, (1.0, 0.98, 0.95), share)


def mirrored(right: Sequence[Point]) -> list[Point]:
    """A closed outline from its right half, given from top to bottom; points on the axis are not doubled."""
    return [*right, *((-x, y) for x, y in reversed(right) if x != 0)]


def smooth(pen: cairo.Context, points: Sequence[Point], closed: bool = True) -> None:
    """Adds a Catmull-Rom spline through the points to the path."""
    count = len(points)

    def at(index: int) -> Point:
        return points[index % count] if closed else points[min(max(index, 0), count - 1)]

    pen.move_to(*points[0])
    for i in range(count if closed else count - 1):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = at(i - 1), at(i), at(i + 1), at(i + 2)
        pen.curve_to(x1 + (x2 - x0) / 6, y1 + (y2 - y0) / 6, x2 - (x3 - x1) / 6, y2 - (y3 - y1) / 6, x2, y2)
    if closed:
        pen.close_path()


def ellipse(pen: cairo.Context, x: float, y: float, across: float, down: float) -> None:
    """Adds an ellipse with these half axes to the path."""
    pen.save()
    pen.translate(x, y)
    pen.scale(across, down)
    pen.new_sub_path()
    pen.arc(0, 0, 1, 0, 2 * np.pi)
    pen.restore()


def rounded(pen: cairo.Context, x: float, y: float, width: float, height: float, radius: float) -> None:
    """Adds a rectangle with round corners to the path."""
    pen.new_sub_path()
    for turn, (cx, cy) in enumerate(
        [
            (x + width - radius, y + radius),
            (x + width - radius, y + height - radius),
            (x + radius, y + height - radius),
            (x + radius, y + radius),
        ]
    ):
        pen.arc(cx, cy, radius, (turn - 1) * np.pi / 2, turn * np.pi / 2)
    pen.close_path()


def fill(pen: cairo.Context, paint: Colour, alpha: float = 1) -> None:
    pen.set_source_rgba(*paint, alpha)
    pen.fill()


def stroke(pen: cairo.Context, paint: Colour, width: float, alpha: float = 1) -> None:
    pen.set_line_cap(cairo.LINE_CAP_ROUND)
    pen.set_line_join(cairo.LINE_JOIN_ROUND)
    pen.set_line_width(width)
    pen.set_source_rgba(*paint, alpha)
    pen.stroke()


def linear(start: Point, end: Point, stops: Iterable[tuple[float, Colour]]) -> cairo.LinearGradient:
    gradient = cairo.LinearGradient(*start, *end)
    for place, paint in stops:
        gradient.add_color_stop_rgb(place, *paint)
    return gradient


def glow(pen: cairo.Context, x: float, y: float, across: float, down: float, paint: Colour, alpha: float) -> None:
    """A soft spot of colour that fades to nothing at its edge."""
    pen.save()
    pen.translate(x, y)
    pen.scale(across, down)
    spot = cairo.RadialGradient(0, 0, 0, 0, 0, 1)
    for place in (0, 0.25, 0.5, 0.75, 1):
        spot.add_color_stop_rgba(place, *paint, alpha * (1 - place**2) ** 2)
    pen.set_source(spot)
    pen.arc(0, 0, 1, 0, 2 * np.pi)
    pen.fill()
    pen.restore()


def blurred(surface: cairo.ImageSurface, radius: int) -> cairo.ImageSurface:
    """The picture out of focus: three box blurs one after another, which is close to a Gaussian."""
    width, height = surface.get_width(), surface.get_height()
    surface.flush()
    pixels = np.ndarray((height, width, 4), np.uint8, surface.get_data()).astype(np.float32)
    for _ in range(3):
        for axis in (0, 1):
            pixels = _box_blur(pixels, radius, axis)
    result = cairo.ImageSurface(cairo.FORMAT_RGB24, width, height)
    np.ndarray((height, width, 4), np.uint8, result.get_data())[:] = np.round(pixels)
    result.mark_dirty()
    return result


def _box_blur(pixels: np.ndarray, radius: int, axis: int) -> np.ndarray:
    edges = [(0, 0)] * 3
    edges[axis] = (radius + 1, radius)
    summed = np.cumsum(np.pad(pixels, edges, mode="edge"), axis=axis, dtype=np.float64)
    window = 2 * radius + 1
    count = pixels.shape[axis]
    upper = np.take(summed, range(window, window + count), axis)
    return ((upper - np.take(summed, range(count), axis)) / window).astype(np.float32)

"""The rooms that the clips are filmed in: a wall, daylight from one side, a few things a practice has."""

from dataclasses import dataclass

import cairo
import numpy as np

from .pen import blurred, colour, darker, ellipse, fill, glow, lighter, linear, mix, rounded, smooth, stroke


@dataclass(frozen=True)
class Room:
    """Colours, and where things stand: `x` from 0 (left edge) to 1, `None` where there is no such thing."""

    wall: str
    window: float | None = None
    door: float | None = None
    plant: float | None = None
    print_at: float | None = None
    shelf: float | None = None
    light_from: int = -1
    """-1 where the daylight comes from the left, 1 from the right."""


def paint_room(room: Room, width: int, height: int) -> cairo.ImageSurface:
    """The room, slightly out of focus as behind a person near the lens. Lengths below are in frame heights."""
    surface = cairo.ImageSurface(cairo.FORMAT_RGB24, width, height)
    pen = cairo.Context(surface)
    pen.scale(height, height)
    wide = width / height
    _wall(pen, room, wide)
    if room.door is not None:
        _door(pen, room.door * wide)
    if room.window is not None:
        _window(pen, room.window * wide)
    if room.print_at is not None:
        _print(pen, room.print_at * wide, colour(room.wall))
    if room.shelf is not None:
        _shelf(pen, room.shelf * wide)
    if room.plant is not None:
        _plant(pen, room.plant * wide)
    side = 0 if room.light_from < 0 else wide
    glow(pen, side, 0.25, 0.55, 0.75, (1.0, 0.97, 0.88), 0.32)
    glow(pen, wide - side, 1.0, 0.6, 0.7, (0.10, 0.10, 0.16), 0.28)
    return blurred(surface, max(1, round(height * 0.0022)))


def _wall(pen: cairo.Context, room: Room, wide: float) -> None:
    base = colour(room.wall)
    near, far = lighter(base, 0.22), darker(base, 0.16)
    ends = ((0, 0), (wide, 0.35)) if room.light_from < 0 else ((wide, 0), (0, 0.35))
    pen.set_source(linear(*ends, [(0, near), (0.55, base), (1, far)]))
    pen.paint()
    pen.rectangle(0, 0.80, wide, 0.20)
    pen.set_source(linear((0, 0.80), (0, 1), [(0, darker(base, 0.22)), (1, darker(base, 0.34))]))
    pen.fill()
    pen.rectangle(0, 0.795, wide, 0.012)
    fill(pen, lighter(base, 0.45))


def _window(pen: cairo.Context, x: float) -> None:
    left, top, across, down = x - 0.15, 0.06, 0.30, 0.40
    frame = colour("#f4f1ea")
    rounded(pen, left - 0.018, top - 0.018, across + 0.036, down + 0.036, 0.006)
    fill(pen, frame)
    pen.save()
    pen.rectangle(left, top, across, down)
    pen.clip()
    pen.set_source(linear((0, top), (0, top + down), [(0, colour("#bfe0f5")), (0.6, colour("#eaf5f7")), (1, colour("#f5f3e4"))]))
    pen.paint()
    for cx, cy, size, leaf in [
        (-0.11, 0.41, 0.10, "#9cc48a"),
        (0.03, 0.45, 0.12, "#86b57c"),
        (0.13, 0.40, 0.09, "#a9cf95"),
        (-0.03, 0.47, 0.09, "#739f6c"),
    ]:
        glow(pen, x + cx, cy, size * 1.25, size * 1.1, colour(leaf), 1)
    pen.restore()
    pen.rectangle(x - 0.006, top, 0.012, down)
    pen.rectangle(left, top + 0.19, across, 0.010)
    fill(pen, frame)
    rounded(pen, left - 0.035, top + down + 0.012, across + 0.07, 0.022, 0.006)
    fill(pen, colour("#fbf9f4"))
    rounded(pen, left - 0.03, top + down + 0.034, across + 0.06, 0.010, 0.004)
    fill(pen, colour("#8d8678"), 0.35)


def _door(pen: cairo.Context, x: float) -> None:
    left, top, across = x - 0.16, 0.10, 0.32
    wood = colour("#c89f74")
    pen.rectangle(left - 0.02, top - 0.02, across + 0.04, 1)
    fill(pen, colour("#efe8dc"))
    pen.rectangle(left, top, across, 1)
    pen.set_source(linear((left, 0), (left + across, 0), [(0, lighter(wood, 0.12)), (1, darker(wood, 0.12))]))
    pen.fill()
    for panel_top, panel_height in ((0.15, 0.28), (0.48, 0.40)):
        rounded(pen, left + 0.04, panel_top, across - 0.08, panel_height, 0.006)
        fill(pen, darker(wood, 0.10))
        rounded(pen, left + 0.044, panel_top + 0.005, across - 0.088, panel_height - 0.006, 0.006)
        fill(pen, lighter(wood, 0.05))
    ellipse(pen, left + 0.025, 0.52, 0.012, 0.012)
    fill(pen, colour("#d9d4c8"))


def _print(pen: cairo.Context, x: float, wall: tuple) -> None:
    """A framed print of hills."""
    left, top, across, down = x - 0.10, 0.13, 0.20, 0.26
    pen.rectangle(left + 0.006, top + 0.008, across, down)
    fill(pen, darker(wall, 0.5), 0.35)
    pen.rectangle(left, top, across, down)
    fill(pen, colour("#4b4038"))
    pen.rectangle(left + 0.009, top + 0.009, across - 0.018, down - 0.018)
    fill(pen, colour("#faf7f0"))
    pen.save()
    pen.rectangle(left + 0.033, top + 0.035, across - 0.066, down - 0.07)
    pen.clip()
    pen.set_source(linear((0, top), (0, top + down), [(0, colour("#f6d9b8")), (1, colour("#f2b79a"))]))
    pen.paint()
    ellipse(pen, x + 0.025, top + 0.085, 0.022, 0.022)
    fill(pen, colour("#fff3d6"))
    for lift, tone in ((0.0, "#b98d92"), (0.035, "#7f7a93"), (0.07, "#4f6478")):
        smooth(pen, [(left, top + 0.13 + lift), (x - 0.03, top + 0.105 + lift), (x + 0.03, top + 0.14 + lift),
                     (x + 0.10, top + 0.11 + lift), (x + 0.2, top + 0.5), (left - 0.1, top + 0.5)])
        fill(pen, colour(tone))
    pen.restore()


def _shelf(pen: cairo.Context, x: float) -> None:
    """Two shelves with books and jars."""
    wood = colour("#b78f66")
    rng = np.random.default_rng(7)
    spines = [colour(code) for code in ("#4d7c8a", "#d9a05b", "#7a9e7e", "#c96f5b", "#e8ddc7", "#58657d")]
    for level in (0.30, 0.50):
        at = x - 0.15
        while at < x + 0.09:
            thick, tall = rng.uniform(0.014, 0.028), rng.uniform(0.075, 0.115)
            pen.rectangle(at, level - tall, thick - 0.002, tall)
            fill(pen, spines[rng.integers(len(spines))])
            pen.rectangle(at, level - tall * 0.8, thick - 0.002, 0.006)
            fill(pen, (1, 1, 1), 0.35)
            at += thick
        rounded(pen, x + 0.105, level - 0.06, 0.045, 0.06, 0.01)
        fill(pen, colour("#f0ece4"))
        rounded(pen, x + 0.108, level - 0.07, 0.039, 0.014, 0.004)
        fill(pen, colour("#8fa7a0"))
        pen.rectangle(x - 0.18, level, 0.36, 0.016)
        fill(pen, wood)
        pen.rectangle(x - 0.18, level + 0.016, 0.36, 0.012)
        fill(pen, darker(wood, 0.6), 0.25)


def _plant(pen: cairo.Context, x: float) -> None:
    """A pot of broad leaves on a low stand."""
    pot = colour("#e7e0d4")
    base = 0.80
    rng = np.random.default_rng(11)
    greens = [colour(code) for code in ("#3f7d54", "#559a66", "#2f6848", "#74b37f")]
    for turn in np.linspace(-1.15, 1.15, 13):
        lean = turn + rng.uniform(-0.1, 0.1)
        length = rng.uniform(0.20, 0.32) * (1.05 - 0.25 * abs(turn))
        green = greens[rng.integers(len(greens))]
        pen.save()
        pen.translate(x, base - 0.11)
        pen.rotate(lean)
        smooth(pen, [(0, 0), (0.030, -0.45 * length), (0.024, -0.8 * length), (0, -length), (-0.024, -0.8 * length), (-0.030, -0.45 * length)])
        fill(pen, green)
        pen.move_to(0, -0.02)
        pen.line_to(0, -0.92 * length)
        stroke(pen, mix(green, (1, 1, 0.8), 0.35), 0.0022, 0.8)
        pen.restore()
    pen.move_to(x - 0.075, base - 0.13)
    pen.line_to(x + 0.075, base - 0.13)
    pen.line_to(x + 0.055, base + 0.03)
    pen.line_to(x - 0.055, base + 0.03)
    pen.close_path()
    pen.set_source(linear((x - 0.08, 0), (x + 0.08, 0), [(0, lighter(pot, 0.3)), (1, darker(pot, 0.25))]))
    pen.fill()
    rounded(pen, x - 0.10, base + 0.03, 0.20, 0.02, 0.004)
    fill(pen, colour("#9b7a58"))
    pen.rectangle(x - 0.08, base + 0.05, 0.014, 0.2)
    pen.rectangle(x + 0.066, base + 0.05, 0.014, 0.2)
    fill(pen, colour("#7d6146"))

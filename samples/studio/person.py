"""The drawn clinicians. Lengths are in head heights, the origin is the centre of the face, y points down."""

from dataclasses import dataclass

import cairo
import numpy as np

from .pen import Colour, colour, darker, ellipse, fill, glow, lighter, linear, mirrored, mix, rounded, smooth, stroke

CHIN = 0.50
"""How far the chin lies below the centre of the face."""


@dataclass(frozen=True)
class Person:
    """How somebody looks."""

    skin: str
    hair: str
    iris: str
    hairstyle: str
    """`short`, `bob`, `long`, `bun`, `curls`, `thin` or `scarf`."""
    top: str
    """Colour of the scrubs, or of the shirt under the coat."""
    coat: bool = False
    beard: float = 0.0
    """0 for none, 0.35 for stubble, 0.9 for a full beard."""
    glasses: bool = False
    stethoscope: bool = False
    lips: float = 0.3
    """How much redder than the skin the lips are."""
    lashes: bool = False
    lines: float = 0.07
    """How deep the lines beside the mouth are."""


@dataclass(frozen=True)
class Pose:
    """What moves from frame to frame."""

    opened: float = 0.0
    """How far the mouth is open, 0-1."""
    round: float = 0.0
    """How round the lips are, 0-1."""
    lids: float = 0.0
    """0 with open eyes, 1 with closed ones."""
    brows: float = 0.0
    """How far the brows are raised, 0-1."""
    gaze: float = 0.0
    """Where the eyes look: -1 left, 1 right."""
    lean: float = 0.0
    """Turn of the head in the picture plane, radians."""
    sway: tuple[float, float] = (0.0, 0.0)
    """Shift of the head against the shoulders."""
    breath: float = 0.0
    """Lift of the shoulders."""


def draw_person(pen: cairo.Context, person: Person, pose: Pose, light_from: int) -> None:
    """Draws from the back to the front, lit from the left (-1) or the right (1)."""
    if light_from > 0:
        pen.scale(-1, 1)
    head = _Head(pen, person, pose)
    with _at_head(pen, pose):
        head.hair_behind()
    pen.save()
    pen.translate(pose.sway[0] * 0.25, pose.sway[1] * 0.25 - pose.breath)
    _torso(pen, person)
    pen.restore()
    _neck(pen, person, pose)
    pen.save()
    pen.translate(pose.sway[0] * 0.25, pose.sway[1] * 0.25 - pose.breath)
    _clothes_front(pen, person)
    pen.restore()
    with _at_head(pen, pose):
        head.draw()


class _at_head:
    """Moves the pen with the head, which turns about the top of the neck."""

    def __init__(self, pen: cairo.Context, pose: Pose):
        self.pen, self.pose = pen, pose

    def __enter__(self) -> None:
        self.pen.save()
        self.pen.translate(self.pose.sway[0], self.pose.sway[1] + 0.45)
        self.pen.rotate(self.pose.lean)
        self.pen.translate(0, -0.45)

    def __exit__(self, *_: object) -> None:
        self.pen.restore()


BODY = [(0.17, 0.62), (0.36, 0.74), (0.66, 0.84), (0.92, 0.93), (1.08, 1.12), (1.15, 1.55), (1.22, 2.4), (1.25, 3.6)]


def _torso(pen: cairo.Context, person: Person) -> None:
    cloth = colour("#f3f5f6") if person.coat else colour(person.top)
    outline = [(-x, y) for x, y in reversed(BODY)] + BODY
    smooth(pen, [(-0.34, 0.76), (-0.265, 0.635), (-0.185, 0.59), (0, 0.58), (0.185, 0.59), (0.265, 0.635), (0.34, 0.76)], closed=False)
    fill(pen, darker(cloth, 0.30))
    pen.save()
    smooth(pen, outline, closed=False)
    pen.close_path()
    pen.clip()
    pen.set_source(
        linear((-1.1, 0.6), (1.1, 1.4), [(0, lighter(cloth, 0.14)), (0.45, cloth), (1, darker(cloth, 0.22 if person.coat else 0.30))])
    )
    pen.paint()
    shade = darker(cloth, 0.55)
    for side in (-1, 1):
        glow(pen, side * 0.95, 2.3, 0.16, 1.2, shade, 0.35)
        smooth(pen, [(side * 0.86, 1.55), (side * 0.80, 1.95), (side * 0.84, 2.6), (side * 0.83, 3.6)], closed=False)
        stroke(pen, shade, 0.012, 0.45)
        smooth(pen, [(side * 0.72, 1.02), (side * 0.82, 1.25), (side * 0.84, 1.55)], closed=False)
        stroke(pen, shade, 0.007, 0.22)
        smooth(pen, [(side * 0.55, 1.75), (side * 0.68, 1.62), (side * 0.80, 1.58)], closed=False)
        stroke(pen, shade, 0.012, 0.16)
    glow(pen, 0, 0.70, 0.55, 0.32, shade, 0.35)
    pen.restore()


def _neck(pen: cairo.Context, person: Person, pose: Pose) -> None:
    skin = colour(person.skin)
    if person.hairstyle == "scarf":
        return
    x, y = pose.sway
    base_x, base_y = x * 0.25, y * 0.25 - pose.breath
    right = [(x + 0.185, y + 0.20), (x * 0.7 + 0.18, y * 0.7 + 0.50), (base_x + 0.20, base_y + 0.66), (base_x + 0.33, base_y + 0.76),
             (base_x + 0.20, base_y + 1.05), (base_x, base_y + 1.22)]
    left = [(x - 0.185, y + 0.20), (x * 0.7 - 0.18, y * 0.7 + 0.50), (base_x - 0.20, base_y + 0.66), (base_x - 0.33, base_y + 0.76),
            (base_x - 0.20, base_y + 1.05)]
    smooth(pen, right + left[::-1])
    pen.save()
    pen.clip()
    pen.set_source(linear((-0.25, 0), (0.28, 0.1), [(0, skin), (0.5, darker(skin, 0.08)), (1, darker(skin, 0.26))]))
    pen.paint()
    glow(pen, x + 0.03, y + 0.40, 0.34, 0.30, darker(skin, 0.75), 0.62)
    for side in (-1, 1):
        pen.move_to(side * 0.03, base_y + 0.86)
        pen.curve_to(side * 0.09, base_y + 0.80, side * 0.16, base_y + 0.80, side * 0.24, base_y + 0.79)
        stroke(pen, darker(skin, 0.4), 0.012, 0.35)
    pen.restore()


def _clothes_front(pen: cairo.Context, person: Person) -> None:
    if person.coat:
        _shirt_and_coat(pen, person)
    else:
        _scrubs(pen, person)
    if person.stethoscope:
        _stethoscope(pen)
    _badge(pen)


def _scrubs(pen: cairo.Context, person: Person) -> None:
    """The V of the neck, with its band, and a pocket."""
    cloth = colour(person.top)
    for side in (-1, 1):
        pen.move_to(side * 0.235, 0.64)
        pen.curve_to(side * 0.27, 0.80, side * 0.13, 1.02, 0, 1.22)
        pen.line_to(0, 1.34)
        pen.curve_to(side * 0.19, 1.10, side * 0.36, 0.86, side * 0.335, 0.68)
        pen.close_path()
        fill(pen, lighter(cloth, 0.10) if side < 0 else darker(cloth, 0.12))
        pen.move_to(side * 0.335, 0.68)
        pen.curve_to(side * 0.36, 0.86, side * 0.19, 1.10, 0, 1.34)
        stroke(pen, darker(cloth, 0.45), 0.008, 0.6)
    rounded(pen, 0.30, 1.62, 0.34, 0.40, 0.03)
    stroke(pen, darker(cloth, 0.45), 0.010, 0.6)
    pen.move_to(0.30, 1.69)
    pen.line_to(0.64, 1.69)
    stroke(pen, darker(cloth, 0.45), 0.007, 0.5)
    _pen_in_pocket(pen, 0.40, 1.50)


def _shirt_and_coat(pen: cairo.Context, person: Person) -> None:
    shirt, coat = colour(person.top), colour("#f6f7f8")
    pen.move_to(-0.30, 0.68)
    pen.line_to(0.30, 0.68)
    pen.line_to(0.13, 3.6)
    pen.line_to(-0.13, 3.6)
    pen.close_path()
    pen.save()
    pen.clip()
    if person.hairstyle != "scarf":
        pen.move_to(-0.4, 0.6)
        pen.line_to(-0.20, 0.66)
        pen.curve_to(-0.16, 0.84, -0.06, 0.96, 0, 1.02)
        pen.curve_to(0.06, 0.96, 0.16, 0.84, 0.20, 0.66)
        pen.line_to(0.4, 0.6)
        pen.line_to(0.4, 3.6)
        pen.line_to(-0.4, 3.6)
        pen.close_path()
    else:
        pen.rectangle(-0.4, 0.6, 0.8, 3)
    pen.set_source(linear((-0.3, 0), (0.3, 0), [(0, lighter(shirt, 0.1)), (1, darker(shirt, 0.22))]))
    pen.fill()
    pen.restore()
    pen.move_to(0, 1.02)
    pen.line_to(0, 3.6)
    stroke(pen, darker(shirt, 0.4), 0.008, 0.5)
    for y in (1.25, 1.60, 1.95):
        ellipse(pen, 0.028, y, 0.014, 0.014)
        fill(pen, lighter(shirt, 0.6))
    for side in (-1, 1):
        tone = coat if side < 0 else darker(coat, 0.07)
        pen.move_to(side * 0.22, 0.60)
        pen.curve_to(side * 0.25, 0.90, side * 0.18, 1.30, side * 0.10, 2.05)
        pen.line_to(side * 0.36, 1.42)
        pen.line_to(side * 0.29, 1.33)
        pen.line_to(side * 0.43, 1.24)
        pen.curve_to(side * 0.44, 1.0, side * 0.42, 0.80, side * 0.35, 0.70)
        pen.close_path()
        fill(pen, tone)
        pen.move_to(side * 0.10, 2.05)
        pen.line_to(side * 0.36, 1.42)
        pen.line_to(side * 0.29, 1.33)
        pen.line_to(side * 0.43, 1.24)
        pen.curve_to(side * 0.44, 1.0, side * 0.42, 0.80, side * 0.35, 0.70)
        stroke(pen, colour("#8e99a3"), 0.009, 0.55)
        pen.move_to(side * 0.22, 0.60)
        pen.curve_to(side * 0.25, 0.90, side * 0.18, 1.30, side * 0.10, 2.05)
        pen.line_to(side * 0.08, 3.6)
        stroke(pen, colour("#7c8791"), 0.011, 0.55)
    rounded(pen, 0.42, 1.72, 0.34, 0.42, 0.03)
    stroke(pen, colour("#98a3ac"), 0.010, 0.7)
    _pen_in_pocket(pen, 0.50, 1.58)


def _pen_in_pocket(pen: cairo.Context, x: float, y: float) -> None:
    rounded(pen, x, y, 0.028, 0.17, 0.012)
    fill(pen, colour("#2b4c7e"))
    rounded(pen, x + 0.02, y + 0.02, 0.012, 0.10, 0.005)
    fill(pen, colour("#c9d2da"))


def _badge(pen: cairo.Context) -> None:
    """A name badge nobody can read."""
    rounded(pen, -0.63, 1.50, 0.26, 0.36, 0.025)
    fill(pen, (0.1, 0.1, 0.15), 0.18)
    rounded(pen, -0.64, 1.485, 0.26, 0.36, 0.025)
    fill(pen, colour("#fdfdfb"))
    pen.rectangle(-0.64, 1.53, 0.26, 0.06)
    fill(pen, colour("#2a7f86"))
    rounded(pen, -0.61, 1.62, 0.085, 0.11, 0.012)
    fill(pen, colour("#c7d3d6"))
    for y, across in ((1.63, 0.10), (1.66, 0.08), (1.69, 0.10), (1.76, 0.17), (1.79, 0.14)):
        pen.rectangle(-0.50 if y < 1.75 else -0.61, y, across, 0.014)
        fill(pen, colour("#a9b4ba"))
    rounded(pen, -0.545, 1.45, 0.07, 0.05, 0.012)
    fill(pen, colour("#9aa3a8"))


def _stethoscope(pen: cairo.Context) -> None:
    tube, metal = colour("#30363f"), colour("#c4ccd4")
    for points in (
        [(-0.235, 0.60), (-0.37, 0.85), (-0.34, 1.25), (-0.16, 1.60), (0.0, 1.78)],
        [(0.235, 0.60), (0.38, 0.85), (0.36, 1.30), (0.24, 1.62), (0.0, 1.78)],
        [(0.0, 1.78), (0.05, 2.0), (0.22, 2.12), (0.30, 2.0)],
    ):
        smooth(pen, points, closed=False)
        stroke(pen, tube, 0.050)
        smooth(pen, points, closed=False)
        stroke(pen, lighter(tube, 0.35), 0.012, 0.6)
    ellipse(pen, 0.30, 1.94, 0.085, 0.085)
    fill(pen, darker(metal, 0.35))
    ellipse(pen, 0.297, 1.935, 0.07, 0.07)
    fill(pen, metal)
    ellipse(pen, 0.285, 1.92, 0.035, 0.03)
    fill(pen, (1, 1, 1), 0.7)


class _Head:
    """The head of one frame."""

    def __init__(self, pen: cairo.Context, person: Person, pose: Pose):
        self.pen, self.person, self.pose = pen, person, pose
        self.skin, self.hair = colour(person.skin), colour(person.hair)
        self.jaw = 0.035 * pose.opened

    def draw(self) -> None:
        if self.person.hairstyle not in ("scarf", "bob", "long"):
            self._ears()
        self._face()
        self._cheeks_and_nose()
        if self.person.beard:
            self._beard()
        self._mouth()
        for side in (-1, 1):
            self._eye(side)
            self._brow(side)
        self._hair_front()
        if self.person.glasses:
            self._glasses()

    def _outline(self) -> list[tuple[float, float]]:
        drop = self.jaw
        wide = 0.0 if self.person.lashes else 0.012
        return mirrored(
            [(0, -0.50), (0.20, -0.475), (0.325, -0.35), (0.372, -0.12), (0.358 + wide, 0.08), (0.312 + wide, 0.26 + drop * 0.4),
             (0.212 + wide * 1.5, 0.415 + drop), (0.105 + wide, 0.485 + drop), (0, CHIN + drop)]
        )

    def _ears(self) -> None:
        for side in (-1, 1):
            tone = mix(self.skin, colour("#d9715f"), 0.12)
            ellipse(self.pen, side * 0.375, 0.015, 0.052, 0.105)
            fill(self.pen, tone if side < 0 else darker(tone, 0.18))
            ellipse(self.pen, side * 0.38, 0.015, 0.026, 0.065)
            fill(self.pen, darker(tone, 0.28), 0.7)

    def _face(self) -> None:
        pen, skin = self.pen, self.skin
        smooth(pen, self._outline())
        pen.save()
        pen.clip()
        pen.set_source(
            linear((-0.40, -0.2), (0.42, 0.18), [(0, lighter(skin, 0.20)), (0.40, skin), (0.75, darker(skin, 0.09)), (1, darker(skin, 0.30))])
        )
        pen.paint()
        glow(pen, -0.10, -0.30, 0.24, 0.16, lighter(skin, 0.65), 0.30)
        glow(pen, 0, 0.56, 0.36, 0.20, darker(skin, 0.55), 0.40)
        glow(pen, 0.0, -0.50, 0.5, 0.20, darker(skin, 0.5), 0.30)
        for side in (-1, 1):
            glow(pen, side * 0.155, -0.055, 0.135, 0.085, darker(skin, 0.55), 0.34)
        pen.restore()

    def _cheeks_and_nose(self) -> None:
        pen, skin = self.pen, self.skin
        rosy = mix(skin, colour("#e2574c"), 0.55)
        for side in (-1, 1):
            glow(pen, side * 0.215, 0.135, 0.125, 0.095, rosy, 0.36)
        glow(pen, -0.02, 0.05, 0.055, 0.17, lighter(skin, 0.7), 0.34)
        glow(pen, 0.075, 0.06, 0.05, 0.16, darker(skin, 0.5), 0.30)
        glow(pen, 0, 0.175, 0.12, 0.045, darker(skin, 0.6), 0.34)
        ellipse(pen, 0, 0.125, 0.058, 0.048)
        fill(pen, mix(skin, rosy, 0.35), 0.45)
        glow(pen, -0.015, 0.105, 0.04, 0.035, (1, 1, 1), 0.28)
        dark = darker(skin, 0.62)
        for side in (-1, 1):
            ellipse(pen, side * 0.034, 0.158, 0.019, 0.010)
            fill(pen, dark, 0.75)
            smooth(pen, [(side * 0.066, 0.105), (side * 0.082, 0.135), (side * 0.070, 0.162), (side * 0.052, 0.164)], closed=False)
            stroke(pen, dark, 0.009, 0.45)
            smooth(pen, [(side * 0.095, 0.16), (side * 0.145, 0.215), (side * 0.165, 0.27 + self.jaw * 0.5)], closed=False)
            stroke(pen, dark, 0.010, self.person.lines)

    def _beard(self) -> None:
        pen, drop = self.pen, self.jaw
        pen.save()
        smooth(pen, self._outline())
        pen.clip()
        outer = [(0.42, -0.02), (0.45, 0.3), (0.3, 0.6), (0, 0.66)]
        inner = [(0, 0.215), (0.10, 0.205), (0.165, 0.26), (0.235, 0.20), (0.315, 0.10), (0.352, -0.05)]
        pen.push_group()
        smooth(pen, [*inner, *outer, *((-x, y + drop) for x, y in outer[-2::-1]), *((-x, y) for x, y in inner[:0:-1])])
        fill(pen, darker(self.hair, 0.1))
        glow(pen, -0.16, 0.40, 0.2, 0.2, lighter(self.hair, 0.35), 0.35)
        pen.pop_group_to_source()
        pen.paint_with_alpha(self.person.beard)
        pen.restore()

    def _mouth(self) -> None:
        pen, pose, skin = self.pen, self.pose, self.skin
        half = 0.130 - 0.046 * pose.round + 0.008 * pose.opened
        top, gape = 0.292, 0.105 * pose.opened
        red = mix(mix(skin, colour("#b8434a"), self.person.lips + 0.22), colour("#5a1f25"), 0.10)
        corner = top - 0.014 + gape * 0.40
        bow, low = 0.030 + 0.010 * pose.round, 0.040 + 0.010 * pose.round
        upper = [(-half, corner), (-half * 0.45, top - bow * 0.85), (-0.02, top - bow), (0, top - bow * 0.78), (0.02, top - bow),
                 (half * 0.45, top - bow * 0.85), (half, corner)]
        lower = [(half * 0.62, top + gape + low * 0.70), (0, top + gape + low), (-half * 0.62, top + gape + low * 0.70)]
        glow(pen, 0, top + gape + low + 0.028, 0.11, 0.035, darker(skin, 0.6), 0.38)
        smooth(pen, upper + lower)
        pen.set_source(linear((0, top - bow), (0, top + gape + low), [(0, darker(red, 0.16)), (0.45, darker(red, 0.06)), (1, red)]))
        pen.fill()
        glow(pen, -0.02, top + gape + low * 0.55, 0.05, 0.015, (1, 1, 1), 0.32)
        if gape < 0.008:
            smooth(pen, [(-half * 0.97, corner), (-half * 0.4, top + 0.004), (0, top + 0.001), (half * 0.4, top + 0.004), (half * 0.97, corner)], closed=False)
            stroke(pen, darker(red, 0.62), 0.010, 0.9)
        else:
            self._inside_of_mouth(half * 0.90, top, corner, gape)
        for side in (-1, 1):
            glow(pen, side * (half + 0.008), corner, 0.022, 0.018, darker(skin, 0.6), 0.5)

    def _inside_of_mouth(self, half: float, top: float, corner: float, gape: float) -> None:
        pen = self.pen
        pen.save()
        smooth(pen, [(-half, corner), (-half * 0.5, top - 0.004), (0, top - 0.001), (half * 0.5, top - 0.004), (half, corner),
                     (half * 0.58, top + gape * 0.86), (0, top + gape), (-half * 0.58, top + gape * 0.86)])
        pen.clip()
        pen.set_source_rgb(*colour("#4a1518"))
        pen.paint()
        ellipse(pen, 0, top + gape * 1.12, half * 0.62, gape * 0.52)
        fill(pen, colour("#c4626a"))
        rounded(pen, -half * 0.72, top - 0.05, half * 1.44, 0.05 + min(0.026, gape * 0.42), 0.012)
        fill(pen, colour("#f7f3ea"))
        pen.restore()

    def _eye(self, side: int) -> None:
        pen, pose = self.pen, self.pose
        x, y, half = side * 0.160, -0.040, 0.082
        tall = 0.047 + 0.004 * pose.brows
        dark = darker(self.hair if self.person.hairstyle != "thin" else colour("#5b4a42"), 0.6)
        top = y - tall + (tall * 1.45) * pose.lids
        bottom = y + tall * 0.62
        arch = tall * (0.20 - 0.36 * pose.lids)
        lid_top = [(x - half, y + 0.002), (x - half * 0.5, top + arch), (x, top), (x + half * 0.5, top + arch), (x + half, y + 0.002)]
        lid_low = [(x + half * 0.45, bottom - 0.004), (x, bottom), (x - half * 0.45, bottom - 0.004)]
        if pose.lids < 0.8:
            pen.save()
            smooth(pen, lid_top + lid_low)
            pen.clip()
            pen.set_source_rgb(*colour("#f6f3ef"))
            pen.paint()
            self._iris(x + 0.010 * pose.gaze, y - 0.004)
            glow(pen, x, y - tall, half * 1.2, tall * 0.75, darker(self.skin, 0.7), 0.45)
            pen.restore()
            smooth(pen, [*lid_low[::-1]], closed=False)
            stroke(pen, darker(self.skin, 0.5), 0.006, 0.45)
        width = 0.017 if self.person.lashes else 0.011
        smooth(pen, lid_top, closed=False)
        stroke(pen, dark, width, 0.95)
        if self.person.lashes:
            outer = lid_top[0] if side < 0 else lid_top[-1]
            pen.move_to(*outer)
            pen.line_to(outer[0] + side * 0.022, outer[1] - 0.018 * (1 - pose.lids))
            stroke(pen, dark, 0.012, 0.9)
        smooth(pen, [(x - half * 0.9, y - 0.025), (x, y - tall - 0.022), (x + half * 0.9, y - 0.028)], closed=False)
        stroke(pen, darker(self.skin, 0.5), 0.007, 0.45)

    def _iris(self, x: float, y: float) -> None:
        pen, iris = self.pen, colour(self.person.iris)
        ellipse(pen, x, y, 0.043, 0.043)
        fill(pen, darker(iris, 0.45))
        ellipse(pen, x, y, 0.037, 0.037)
        fill(pen, iris)
        glow(pen, x, y + 0.016, 0.036, 0.026, lighter(iris, 0.6), 0.55)
        ellipse(pen, x, y, 0.0195, 0.0195)
        fill(pen, (0.05, 0.04, 0.05))
        ellipse(pen, x - 0.015, y - 0.016, 0.010, 0.010)
        fill(pen, (1, 1, 1), 0.95)

    def _brow(self, side: int) -> None:
        lift = 0.022 * self.pose.brows
        thick = 0.018 if self.person.lashes else 0.026
        inner, peak, outer = (side * 0.064, -0.130 - lift * 0.6), (side * 0.168, -0.166 - lift), (side * 0.262, -0.122 - lift * 0.7)
        pen = self.pen
        pen.move_to(inner[0], inner[1] + thick * 0.5)
        pen.curve_to(inner[0] + side * 0.03, peak[1] + thick * 0.3, peak[0], peak[1] - thick * 0.2, outer[0], outer[1])
        pen.curve_to(peak[0] + side * 0.01, peak[1] + thick, inner[0] + side * 0.05, peak[1] + thick * 1.7, inner[0], inner[1] + thick * 1.4)
        pen.close_path()
        tone = colour("#4a3328") if self.person.hairstyle == "scarf" else darker(self.hair, 0.25)
        fill(pen, tone, 0.92)

    def _glasses(self) -> None:
        pen, frame = self.pen, colour("#2e3138")
        for side in (-1, 1):
            rounded(pen, side * 0.160 - 0.112, -0.125, 0.224, 0.175, 0.062)
            fill(pen, (0.92, 0.97, 1.0), 0.10)
            rounded(pen, side * 0.160 - 0.112, -0.125, 0.224, 0.175, 0.062)
            stroke(pen, frame, 0.016, 0.95)
            pen.move_to(side * 0.272, -0.07)
            pen.line_to(side * 0.372, -0.055)
            stroke(pen, frame, 0.016, 0.95)
            pen.move_to(side * 0.160 - 0.07, -0.02)
            pen.line_to(side * 0.160 - 0.01, -0.10)
            stroke(pen, (1, 1, 1), 0.014, 0.22)
        smooth(pen, [(-0.050, -0.055), (0, -0.075), (0.050, -0.055)], closed=False)
        stroke(pen, frame, 0.016, 0.95)

    # Hair ------------------------------------------------------------------------------------------------------------

    def hair_behind(self) -> None:
        """What hangs behind the neck and shoulders."""
        pen, style = self.pen, self.person.hairstyle
        dark = darker(self.hair, 0.28)
        if style == "bob":
            smooth(pen, mirrored([(0, -0.60), (0.30, -0.54), (0.46, -0.25), (0.50, 0.15), (0.47, 0.47), (0.30, 0.56), (0, 0.52)]))
            fill(pen, dark)
        elif style == "long":
            smooth(pen, mirrored([(0, -0.60), (0.31, -0.53), (0.46, -0.22), (0.50, 0.30), (0.58, 0.85), (0.54, 1.25), (0.28, 1.30), (0, 1.0)]))
            fill(pen, dark)
        elif style == "bun":
            ellipse(pen, 0.02, -0.66, 0.185, 0.165)
            pen.set_source(linear((-0.15, -0.8), (0.2, -0.5), [(0, lighter(self.hair, 0.18)), (1, darker(self.hair, 0.3))]))
            pen.fill()
            smooth(pen, [(-0.12, -0.68), (0.0, -0.76), (0.13, -0.70)], closed=False)
            stroke(pen, darker(self.hair, 0.5), 0.012, 0.5)
        elif style == "curls":
            self._curls([(0.40 * np.sin(a) * 1.08, -0.20 - 0.36 * np.cos(a), 0.155) for a in np.linspace(-2.1, 2.1, 17)], dark)
            ellipse(pen, 0, -0.2, 0.44, 0.42)
            fill(pen, dark)
        elif style == "scarf":
            smooth(pen, mirrored([(0, -0.64), (0.30, -0.57), (0.455, -0.30), (0.475, 0.10), (0.42, 0.45), (0.36, 0.80), (0, 0.9)]))
            fill(pen, darker(self.hair, 0.22))

    def _hair_front(self) -> None:
        style = self.person.hairstyle
        if style == "scarf":
            self._scarf()
        elif style == "curls":
            self._curls([(0.355 * np.sin(a), -0.225 - 0.27 * np.cos(a), 0.085) for a in np.linspace(-1.5, 1.5, 13)], self.hair)
            self._curls([(0.37 * np.sin(a), -0.30 - 0.27 * np.cos(a), 0.10) for a in np.linspace(-1.4, 1.4, 11)], lighter(self.hair, 0.05))
        else:
            if style in _STRANDS:
                self._side_strands(_STRANDS[style])
            self._cap(*_CAPS[style])

    def _cap(self, outer: list, inner: list) -> None:
        """Hair on the skull: between an outer line and the hair line, both from the left ear to the right one."""
        pen = self.pen
        smooth(pen, outer, closed=False)
        path_end = inner[::-1]
        pen.line_to(*path_end[0])
        count = len(path_end)
        for i in range(count - 1):
            (x0, y0), (x1, y1) = path_end[max(i - 1, 0)], path_end[i]
            (x2, y2), (x3, y3) = path_end[i + 1], path_end[min(i + 2, count - 1)]
            pen.curve_to(x1 + (x2 - x0) / 6, y1 + (y2 - y0) / 6, x2 - (x3 - x1) / 6, y2 - (y3 - y1) / 6, x2, y2)
        pen.close_path()
        pen.save()
        pen.clip()
        pen.set_source(linear((-0.4, -0.6), (0.42, -0.1), [(0, lighter(self.hair, 0.16)), (0.5, self.hair), (1, darker(self.hair, 0.38))]))
        pen.paint()
        glow(pen, -0.16, -0.50, 0.22, 0.10, lighter(self.hair, 0.7), 0.30)
        for shift in np.linspace(-0.32, 0.32, 9):
            smooth(pen, [(shift * 0.45 - 0.05, -0.62), (shift * 0.85, -0.48), (shift * 1.25, -0.15)], closed=False)
            stroke(pen, darker(self.hair, 0.5), 0.008, 0.22)
        pen.restore()

    def _side_strands(self, outline: list[tuple[float, float]]) -> None:
        """Hair that falls in front of the ears; `outline` is that of the right-hand side."""
        pen, down = self.pen, max(y for _, y in outline)
        for side in (-1, 1):
            smooth(pen, [(side * x, y) for x, y in outline])
            tone = lighter(self.hair, 0.06) if side < 0 else darker(self.hair, 0.24)
            pen.save()
            pen.clip()
            pen.set_source(linear((side * 0.33, 0), (side * 0.5, 0), [(0, darker(tone, 0.16)), (0.5, tone), (1, darker(tone, 0.22))]))
            pen.paint()
            for at in (0.385, 0.42, 0.455):
                smooth(pen, [(side * (at - 0.04), -0.35), (side * at, 0.05), (side * (at + 0.03), down)], closed=False)
                stroke(pen, darker(self.hair, 0.5), 0.008, 0.25)
            pen.restore()

    def _curls(self, circles: list[tuple[float, float, float]], tone: Colour) -> None:
        for x, y, size in circles:
            ellipse(self.pen, x, y, size, size)
            fill(self.pen, tone if x < 0.12 else darker(tone, 0.22))
            self.pen.arc(x - size * 0.1, y - size * 0.1, size * 0.55, 3.4, 5.2)
            stroke(self.pen, lighter(tone, 0.3), 0.010, 0.30)

    def _scarf(self) -> None:
        pen, cloth = self.pen, self.hair
        pen.set_fill_rule(cairo.FILL_RULE_EVEN_ODD)
        smooth(pen, mirrored([(0, -0.645), (0.30, -0.575), (0.46, -0.30), (0.475, 0.08), (0.43, 0.40), (0.46, 0.72), (0.40, 1.02), (0, 1.22)]))
        smooth(pen, mirrored([(0, -0.43), (0.19, -0.40), (0.31, -0.27), (0.350, -0.08), (0.345, 0.10), (0.30, 0.28), (0.20, 0.42 + self.jaw),
                              (0.10, 0.475 + self.jaw), (0, 0.49 + self.jaw)]))
        pen.save()
        pen.clip()
        pen.set_fill_rule(cairo.FILL_RULE_WINDING)
        pen.set_source(linear((-0.48, -0.3), (0.5, 0.3), [(0, lighter(cloth, 0.22)), (0.45, cloth), (1, darker(cloth, 0.34))]))
        pen.paint()
        glow(pen, -0.2, -0.52, 0.22, 0.10, lighter(cloth, 0.7), 0.35)
        glow(pen, 0, 0.54, 0.34, 0.13, darker(cloth, 0.6), 0.5)
        for fold in (
            [(-0.43, 0.25), (-0.30, 0.58), (0.02, 0.78), (0.36, 0.80)],
            [(-0.45, 0.55), (-0.25, 0.82), (0.05, 0.95), (0.38, 0.95)],
            [(0.44, 0.20), (0.36, 0.48), (0.18, 0.66), (0.0, 0.72)],
            [(-0.36, -0.46), (-0.43, -0.20), (-0.42, 0.12)],
            [(0.36, -0.46), (0.43, -0.20), (0.42, 0.12)],
        ):
            smooth(pen, fold, closed=False)
            stroke(pen, darker(cloth, 0.5), 0.014, 0.34)
        pen.restore()
        pen.set_fill_rule(cairo.FILL_RULE_WINDING)
        smooth(pen, mirrored([(0, -0.43), (0.19, -0.40), (0.31, -0.27), (0.350, -0.08), (0.345, 0.10), (0.30, 0.28), (0.20, 0.42 + self.jaw),
                              (0.10, 0.475 + self.jaw), (0, 0.49 + self.jaw)]))
        stroke(pen, darker(cloth, 0.45), 0.014, 0.55)


_CAPS: dict[str, tuple[list, list]] = {
    "short": (
        [(-0.385, 0.02), (-0.415, -0.20), (-0.36, -0.45), (-0.20, -0.585), (0.02, -0.62), (0.22, -0.575), (0.37, -0.43), (0.412, -0.20), (0.385, 0.02)],
        [(-0.350, 0.0), (-0.335, -0.20), (-0.28, -0.30), (-0.12, -0.355), (0.05, -0.375), (0.20, -0.345), (0.305, -0.27), (0.335, -0.18), (0.350, 0.0)],
    ),
    "thin": (
        [(-0.390, 0.05), (-0.420, -0.16), (-0.375, -0.38), (-0.22, -0.545), (0.0, -0.575), (0.22, -0.545), (0.375, -0.38), (0.418, -0.16), (0.390, 0.05)],
        [(-0.352, 0.03), (-0.345, -0.14), (-0.315, -0.30), (-0.20, -0.43), (-0.02, -0.455), (0.18, -0.44), (0.31, -0.31), (0.345, -0.14), (0.352, 0.03)],
    ),
    "bob": (
        [(-0.40, 0.0), (-0.44, -0.22), (-0.38, -0.47), (-0.20, -0.60), (0.02, -0.63), (0.22, -0.595), (0.39, -0.46), (0.44, -0.22), (0.40, 0.0)],
        [(-0.345, -0.04), (-0.345, -0.16), (-0.32, -0.27), (-0.25, -0.36), (-0.14, -0.43), (0.02, -0.375), (0.18, -0.27), (0.30, -0.20), (0.345, -0.04)],
    ),
    "long": (
        [(-0.40, 0.0), (-0.44, -0.22), (-0.38, -0.46), (-0.20, -0.59), (0.0, -0.615), (0.20, -0.59), (0.38, -0.46), (0.44, -0.22), (0.40, 0.0)],
        [(-0.345, -0.02), (-0.345, -0.16), (-0.305, -0.27), (-0.18, -0.36), (-0.02, -0.455), (0.14, -0.38), (0.29, -0.28), (0.345, -0.16), (0.345, -0.02)],
    ),
    "bun": (
        [(-0.385, 0.0), (-0.405, -0.20), (-0.35, -0.43), (-0.19, -0.55), (0.0, -0.575), (0.19, -0.55), (0.35, -0.43), (0.403, -0.20), (0.385, 0.0)],
        [(-0.355, -0.03), (-0.345, -0.17), (-0.285, -0.30), (-0.15, -0.39), (0.0, -0.415), (0.15, -0.39), (0.285, -0.30), (0.345, -0.17), (0.355, -0.03)],
    ),
}

_STRANDS = {
    "bob": [(0.25, -0.46), (0.40, -0.30), (0.475, 0.05), (0.485, 0.32), (0.44, 0.52), (0.36, 0.53), (0.335, 0.30), (0.342, 0.08), (0.335, -0.15), (0.30, -0.30)],
    "long": [(0.25, -0.46), (0.40, -0.30), (0.475, 0.05), (0.49, 0.45), (0.545, 0.80), (0.53, 1.08), (0.43, 1.26), (0.415, 1.02), (0.375, 0.62),
             (0.345, 0.30), (0.342, 0.08), (0.335, -0.15), (0.30, -0.30)],
}
"""Hair in front of the ears, right-hand outline."""

"""Small charts as SVG: the abscissa logarithmic, the ordinate from zero, so that a cost that stays the same is seen to.

    draw("scale.svg", [Panel("writing: CPU of a line, us", "points", [(1_000_000, 0.31), (10_000_000, 0.32)])])
"""

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, COLUMNS = 300, 200, 3
LEFT, RIGHT, TOP, BOTTOM = 44, 20, 34, 38


@dataclass
class Panel:
    title: str
    x_name: str
    points: list  # of (x > 0, y >= 0), x ascending


def round_up(value):
    """The least of 1, 2, 5, 10, ... that is not less."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= value * 0.999)


def short(value):
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.3g}"


def text(x, y, words, anchor="middle", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def panel_svg(panel, left, top):
    low, high = math.log10(panel.points[0][0]), math.log10(panel.points[-1][0])
    y_max = round_up(max(y for _, y in panel.points))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x, y):
        share = (math.log10(x) - low) / (high - low) if high > low else 0.5
        return left + LEFT + share * inner_width, top + TOP + (1 - y / y_max) * inner_height

    out = [text(left + WIDTH / 2, top + 18, panel.title, style=' font-weight="bold"')]
    for part in (0, 0.5, 1):
        y = top + TOP + (1 - part) * inner_height
        out.append(f'<line x1="{left + LEFT}" y1="{y:.1f}" x2="{left + WIDTH - RIGHT}" y2="{y:.1f}" stroke="#d0d7de"/>')
        out.append(text(left + LEFT - 5, y + 4, short(part * y_max), "end"))
    places = [place(x, y) for x, y in panel.points]
    out.append(f'<polyline fill="none" stroke="#0969da" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
    for number, ((x, y), (px, py)) in enumerate(zip(panel.points, places)):
        out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="#0969da"/>')
        anchor = "start" if number == 0 else "end" if number == len(places) - 1 else "middle"
        out.append(text(px, py - 8 if py > top + TOP + 14 else py + 18, short(y), anchor))
        out.append(text(px, top + HEIGHT - BOTTOM + 16, short(x)))
    out.append(text(left + LEFT + inner_width / 2, top + HEIGHT - BOTTOM + 31, panel.x_name))
    return out


def draw(path, panels):
    rows = -(-len(panels) // COLUMNS)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * COLUMNS}" height="{HEIGHT * rows}" font-family="sans-serif" font-size="11" fill="#24292f">',
             '<rect width="100%" height="100%" fill="#ffffff"/>']
    for number, panel in enumerate(panels):
        lines += panel_svg(panel, number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT)
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join([*lines, "</svg>"]) + "\n")

"""Makes pictures of pages a third of their size: 256 colours, of which a page needs hardly more.

The colours of large areas stay as they are, which no choice of Pillow's own leaves them; then come
those that are least like any that was chosen, so that a small icon keeps its hue as well.
"""

from __future__ import annotations

from typing import cast

from PIL import Image

Colour = tuple[int, int, int]
COLOURS = 256
LARGE = 128  #: so many are chosen for their areas, the rest for what would be lost


def with_palette(picture: Image.Image) -> Image.Image:
    """Return *picture* in its most important colours."""
    whole = picture.convert("RGB")
    counted = cast(list[tuple[int, Colour]], whole.getcolors(whole.width * whole.height))
    palette = Palette([colour for _, colour in sorted(counted, reverse=True)])
    raw = whole.tobytes()
    pixels = zip(raw[::3], raw[1::3], raw[2::3], strict=True)
    small = Image.frombytes("P", whole.size, bytes(palette.nearest[pixel][1] for pixel in pixels))
    small.putpalette([channel for colour in palette.chosen for channel in colour])
    return small


class Palette:
    """The chosen colours, and for each colour the nearest of them: how far away, and which."""

    def __init__(self, colours: list[Colour]) -> None:
        self.chosen: list[Colour] = []
        self.nearest: dict[Colour, tuple[int, int]] = dict.fromkeys(colours, (1 << 20, 0))
        for colour in colours[:LARGE]:
            self._choose(colour)
        while len(self.chosen) < min(COLOURS, len(colours)):
            self._choose(max(colours, key=lambda colour: self.nearest[colour][0]))

    def _choose(self, new: Colour) -> None:
        number = len(self.chosen)
        self.chosen.append(new)
        red, green, blue = new
        for colour, (distance, _) in self.nearest.items():
            away = (colour[0] - red) ** 2 + (colour[1] - green) ** 2 + (colour[2] - blue) ** 2
            if away < distance:
                self.nearest[colour] = (away, number)

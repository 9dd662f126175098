"""Draws the floors of the package from its imports into docs/architecture.md.

Run `python tests/support/picture.py` after a change of imports; a test holds the page equal to them.
"""

from __future__ import annotations

from import_reader import ROOT, all_imports, between_files, between_rooms, rooms

PAGE = ROOT / "docs" / "architecture.md"
START, END = "<!-- picture of {house} -->", "<!-- end of picture -->"
HOUSES = ("plnet", "plnet.regions", "plnet.maxout", "plnet.forgetting", "plnet.runs")


def stands_on(house: str) -> dict[str, set[str]]:
    """Return for each room of a house the rooms that it imports."""
    found: dict[str, set[str]] = {room: set() for room in rooms(house)}
    for tail, head in between_rooms(between_files(all_imports("plnet")), house):
        found[tail].add(head)
    return found


def floors(below: dict[str, set[str]]) -> list[list[str]]:
    """Group rooms by the length of their longest way down, the lowest first; a circle has no floor."""
    left, found = dict(below), []
    while left:
        floor = sorted(room for room, heads in left.items() if not heads & set(left))
        if not floor:
            raise ValueError(f"these rooms import each other in a circle: {sorted(left)}")
        found.append(floor)
        for room in floor:
            del left[room]
    return found


def reached(below: dict[str, set[str]], room: str) -> set[str]:
    """Return everything that a room imports, also through others."""
    return below[room].union(*(reached(below, head) for head in below[room]))


def draw(house: str) -> str:
    """Draw a house: one line a room, the highest floor first, an arrow to what it directly stands on."""
    below = stands_on(house)
    width = max(map(len, below))
    lines = []
    levels = floors(below)
    for number in reversed(range(len(levels))):
        for room in levels[number]:
            through = set().union(*(reached(below, head) for head in below[room]))
            heads = ", ".join(sorted(below[room] - through))
            floor = f"{number:2}" if room == levels[number][0] else "  "
            lines.append(f"{floor} │ {room:{width}} {'──▶ ' + heads if heads else ''}".rstrip())
    return "\n".join(lines)


def redrawn(text: str, houses: tuple[str, ...] = HOUSES) -> str:
    """Return the text of the page with all pictures drawn anew."""
    for house in houses:
        start = START.format(house=house)
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(END)
        text = f"{before}{start}\n```text\n{draw(house)}\n```\n{END}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many pixels a GIF picture's compressed data hold (GIF89a, appendix F).

Only lengths are followed, not colours: each code stands for a run one longer than the
code before it.
"""

from __future__ import annotations

_TABLE = 4096  # codes have at most 12 bits


def pixels(code_size: int, data: bytes, wanted: int) -> int:
    """Return the pixels in `data`, counted up to `wanted`; 0 for a code size that cannot be."""
    if not 1 <= code_size <= 11:
        return 0
    clear, end = 1 << code_size, (1 << code_size) + 1
    start = [1] * clear + [0, 0]
    lengths, width, previous = list(start), code_size + 1, 0
    count = bits = held = 0
    for byte in data:
        held |= byte << bits
        bits += 8
        while bits >= width:
            code = held & ((1 << width) - 1)
            held >>= width
            bits -= width
            if code == clear:
                lengths, width, previous = list(start), code_size + 1, 0
                continue
            if code == end or code > len(lengths):
                return count
            if previous and len(lengths) < _TABLE:
                lengths.append(previous + 1)
            if code >= len(lengths):
                return count  # a code that nothing has defined
            previous = lengths[code]
            count += previous
            if count >= wanted:
                return count
            if len(lengths) == 1 << width and width < 12:
                width += 1
    return count

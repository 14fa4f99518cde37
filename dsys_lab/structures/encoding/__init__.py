"""In how few bytes does a column fit, and what can be asked of it without unpacking?

Values that stand together because they are of one kind are alike: they repeat, they stay near each other, they climb.
Each codec here makes use of one such likeness and is a pair of pure functions, `encode` from values to bytes and
`decode` back; `total` adds the values up from the bytes as they are.

===============  ===========================  ===============================  ============================
codec            the likeness                 bytes of n values of w bytes     the sum, without unpacking
===============  ===========================  ===============================  ============================
`plain`          none                         n * w                            read as numbers where they lie
`run_length`     runs of the same             runs * (w + 4)                   value * length over the runs
`dictionary`     few different ones           n * 1 (2, 4) + different * w     counted by code
`frame`          all near each other          8 + n * bits / 8                 ones in each bit plane
`delta`          each near the one before     16 + n * bits / 8                --
`mostly8`, ...   most small, few far off      n * 1 (2, 4) + far * (4 + w)     narrow ones + exceptions
`zlib`           bytes that repeat            no formula                       --
===============  ===========================  ===============================  ============================

`decide` picks by these formulas among the first five; the others have to be named. NULLs are kept beside the values
(`null_mask`), zeros in their places.

The codecs promise
------------------
1. `decode(encode(values))` is `values`, bit for bit: -0.0 stays -0.0, 2**64 - 1 stays, the empty text stays.
2. A sum of whole numbers is exact, however large.
3. The choice may cost space, never an answer: every codec takes any values of the types it is for.

A *stack* is an array of bytes of shape (chunks, size): chunks of one column, of one codec, size and number of rows,
that lie side by side in a file, read at once. A chunk alone is a stack of one.

Left out: general compression on top of another encoding; zstd, lz4 and LZO, which are faster and not in the standard
library; patched frames, where one value far off costs all others bits; ALP for floating point; FSST for text.

Sources: Abadi, Madden and Ferreira, "Integrating compression and execution in column-oriented database systems", SIGMOD
2006; Zukowski et al., "Super-scalar RAM-CPU cache compression", ICDE 2006 (frame of reference, delta); Lemire and
Boytsov, "Decoding billions of integers per second through vectorization", 2015.
"""

from dsys_lab.structures.encoding.codec import Codec
from dsys_lab.structures.encoding.decide import CHOSEN, CODECS, Profile, choose, decide, profile, sizes
from dsys_lab.structures.encoding.null_mask import mask_bytes, pack_mask, unpack_mask

__all__ = [
    "CHOSEN",
    "CODECS",
    "Codec",
    "Profile",
    "choose",
    "decide",
    "mask_bytes",
    "pack_mask",
    "profile",
    "sizes",
    "unpack_mask",
]

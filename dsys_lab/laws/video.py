"""Video in fragments: how old a live picture is, what key frames cost, and what a device's buffer saves."""

from __future__ import annotations

import math

from dsys_lab.errors import BadParameter, require_fraction, require_not_negative, require_positive


def live_delay_s(fragment_s: float, buffered: float, way_s: float = 0.0, *, joined: float = 0.5) -> float:
    """Seconds by which a live picture is behind life: `(k + u) f + way`, with k fragments of f seconds buffered.

    The oldest of the k is k f old when the newest is complete; it comes after `way_s`; and whoever joins comes a share
    u = `joined` of a fragment later: 0 at best, 1 at most, 1/2 on average over all moments. No stall so far.
    """
    require_positive(fragment_s=fragment_s, buffered=buffered)
    require_not_negative(way_s=way_s)
    require_fraction(joined=joined)
    return (buffered + joined) * fragment_s + way_s


def video_bytes_a_second(fragment_s: float, *, fps: float, key_bytes: float, change_bytes: float) -> float:
    """Bytes a second of a film with a key frame every f seconds: `fps c + (K - c) / f`.

    A key frame costs K, with what surrounds a fragment; each other frame c, whatever stands before it.
    """
    require_positive(fragment_s=fragment_s, fps=fps)
    require_not_negative(key_bytes=key_bytes, change_bytes=change_bytes)
    if fragment_s * fps < 1:
        raise BadParameter(f"fragment_s = {fragment_s!r}: give {1 / fps:g} s, a frame, or more")
    return fps * change_bytes + (key_bytes - change_bytes) / fragment_s


def frames_to_decode(fragment_s: float, *, fps: float) -> float:
    """Frames that must be decoded to see a moment, on average over all: `(n + 1) / 2`, of the n in its fragment."""
    require_positive(fragment_s=fragment_s, fps=fps)
    return (fragment_s * fps + 1) / 2


def film_lost_share(mtbf_s: float, mttr_s: float, buffer_s: float) -> float:
    """Share of a film that a camera cannot keep while its link is down: `MTTR / (MTBF + MTTR) exp(-b / MTTR)`.

    The link is up for `mtbf_s` and down for `mttr_s` on average, exponentially distributed; what is longer than the
    buffer's `buffer_s` is lost. A device that holds b besides one fragment of f seconds has b + f. At least so much: a
    slow link is still busy with the last outage when the next begins.
    """
    require_positive(mtbf_s=mtbf_s)
    require_not_negative(mttr_s=mttr_s, buffer_s=buffer_s)
    if mttr_s == 0:
        return 0.0
    return mttr_s / (mtbf_s + mttr_s) * math.exp(-buffer_s / mttr_s)


def device_buffer_s(mtbf_s: float, mttr_s: float, lost_share: float) -> float:
    """The buffer with which just so much of a film is lost: `film_lost_share` solved for it; 0 if none is needed."""
    require_positive(mttr_s=mttr_s, lost_share=lost_share)
    return max(0.0, mttr_s * math.log(film_lost_share(mtbf_s, mttr_s, 0.0) / lost_share))


def catch_up_s(waiting_s: float, link_x: float) -> float:
    """Seconds until a device has sent what waits: `w / (x - 1)`, over a link that carries x seconds of film a second.

    For it films meanwhile. A link that is no faster than the film never catches up.
    """
    require_not_negative(waiting_s=waiting_s)
    require_positive(link_x=link_x)
    return waiting_s / (link_x - 1) if link_x > 1 else math.inf if waiting_s else 0.0

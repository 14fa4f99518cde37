"""A night camera uploads while it films, and somebody watches.

The claims, one function each:

1. `live`: what one sees is as old as the fragments that had to be complete, and were waited for.
2. `outage`: while the link is down the device holds what it can; what it lets go is a gap. What comes after, in which
   order?
3. `shaky`: a link that is sometimes slow stalls a viewer who has little buffered.
4. `edge`: what is too old goes, fragment by fragment, behind those who watch.

Sources: the semantics and their sources in `dsys_lab.brokers.video_stream`; the laws in `dsys_lab.laws.video`.
"""

from __future__ import annotations

from typing import Any, Final

from dsys_lab.errors import require_not_negative, require_positive
from dsys_lab.scenarios.scenario import Claims, scenario
from dsys_lab.scenarios.video_stream.machines import Archive, Camera, Screen, gauge
from dsys_lab.simulation import Fault, Simulation
from dsys_lab.simulation.chance import exponential
from dsys_lab.simulation.faults import arm
from dsys_lab.workloads.film import Film, modelled

DAY_S: Final = 86_400.0
PATIENCE_S: Final = 90.0
"""How long after the film's end a run goes on at most."""
KEPT: Final[dict[str, dict[str, Any]]] = {"conservation": {}, "no acknowledged loss": {}, "every moment kept": {}}
JOINS_S: Final = 7.3
DOWN_AT_S: Final = 20.0


def filmed(
    sim: Simulation, film: Film, *, link_x: float, device_s: float, retention_s: float = DAY_S, **camera: Any
) -> Camera:
    """Return a camera with its archive."""
    require_positive(link_x=link_x)
    require_not_negative(device_s=device_s)
    archive = Archive(sim, retention_s=retention_s)
    return Camera(sim, archive, film, link_x=link_x, device_s=device_s, **camera)


def run_until_seen(sim: Simulation, camera: Camera, *screens: Screen) -> None:
    """Run until all is filmed, uploaded and seen, or patience ends."""
    sim.spawn(gauge(sim, camera, list(screens)))
    sim.run(camera.film.lasts_s)
    while sim.now_s < camera.film.lasts_s + PATIENCE_S:
        sim.run(sim.now_s + 1)
        states = [screen.viewer.watching(sim.now_us).state for screen in screens if screen.up]
        if camera.is_done and "playing" not in states:
            return


# ------------------------------------------------------------------------------------------ 1. how old is live?
@scenario("fragments of {fragment_s:g} s, {buffered} before it plays")
def live(
    sim: Simulation,
    *,
    fragment_s: float = 2.0,
    buffered: int = 3,
    joins_s: float = JOINS_S,
    link_x: float = 4.0,
    seconds: float = 40.0,
    device_s: float = 20.0,
    film: Film | None = None,
) -> Claims:
    """What one sees is as old as the fragments that had to be complete, and were waited for.

    A viewer joins after `joins_s`, and plays when `buffered` fragments are there. A `film` that is given is uploaded;
    otherwise one of `seconds`, without pictures.
    """
    require_not_negative(joins_s=joins_s)
    camera = filmed(sim, film or modelled(seconds, fragment_s), link_x=link_x, device_s=device_s)
    run_until_seen(sim, camera, Screen(sim, camera.archive, buffered=buffered, joins_s=joins_s))
    return Claims(KEPT, poster_us=round(0.7e6 * camera.film.lasts_s), strip=("live delay",))


# ------------------------------------------------------------------------------------------ 2. the link is down
@scenario("down for {down_s:g} s, {device_s:g} s on the device, {sends} first")
def outage(
    sim: Simulation,
    *,
    down_s: float = 20.0,
    device_s: float = 30.0,
    lets_go: str = "oldest",
    sends: str = "oldest",
    fragment_s: float = 2.0,
    buffered: int = 2,
    link_x: float = 1.5,
    seconds: float = 100.0,
    film: Film | None = None,
) -> Claims:
    """While the link is down the device holds what it can; what it lets go is a gap.

    The link goes down after 20 s. When it is back, the device `sends` its oldest or its newest fragment first, over a
    link that carries `link_x` seconds of film in a second.
    """
    require_not_negative(down_s=down_s)
    camera = filmed(
        sim, film or modelled(seconds, fragment_s), link_x=link_x, device_s=device_s, lets_go=lets_go, sends=sends
    )
    if down_s:
        arm(Fault(do="split", target=camera.name, at_s=DOWN_AT_S, lasts_s=down_s), sim)
    run_until_seen(sim, camera, Screen(sim, camera.archive, buffered=buffered))
    return Claims(KEPT, poster_us=round((DOWN_AT_S + 0.8 * down_s) * 1e6), strip=("live delay", "waits on the device"))


# ------------------------------------------------------------------------------------------ 3. slow at times
@scenario("a shaky link, {buffered} before it plays")
def shaky(
    sim: Simulation,
    *,
    buffered: int = 1,
    fragment_s: float = 2.0,
    link_x: float = 2.0,
    joins_s: float = JOINS_S,
    seconds: float = 120.0,
) -> Claims:
    """A link that is sometimes slow stalls a viewer who has little buffered.

    An upload takes `fragment_s / link_x` on average, exponentially distributed.
    """
    require_not_negative(joins_s=joins_s)
    film = modelled(seconds, fragment_s)
    camera = filmed(sim, film, link_x=link_x, device_s=seconds, way=exponential(1.0))
    run_until_seen(sim, camera, Screen(sim, camera.archive, buffered=buffered, joins_s=joins_s))
    return Claims(KEPT, poster_us=round(0.5e6 * seconds), strip=("live delay",))


# ------------------------------------------------------------------------------------------ 4. what is too old
@scenario("kept for {retention_s:g} s")
def edge(
    sim: Simulation,
    *,
    retention_s: float = 30.0,
    buffered: int = 2,
    fragment_s: float = 2.0,
    seconds: float = 80.0,
    film: Film | None = None,
) -> Claims:
    """What is too old goes, fragment by fragment, behind those who watch."""
    require_positive(retention_s=retention_s)
    camera = filmed(sim, film or modelled(seconds, fragment_s), link_x=4.0, device_s=20.0, retention_s=retention_s)
    run_until_seen(sim, camera, Screen(sim, camera.archive, buffered=buffered))
    return Claims(KEPT, poster_us=round(0.8e6 * seconds), strip=("live delay",))

"""The player: any run as a moving picture, to be stopped, stepped both ways, followed and broken.

One module of plain JavaScript (`script/`) draws in three hosts; the environment variable `DSYS_LAB_VIEW` chooses:

=========  =====================================================================================================
`live`     a widget in a notebook with a kernel: sliders run the model again, a fault can be added at the cursor
`html`     a fragment for exported pages: everything but the kernel
`still`    a PNG of the moment that tells most and a summary in words: what is committed and compared
=========  =====================================================================================================

`pack` turns traces into the one value of bytes that all three read, `opening` chooses the moment at which a picture
opens, `titles` names the lanes, `page` holds the pages without a kernel, `fold`, `still` and `words` what stands still,
`widget` what lives. `Player` is a plain object before them: it makes a widget only when it is shown live.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsys_lab.errors import BadParameter
from dsys_lab.trace import Trace
from dsys_lab.views.mode import view_mode
from dsys_lab.views.player.opening import opening
from dsys_lab.views.player.pack import pack, unpack
from dsys_lab.views.player.titles import titles_of
from dsys_lab.views.player.words import describe, duration, summary

if TYPE_CHECKING:
    from dsys_lab.views.player.widget import Controls, PlayerWidget

__all__ = ["Player", "describe", "duration", "pack", "summary", "unpack"]

LANES_MAX: Final = 4
_AS_IT_WAS: Final = ", as it was"
_FAULTS: Final = {
    "crash": "crashes",
    "slow": "runs slowly",
    "split": "is cut off",
    "lose": "is lost",
    "duplicate": "is doubled",
}


class Player:
    """Show one run, or up to four under the same luck beside each other.

    Parameters
    ----------
    *traces : Trace
    titles : sequence of str, optional
        What stands over the lanes; the traces' own titles by default.
    height : int, optional
        Of the stage, in pixels; by default as high as the places need.
    controls : dict, optional
        Parameter -> what it offers, as `dsys_lab.views.controls` says.
    again : callable, optional
        `(**values)` -> trace or traces, called with the controls' values at every change.
    fork : callable, optional
        `(lane, fault)` -> trace: the same run with a fault added, given as the fields of a fault.
    describe : str, optional
        What to look at; stands first in the text form.
    values : dict, optional
        The controls' values at the start; by default the first trace's parameters.

    Examples
    --------
    >>> run = Trace()
    >>> run.emit(0, "publish", "phone", "m1", attempt=1)
    >>> run.emit(1500, "enqueue", "uploads", "m1", depth=1)
    >>> Player(run, titles=["first steps"])
    first steps: 2 rows over 1.5 ms
      offered 1 = done 0 + stored 1 + in flight 0 + dropped 0 + expired 0 + dead 0 + rejected 0
    """

    def __init__(
        self,
        *traces: Trace,
        titles: Sequence[str] | None = None,
        height: int | None = None,
        controls: Mapping[str, Any] | None = None,
        again: Callable[..., Any] | None = None,
        fork: Callable[[int, dict[str, Any]], Trace] | None = None,
        describe: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        if bool(controls) != bool(again):
            raise BadParameter("controls and again go together: a control is there to call again(**values)")
        self._traces = _checked(traces)
        self._titles, self._fork_titles = list(titles or []), list[str]()
        self._height, self._fork_call, self._describe = height, fork, describe
        self._specs, self._again = dict(controls or {}), again
        self._values = dict(values if values is not None else traces[0].header.params if traces else {})
        self._before: tuple[Trace, ...] | None = None
        self._note = ""
        self._live: PlayerWidget | None = None
        self._controls: Controls | None = None
        self._whole: Any = None

    # ------------------------------------------------------------------ runs come and go
    @property
    def traces(self) -> tuple[Trace, ...]:
        """The runs that are shown."""
        return self._traces

    def load(self, *traces: Trace) -> None:
        """Show other runs in the same picture; the cursor keeps its place, if they are of the same scenario."""
        before, self._traces, self._before, self._note = self._traces, _checked(traces), None, ""
        self._send(opens=_scenarios(before) != _scenarios(self._traces))

    def fork(self, lane: int, fault: dict[str, Any]) -> None:
        """Run lane `lane` again with `fault` added, and show before and after beside each other."""
        if self._fork_call is None:
            raise BadParameter("this player was made without fork=…, so it cannot run again")
        own = self._shown_titles()[lane].removesuffix(_AS_IT_WAS)
        after = self._fork_call(lane, fault)
        self._before, self._traces = self._before or self._traces, (self._traces[lane], after)
        until = f" for {duration(fault['lasts_s'] * 1e6)}" if fault.get("lasts_s") else ""
        at = f" at {duration(fault['at_s'] * 1e6)}" if fault.get("at_s") is not None else ""
        happens = _FAULTS.get(fault["do"], fault["do"])
        self._note = f"Added{at}: {fault['target']} {happens}{until}. Same seed, same luck."
        self._send(titles=[own + _AS_IT_WAS, f"{own} + {fault['do']} {fault['target']}"])

    def back(self) -> None:
        """Show again what stood there before the fork."""
        if self._before is not None:
            self.load(*self._before)

    def _send(self, titles: Sequence[str] | None = None, *, opens: bool = False) -> None:
        self._fork_titles = list(titles or [])
        if self._live is not None:
            self._live.words = ""
            self._live.packed = self._packed(opens=opens)

    def _packed(self, *, opens: bool = False) -> bytes:
        head = {"note": self._note, "back": True} if self._note else {}
        if opens and (first := opening(self._traces)):
            head["opening"] = first._asdict()
        return pack(*self._traces, titles=self._shown_titles(), **head)

    def _shown_titles(self) -> list[str]:
        return titles_of(self._traces, self._fork_titles or self._titles)

    # ------------------------------------------------------------------ three hosts
    @property
    def widget(self) -> Any:
        """The live view: a widget with its controls, made when first asked for."""
        if self._whole is None:
            import ipywidgets

            from dsys_lab.views.player.widget import Controls, PlayerWidget

            can_fork = self._fork_call is not None
            self._live = PlayerWidget(packed=self._packed(opens=True), height=self._height, can_fork=can_fork)
            self._live.ask(self._answer)
            if self._again is not None:
                self._controls = Controls(self._specs, self._values, self._again, lambda traces: self.load(*traces))
                self._whole = ipywidgets.VBox([self._controls.widget, self._live])
            else:
                self._whole = self._live
        return self._whole

    def _answer(self, asked: dict[str, Any]) -> None:
        assert self._live is not None
        try:
            if asked.get("ask") == "fork":
                self.fork(int(asked["lane"]), dict(asked["fault"]))
            elif asked.get("ask") == "back":
                self.back()
        except Exception as error:  # noqa: BLE001  # a callback has no other place to tell the reader
            self._live.words = ""
            self._live.words = f"▲ {error or type(error).__name__}"

    def save(self, path: str | Path) -> Path:
        """Write the picture as one page that needs no kernel and makes no request."""
        from dsys_lab.views.player.page import page

        path = Path(path)
        title = self._describe or " | ".join(self._shown_titles())
        packed = self._packed(opens=True)
        path.write_text(page(packed, title=title, words=str(self), height=self._height), encoding="utf-8")
        return path

    def still(self) -> bytes:
        """Return the PNG of the moment that tells most: the header's `poster_us`, a fault, or the fullest."""
        from dsys_lab.views.player.still import png

        return png(self._traces, self._shown_titles())

    def __repr__(self) -> str:
        words = summary(self._traces, self._shown_titles())
        return f"{self._describe}\n{words}" if self._describe else words

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        mode = view_mode()
        data: dict[str, Any] = {"text/plain": repr(self)}
        if mode == "live":
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
            return {**data, "application/vnd.jupyter.widget-view+json": view}, {}
        if self._traces and any(len(trace) for trace in self._traces):
            still = self.still()
            data["image/png"] = base64.b64encode(still).decode()
            if mode == "html":
                from dsys_lab.views.player.page import fragment

                data["text/html"] = fragment(self._packed(opens=True), words=repr(self), png=still, height=self._height)
        return data, {"image/png": {"alt": repr(self)}} if "image/png" in data else {}


def _checked(traces: tuple[Trace, ...]) -> tuple[Trace, ...]:
    if len(traces) > LANES_MAX:
        raise BadParameter(f"{len(traces)} runs: give at most {LANES_MAX} beside each other")
    for trace in traces:
        if not isinstance(trace, Trace):
            raise BadParameter(f"a player shows traces, not {type(trace).__name__}: give what a scenario returned")
    return traces


def _scenarios(traces: Sequence[Trace]) -> set[str]:
    return {trace.header.scenario for trace in traces}

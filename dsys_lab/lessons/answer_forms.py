"""The three forms of an answer: a number, a choice, a curve.

Each knows how to describe an answer in words, how far it is from the truth, and how to draw both. Distance is measured
as the reader thinks: in factors where the range offered spans many, in units elsewhere, and for a curve by the mean
distance between the lines. A score is 1 on the spot and falls to 0:

- number, wide range: at a factor of 10 (`1 - log10(factor)`);
- number, narrow range: at half the range;
- curve: at a mean distance of a third of the height;
- choice: 1 or 0.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from dsys_lab.errors import BadParameter
from dsys_lab.views.charts import Chart, is_logarithmic, lines, number, predicted_counted_law

CURVE_POINTS: Final = 61
MEASURED: Final = re.compile(
    r"%|\b(a|per|an|of|share|times|seconds?|milliseconds?|minutes?|hours?|days?|m?s|[kMG]?B)\b"
)
"""Units of what is measured; anything else between whole numbers is counted in whole ones: nights, pages."""
TITLE_LETTERS: Final = 78


@dataclass(frozen=True, slots=True)
class Judgement:
    """How an answer compares with the truth: a score from 0 to 1, and words for it."""

    score: float
    words: str


class Form(Protocol):
    """What the three forms have in common."""

    def ask(self) -> str:
        """Say what is asked for."""

    def fits(self, said: Any) -> bool:
        """Whether something is an answer of this form."""

    def told(self, said: Any) -> str:
        """Say an answer in words."""

    def judge(self, said: Any, truth: Any) -> Judgement:
        """Compare an answer with the truth."""

    def facts(self, truth: Any, law: Any) -> str:
        """Say what was counted, and the law."""

    def verdict(self, said: Any, truth: Any, law: Any) -> str:
        """Say in one line how an answer compares."""

    @property
    def rule(self) -> str:
        """How closeness is measured, in a few words."""

    def chart(self, said: Any, truth: Any, law: Any, standard_error: float, title: str) -> Chart | None:
        """Draw answer, count and law, if there is something to draw."""


@dataclass(frozen=True, slots=True)
class NumberForm:
    """A number in a range; how the true one was come by is said in a word or two."""

    low: float
    high: float
    unit: str
    found: str = "counted"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise BadParameter(f"between = ({self.low!r}, {self.high!r}): give (lo, hi) with lo < hi")

    @property
    def in_factors(self) -> bool:
        """Whether the range is wide enough to think of it in factors."""
        return is_logarithmic((self.low, self.high))

    @property
    def whole(self) -> bool:
        """Whether only whole numbers make sense: the range is one of whole numbers, and its unit is counted."""
        ends_are_whole = isinstance(self.low, int) and isinstance(self.high, int)
        return ends_are_whole and bool(self.unit) and not MEASURED.search(self.unit)

    @property
    def rule(self) -> str:
        """How closeness is measured, in a few words."""
        return f"100% on the spot, 0% at {'a factor of 10' if self.in_factors else 'half the range'}"

    def ask(self) -> str:
        """Say what is asked for."""
        return f"a number from {number(self.low)} to {number(self.high)} {self.unit}"

    def fits(self, said: object) -> bool:
        """Whether something is an answer of this form."""
        return isinstance(said, int | float) and self.low <= said <= self.high

    def told(self, said: float) -> str:
        """Say an answer in words."""
        return f"{number(said)} {self.unit}"

    def judge(self, said: float, truth: float) -> Judgement:
        """Compare an answer with the truth."""
        if self.in_factors and truth > 0:
            factor = max(said / truth, truth / said)
            words = "on the spot" if factor < 1.1 else f"off by a factor of {number(round(factor, 1))}"
            return Judgement(max(0.0, 1 - math.log10(factor)), words)
        away, width = abs(said - truth), self.high - self.low
        words = "on the spot" if away <= 0.02 * width else f"off by {number(away)} {self._unit_apart}"
        return Judgement(max(0.0, 1 - 2 * away / width), words)

    @property
    def _unit_apart(self) -> str:
        """What two answers are apart in: shares are points apart, for a percent of them would be another number."""
        return "points" if self.unit.startswith("%") else self.unit

    def facts(self, truth: float, law: float | None) -> str:
        """Say what was counted, and the law."""
        return f"{self.found} {number(truth)}" + ("" if law is None else f", law {number(law)}")

    def verdict(self, said: float, truth: float, law: float | None) -> str:
        """Say in one line how an answer compares."""
        return f"You said {self.told(said)}, {self.facts(truth, law)}: {self.judge(said, truth).words}."

    def chart(self, said: float | None, truth: float, law: float | None, standard_error: float, title: str) -> Chart:
        """Draw answer, count and law."""
        return predicted_counted_law(
            truth,
            law,
            said,
            unit=self.unit,
            between=(self.low, self.high),
            found=self.found,
            standard_error=standard_error,
            title=textwrap.fill(title, TITLE_LETTERS),
        )


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """One of a few."""

    choices: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.choices)) < 2 or len(set(self.choices)) < len(self.choices):
            raise BadParameter(f"choices = {list(self.choices)!r}: give two or more, all different")

    @property
    def rule(self) -> str:
        """Nothing to say: right or not."""
        return ""

    def ask(self) -> str:
        """Say what is asked for."""
        return "one of: " + "; ".join(self.choices)

    def fits(self, said: object) -> bool:
        """Whether something is an answer of this form."""
        return said in self.choices

    def told(self, said: str) -> str:
        """Say an answer in words."""
        return f"“{said}”"

    def judge(self, said: str, truth: str) -> Judgement:
        """Compare an answer with the truth."""
        return Judgement(float(said == truth), "right" if said == truth else "not so")

    def facts(self, truth: str, law: str | None) -> str:
        """Say what was counted, and the law."""
        if truth not in self.choices:
            raise BadParameter(f"truth = {truth!r}: give one of the choices: {'; '.join(self.choices)}")
        return f"it is “{truth}”" + ("" if law is None else f", as the law says: {law}")

    def verdict(self, said: str, truth: str, law: str | None) -> str:
        """Say in one line how an answer compares."""
        return f"You said {self.told(said)}, {'and ' if said == truth else 'but '}{self.facts(truth, law)}."

    def chart(self, said: str | None, truth: str, law: str | None, standard_error: float, title: str) -> None:
        """Draw nothing: a choice is said in words."""
        return


@dataclass(frozen=True, slots=True)
class CurveForm:
    """A curve dragged by hand over a range of x and of y, each (lo, hi, unit)."""

    x: tuple[float, float, str]
    y: tuple[float, float, str]

    def __post_init__(self) -> None:
        for axis, (low, high, _) in (("x", self.x), ("y", self.y)):
            if not low < high:
                raise BadParameter(f"curve {axis} = ({low!r}, {high!r}, …): give (lo, hi, unit) with lo < hi")

    @property
    def xs(self) -> list[float]:
        """The places on the x axis at which a drawn curve is kept."""
        low, high, _ = self.x
        return [low + (high - low) * i / (CURVE_POINTS - 1) for i in range(CURVE_POINTS)]

    @property
    def rule(self) -> str:
        """How closeness is measured, in a few words."""
        return "100% on the line, 0% a third of the height away"

    def ask(self) -> str:
        """Say what is asked for."""
        return f"a curve of {self.y[2]} from {number(self.x[0])} to {number(self.x[1])} {self.x[2]}"

    def fits(self, said: object) -> bool:
        """Whether something is an answer of this form."""
        return isinstance(said, list) and len(said) == CURVE_POINTS and all(isinstance(y, int | float) for y in said)

    def told(self, said: Sequence[float]) -> str:
        """Say an answer in words."""
        return f"a curve from {number(said[0])} over at most {number(max(said))} to {number(said[-1])} {self.y[2]}"

    def judge(self, said: Sequence[float], truth: tuple[Sequence[float], Sequence[float]]) -> Judgement:
        """Compare an answer with the truth."""
        xs, ys = truth
        away = [abs(y - interpolated(x, xs, ys)) for x, y in zip(self.xs, said, strict=True) if xs[0] <= x <= xs[-1]]
        if not away:
            raise BadParameter(f"truth: its x runs from {xs[0]!r} to {xs[-1]!r}, outside what was asked: {self.x[:2]}")
        mean = sum(away) / len(away)
        words = f"{number(mean)} {self.y[2]} off"
        return Judgement(max(0.0, 1 - 3 * mean / (self.y[1] - self.y[0])), words)

    def facts(self, truth: tuple[Sequence[float], Sequence[float]], law: object) -> str:
        """Say what was counted, and the law."""
        xs, ys = truth
        if len(xs) != len(ys) or len(xs) < 2:
            raise BadParameter("truth: give (xs, ys), two sequences of one length, two points or more")
        return f"counted from {number(ys[0])} over at most {number(max(ys))} to {number(ys[-1])}"

    def verdict(self, said: Sequence[float], truth: tuple[Sequence[float], Sequence[float]], law: object) -> str:
        """Say in one line how an answer compares."""
        return f"Your curve is {self.judge(said, truth).words} on average: {self.facts(truth, law)}."

    def chart(
        self,
        said: Sequence[float] | None,
        truth: tuple[Sequence[float], Sequence[float]],
        law: Callable[[float], float] | None,
        standard_error: float,
        title: str,
    ) -> Chart:
        """Draw answer, count and law."""
        return lines(
            {"counted": list(zip(*truth, strict=True))},
            laws={} if law is None else {"the law": [(x, law(x)) for x in self.xs]},
            predicted=[] if said is None else list(zip(self.xs, said, strict=True)),
            x=self.x[2],
            y=self.y[2],
            title=textwrap.fill(title, TITLE_LETTERS),
        )


def interpolated(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the height at x of the line through the points, level beyond its ends."""
    if x <= xs[0]:
        return ys[0]
    for (x0, y0), (x1, y1) in zip(zip(xs, ys, strict=True), zip(xs[1:], ys[1:], strict=False), strict=False):
        if x <= x1:
            return y1 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return ys[-1]


def filled(drawn: Sequence[float | None]) -> list[float]:
    """Return a drawn curve without gaps: straight between what was drawn, level beyond; [] for less than two points."""
    known = [(i, y) for i, y in enumerate(drawn) if y is not None]
    if len(known) < 2:  # a click is no curve
        return []
    at, heights = zip(*known, strict=True)
    return [interpolated(i, at, heights) for i in range(len(drawn))]

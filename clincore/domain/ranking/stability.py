"""How stable the first place is: the smallest change of one rubric's weight that puts another remedy first or level.

With the weight w of one rubric changed to w' (w/10 ≤ w' ≤ 10·w) and all else as it is, a remedy's score is a line in
w'/w: what the other rubrics give it, and w'/w times what this one gives it. Scores are not rounded here, and a rule for
the first few (the chronic rule) is applied anew at every w', with equal scores by abbreviation. So the scores change at
once only where those first few change, and between two such points the first place is lost where two lines cross.

The margin is the greatest lower bound of |w'/w − 1| over all w' that cost the first remedy its place, of every rubric.
It is 0 where another remedy is level already, before scores are rounded. Of several rubrics with the same margin the
lowest id is named, of several remedies the first by abbreviation.
"""

from __future__ import annotations

from fractions import Fraction
from heapq import nlargest
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import ge, le

from clincore.domain.ranking.arithmetic import MILLION, MILLIONTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from clincore.domain.canonical_json import JsonObject

_FURTHEST: Final = {1: Fraction(9), -1: Fraction(9, 10)}
"""|w'/w − 1| at 10·w and at w/10."""
_SCALE: Final = 64
_SLACK: Final = 40
"""More than what is lost by rounding down a score, and a part at nine times the weight."""


@frozen(kw_only=True)
class Contender:
    """One remedy: what each rubric that holds it gives to its score now, exactly; whether the rule spares it."""

    remedy: str
    parts: Mapping[int, Fraction] = field(repr=False)
    is_spared: bool = True


@frozen(kw_only=True)
class Contest:
    """All that could come first, whatever the weights, and the rule for the first few.

    Each of the first ``ruled`` that the rule does not spare has its score multiplied by ``penalty``, from 0 to 1, and
    all are ordered again. A contender's part is proportional to its rubric's weight; nothing else depends on weights.
    """

    contenders: Sequence[Contender] = field(repr=False)
    ruled: int = 0
    penalty: Fraction = field(default=Fraction(1), validator=[ge(Fraction(0)), le(Fraction(1))])


@frozen(kw_only=True)
class Margin:
    """The smallest |w'/w − 1|, exactly, with the rubric whose weight it is and the remedy that is then in front."""

    exact: Fraction
    rubric_id: int
    remedy: str

    @property
    def rounded(self) -> Decimal:
        """Six places, rounded up."""
        return -(-self.exact * MILLION // 1) * MILLIONTH


@frozen(kw_only=True)
class Stability:
    """What was found; without a margin no change of one weight costs the first remedy its place, or none is known."""

    is_supported: bool
    """False where the method cannot tell."""
    margin: Margin | None = None

    def to_json(self) -> JsonObject:
        found = self.margin
        return {
            "supported": self.is_supported,
            "margin": str(found.rounded) if found else None,
            "symptom_id": found.rubric_id if found else None,
            "remedy": found.remedy if found else None,
        }


def margin_of(contest: Contest, first: str, rubric_ids: Iterable[int]) -> Margin | None:
    """Return the margin of ``first``, None where no weight of these rubrics costs it its place within the bounds."""
    lines = [_Remedy.of(contender) for contender in contest.contenders]
    best: Margin | None = None
    for rubric_id in sorted(rubric_ids):
        for direction, furthest in _FURTHEST.items():
            bound = furthest if best is None else min(furthest, best.exact)
            move = _Move(rubric_id=rubric_id, direction=direction, bound=bound)
            found = _Sweep.over(contest, lines, first, move).first_loss()
            if found is None:
                continue
            margin = Margin(exact=found[0], rubric_id=rubric_id, remedy=found[1])
            if best is None or _rank(margin) < _rank(best):
                best = margin
        if best is not None and not best.exact:
            break
    return best


def _rank(margin: Margin) -> tuple[Fraction, int, str]:
    return margin.exact, margin.rubric_id, margin.remedy


@frozen
class _Remedy:
    """A contender with its score, and both also in whole numbers, rounded down, to tell quickly who is far behind."""

    contender: Contender
    score: Fraction
    rough_score: int
    rough_parts: Mapping[int, int]

    @classmethod
    def of(cls, contender: Contender) -> _Remedy:
        score = sum(contender.parts.values(), Fraction(0))
        return cls(contender, score, _rough(score), {name: _rough(part) for name, part in contender.parts.items()})


def _rough(value: Fraction) -> int:
    return (value.numerator << _SCALE) // value.denominator


@frozen
class _Line:
    """A remedy's score as the change goes from 0 on."""

    remedy: str
    score: Fraction
    slope: Fraction
    is_spared: bool

    def at(self, change: Fraction) -> Fraction:
        return self.score + self.slope * change


@frozen(kw_only=True)
class _Move:
    """One rubric's weight up (1) or down (−1), by at most ``bound`` of itself."""

    rubric_id: int
    direction: int
    bound: Fraction


@frozen
class _Sweep:
    """Goes from no change to the move's bound and looks where the first place is lost."""

    contest: Contest
    lines: Sequence[_Line]
    first: _Line
    move: _Move

    @classmethod
    def over(cls, contest: Contest, remedies: Sequence[_Remedy], first: str, move: _Move) -> _Sweep:
        """Take the remedies that can come near the front within the move."""
        lines = [
            _Line(
                one.contender.remedy,
                one.score,
                one.contender.parts.get(move.rubric_id, Fraction(0)) * move.direction,
                one.contender.is_spared,
            )
            for one in _near_the_front(contest, remedies, first, move)
        ]
        return cls(contest, lines, next(line for line in lines if line.remedy == first), move)

    def first_loss(self) -> tuple[Fraction, str] | None:
        """Return the least change that costs the first place, and to whom."""
        change = Fraction(0)
        found = self._lost_at(change)
        while found is None and change < _FURTHEST[self.move.direction]:
            ruled = self._ruled_behind(change)
            following = self._next_change(ruled, change)
            found = self._lost_between(ruled, change, following)
            if found is not None or following is None:
                return found
            change = following
            found = self._lost_at(change)
        return found

    def _lost_at(self, change: Fraction) -> tuple[Fraction, str] | None:
        ruled = self._ruled(lambda line: (-line.at(change), line.remedy))
        own = self._score(self.first, ruled).at(change)
        ahead = [line.remedy for line in self._others() if self._score(line, ruled).at(change) >= own]
        return (change, min(ahead)) if ahead else None

    def _lost_between(
        self, ruled: frozenset[str], start: Fraction, end: Fraction | None
    ) -> tuple[Fraction, str] | None:
        """The first loss behind ``start`` and before ``end``; without an end, up to the bound and with it."""
        own = self._score(self.first, ruled)
        losses = []
        for line in self._others():
            other = self._score(line, ruled)
            lead, gain = own.at(start) - other.at(start), own.slope - other.slope
            if lead < 0 or (lead == 0 and gain <= 0):
                losses.append((start, line.remedy))
            elif lead > 0 and gain < 0:
                change = start - lead / gain
                if change < end if end is not None else change <= self.move.bound:
                    losses.append((change, line.remedy))
        return min(losses, default=None)

    def _ruled(self, key: Callable[[_Line], tuple[Fraction | str, ...]]) -> frozenset[str]:
        """The first few, in the order of the key."""
        if not self.contest.ruled:
            return frozenset()
        return frozenset(line.remedy for line in sorted(self.lines, key=key)[: self.contest.ruled])

    def _ruled_behind(self, change: Fraction) -> frozenset[str]:
        """The first few just behind a change: of equal ones those that rise faster."""
        return self._ruled(lambda line: (-line.at(change), -line.slope, line.remedy))

    def _next_change(self, ruled: frozenset[str], start: Fraction) -> Fraction | None:
        """Where one from behind next is level with one of the first few."""
        inside = [line for line in self.lines if line.remedy in ruled]
        outside = [line for line in self.lines if line.remedy not in ruled]
        changes = []
        for line in inside:
            own = line.at(start)
            for other in outside:
                gain = other.slope - line.slope
                if gain > 0:
                    change = start + (own - other.at(start)) / gain
                    if start < change <= self.move.bound:
                        changes.append(change)
        return min(changes, default=None)

    def _score(self, line: _Line, ruled: frozenset[str]) -> _Line:
        if line.is_spared or line.remedy not in ruled:
            return line
        rate = self.contest.penalty
        return _Line(line.remedy, line.score * rate, line.slope * rate, is_spared=True)

    def _others(self) -> Iterable[_Line]:
        return (line for line in self.lines if line is not self.first)


def _near_the_front(contest: Contest, remedies: Sequence[_Remedy], first: str, move: _Move) -> list[_Remedy]:
    """Leave out who is neither among the first few nor near the first one's penalized score, wherever the change is.

    A score is between its values at both ends, which are taken a little too low and a little too high.
    """
    least, most = [], []
    own = 0
    for one in remedies:
        part = one.rough_parts.get(move.rubric_id, 0)
        moved = move.direction * part * move.bound.numerator // move.bound.denominator
        least.append(one.rough_score + min(moved, 0) - _SLACK)
        most.append(one.rough_score + max(moved, 0) + _SLACK)
        if one.contender.remedy == first:
            own = least[-1]
    needed = own * contest.penalty.numerator // contest.penalty.denominator
    if contest.ruled:
        needed = min(needed, *nlargest(contest.ruled, least))
    return [one for one, high in zip(remedies, most, strict=True) if high >= needed or one.contender.remedy == first]

"""Maximum coverage: which k rows show the most cases.

Greedy with swaps for a good answer, then branch and bound, which proves it the best one or betters it. The search
is bounded by work, not by time, so that the same table always gives the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

#: how much of a search we pay for: nodes times candidates times mask words
WORK_LIMIT = 1_000_000
#: swaps are tried this many times over all chosen rows
SWAP_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Cover:
    """Chosen rows in order of choice; `is_optimal` when no other `limit` rows show more cases."""

    rows: tuple[int, ...]
    covered: int
    is_optimal: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows worth choosing from: for each, its own cases and the cases that it shows with a partner."""

    ids: tuple[int, ...]
    single: tuple[int, ...]
    double: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """What is shown so far: `once` the single cases, `touched` and `twice` the cases that need two rows."""

    once: int = 0
    touched: int = 0
    twice: int = 0

    def add(self, single: int, double: int) -> _State:
        return _State(self.once | single, self.touched | double, self.twice | (self.touched & double))

    @property
    def score(self) -> int:
        return self.once.bit_count() + self.twice.bit_count()


def coverage_of(rows: tuple[int, ...], masks: tuple[int, ...], doubles: tuple[int, ...]) -> tuple[int, int]:
    """The masks of the cases that these rows show: by themselves, and two by two."""
    state = _State()
    for row in rows:
        state = state.add(masks[row], doubles[row])
    return state.once, state.twice


def best_cover(masks: tuple[int, ...], doubles: tuple[int, ...], limit: int, *, work: int = WORK_LIMIT) -> Cover:
    """Choose at most `limit` rows that show the most cases; fewer when more would show nothing new.

    Args:
        masks, doubles: as in `cases.Coverage`, one int a row.
        limit: the most rows to choose.
        work: bound of the exact search; when it runs out, the best rows found so far are returned.
    """
    candidates = _undominated(masks, doubles)
    chosen = _swapped(candidates, _greedy(candidates, limit))
    everything = _State()
    for single, double in zip(masks, doubles, strict=True):
        everything = everything.add(single, double)
    best = _score(candidates, chosen)
    if best == everything.score:
        return _cover(candidates, chosen, best, is_optimal=True)
    search = _Search(candidates, min(limit, len(candidates.ids)), chosen, best, work)
    finished = search.run()
    return _cover(candidates, search.rows, search.score, is_optimal=finished)


def _cover(candidates: Candidates, rows: list[int], score: int, *, is_optimal: bool) -> Cover:
    return Cover(tuple(candidates.ids[i] for i in rows), score, is_optimal)


def _undominated(masks: tuple[int, ...], doubles: tuple[int, ...]) -> Candidates:
    """Leave out rows that others can stand in for.

    One row with all its cases is enough to replace a row without shared cases; a row with shared cases may be
    the partner of the one that replaces it, so that takes two.
    """
    order = sorted(range(len(masks)), key=lambda i: (-(masks[i].bit_count() + doubles[i].bit_count()), i))
    kept: list[int] = []
    for i in order:
        stand_ins = 0
        needed = 2 if doubles[i] else 1
        for j in kept:
            if masks[i] | masks[j] == masks[j] and doubles[i] | doubles[j] == doubles[j]:
                stand_ins += 1
                if stand_ins == needed:
                    break
        else:
            kept.append(i)
    return Candidates(tuple(kept), tuple(masks[i] for i in kept), tuple(doubles[i] for i in kept))


def _score(candidates: Candidates, rows: list[int]) -> int:
    state = _State()
    for i in rows:
        state = state.add(candidates.single[i], candidates.double[i])
    return state.score


def _greedy(candidates: Candidates, limit: int) -> list[int]:
    """The row with the largest gain each time; half a gain for a shared case that now waits for its partner."""
    state, chosen = _State(), list[int]()
    remaining = list(range(len(candidates.ids)))
    while remaining and len(chosen) < limit:
        gains = [(_gain(candidates, i, state), -i) for i in remaining]
        gain, index = max(gains)
        if gain == 0:
            break
        chosen.append(-index)
        remaining.remove(-index)
        state = state.add(candidates.single[-index], candidates.double[-index])
    return chosen


def _gain(candidates: Candidates, i: int, state: _State) -> float:
    double = candidates.double[i]
    closed = (double & state.touched & ~state.twice).bit_count()
    opened = (double & ~state.touched).bit_count()
    return (candidates.single[i] & ~state.once).bit_count() + closed + opened / 2


def _swapped(candidates: Candidates, chosen: list[int]) -> list[int]:
    """Local search: replace one chosen row by another as long as that shows more."""
    best = _score(candidates, chosen)
    for _ in range(SWAP_ROUNDS):
        improved = False
        for place in range(len(chosen)):
            rest = chosen[:place] + chosen[place + 1 :]
            for i in range(len(candidates.ids)):
                if i not in chosen and (score := _score(candidates, [*rest, i])) > best:
                    chosen, best, improved = [*rest[:place], i, *rest[place:]], score, True
                    rest = chosen[:place] + chosen[place + 1 :]
        if not improved:
            break
    return chosen


class _Search:
    """Branch and bound over the candidates: take or leave the most promising one, drop what cannot win."""

    def __init__(self, candidates: Candidates, limit: int, rows: list[int], score: int, work: int) -> None:
        self.candidates, self.limit = candidates, limit
        self.rows, self.score = rows, score
        self.work = work
        widest = max((m.bit_length() for m in (*candidates.single, *candidates.double)), default=1)
        self.words = 1 + widest // 64

    def run(self) -> bool:
        """Search to the end; False when the work ran out before."""
        self._visit(_State(), [], list(range(len(self.candidates.ids))))
        return self.work > 0

    def _visit(self, state: _State, taken: list[int], open_rows: list[int]) -> None:
        if state.score > self.score:
            self.rows, self.score = list(taken), state.score
        slots = self.limit - len(taken)
        if slots == 0 or self.work <= 0:
            return
        self.work -= len(open_rows) * self.words
        single, double = self.candidates.single, self.candidates.double
        gains = sorted(
            (((single[i] & ~state.once).bit_count() + (double[i] & ~state.twice).bit_count(), -i) for i in open_rows),
            reverse=True,
        )
        gains = [entry for entry in gains if entry[0]]
        for place in range(len(gains)):
            # the sum of the largest optimistic gains cannot be beaten by any rows that are still open
            if state.score + sum(gain for gain, _ in gains[place : place + slots]) <= self.score:
                return
            i = -gains[place][1]
            rest = [-index for _, index in gains[place + 1 :]]
            self._visit(state.add(single[i], double[i]), [*taken, i], rest)
            if self.work <= 0:
                return

"""Arrangements: invariances, independent counts, degenerate and huge coefficients, quadratic numbers."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plnet.bounds import Arrangement, QuadraticNumber, deletion_restriction, families, residues, whitney_sum
from plnet.bounds.kernels import residue_rows as kernels
from plnet.bounds.residues import IntegerRows, enough_primes
from plnet.errors import NetworkError

Rows = list[list[Fraction]]


@st.composite
def rows(draw, largest=7):
    """Draw hyperplanes [a | b]: small integers, often parallel, equal or concurrent; or wild floats."""
    d = draw(st.integers(1, 4))
    degenerate = draw(st.booleans())
    floats = st.floats(-8, 8, allow_nan=False, width=draw(st.sampled_from([16, 64])))
    entry = st.integers(-2, 2) if degenerate else floats
    row = st.lists(entry, min_size=d + 1, max_size=d + 1).filter(lambda r: any(r[:-1]))
    found = draw(st.lists(row, min_size=0, max_size=largest))
    if found and degenerate and draw(st.booleans()):
        found = [[*r[:-1], 0] for r in found]
    for i in draw(st.lists(st.integers(0, 6), max_size=2)):
        if i < len(found):
            found.append([draw(st.sampled_from([-2, 0.5, 3])) * x for x in found[i][:-1]] + [found[i][-1]])
    return d, found[:largest]


def arrangement(d, table):
    array = np.array(table, dtype=object).reshape(len(table), d + 1)
    return Arrangement(array[:, :-1], array[:, -1])


def by_deletion_and_restriction(table: Rows) -> int:
    """Count regions with fractions only: one hyperplane after the other, restricted by substitution."""
    planes: Rows = []
    total = 1
    for row in table:
        lead = next((i for i, x in enumerate(row[:-1]) if x), None)
        if lead is None:
            continue
        row = [Fraction(x) / Fraction(row[lead]) for x in row]
        if row not in planes:
            total += by_deletion_and_restriction([_substituted(other, row, lead) for other in planes])
            planes.append(row)
    return total


def _substituted(row, known, lead):
    rest = [x - row[lead] * y for x, y in zip(row, known, strict=True)]
    return rest[:lead] + rest[lead + 1 :]


@given(rows())
@settings(max_examples=150)
def test_three_ways_to_count(drawn):
    d, table = drawn
    found = arrangement(d, table)
    assert found.n_regions() == whitney_sum(found) == by_deletion_and_restriction(table)


@pytest.mark.slow
@given(rows(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_invariances(drawn, random):
    d, table = drawn
    base = arrangement(d, table)
    betti = base.betti_numbers()
    shuffled = random.sample(table, len(table))
    assert arrangement(d, shuffled).betti_numbers() == betti
    factors = [random.choice([-3, Fraction(1, 7), 2**40]) for _ in table]
    scaled = [[Fraction(x) * f for x in row] for row, f in zip(table, factors, strict=True)]
    assert arrangement(d, scaled).betti_numbers() == betti
    columns = random.sample(range(d), d)
    assert arrangement(d, [[row[i] for i in columns] + row[-1:] for row in table]).betti_numbers() == betti
    assert arrangement(d + 1, [[*row[:-1], 0, row[-1]] for row in table]).betti_numbers() == (*betti, 0)
    shear = [[Fraction(row[0]) + (Fraction(row[d - 1]) / 3 if d > 1 else 0), *row[1:]] for row in table]
    assert arrangement(d, shear).betti_numbers() == betti
    moved = [[*row[:-1], Fraction(row[-1]) + sum(map(Fraction, row[:-1])) / 3] for row in table]
    assert arrangement(d, moved).betti_numbers() == betti
    assert arrangement(d, [*table, *table[:2]]).betti_numbers() == betti


@given(rows(5), rows(5))
@settings(max_examples=40)
def test_products_multiply(first, second):
    (d, a), (e, b) = first, second
    joined = [[*row[:-1], *[0] * e, row[-1]] for row in a] + [[*[0] * d, *row] for row in b]
    assert arrangement(d + e, joined).n_regions() == (
        arrangement(d, a).n_regions() * arrangement(e, b).n_regions()
    )


@given(rows())
@settings(max_examples=60)
def test_bounded_regions(drawn):
    """Closing the arrangement by a huge box adds no bounded region beyond those that it cuts off."""
    d, table = drawn
    found = arrangement(d, table)
    chi = found.characteristic_polynomial()
    at_one = sum(chi)
    assert found.n_relatively_bounded_regions() == abs(at_one) == (-1) ** found.rank * at_one
    assert found.n_bounded_regions() == (abs(at_one) if found.rank == d else 0)
    assert sum(c * (-1) ** (d - i) for i, c in enumerate(chi)) == (-1) ** d * found.n_regions()


@pytest.mark.parametrize(("m", "d"), [(6, 1), (9, 2), (12, 3), (10, 5), (8, 8), (5, 9)])
def test_general_position_in_floats(m, d, rng):
    found = Arrangement(rng.normal(size=(m, d)), rng.normal(size=m))
    assert found.betti_numbers() == tuple(math.comb(m, j) for j in range(d + 1))


def test_one_point_short_of_general_position(rng):
    """Wide floats that are degenerate in one place only: the last plane meets a vertex of three others."""
    normals = rng.integers(-(2**20), 2**20, size=(9, 3)).astype(float)
    point = rng.integers(-(2**20), 2**20, size=3).astype(float)
    offsets = rng.integers(-(2**20), 2**20, size=9).astype(float)
    offsets[:4] = normals[:4] @ point
    assert Arrangement(normals, offsets).n_regions() == 130 - 1


def test_degenerate():
    empty = Arrangement(np.empty((0, 3)))
    assert (empty.n_regions(), empty.n_bounded_regions(), empty.rank) == (1, 0, 0)
    assert empty.characteristic_polynomial() == (1, 0, 0, 0)
    parallel = Arrangement([[1, 1]] * 4 + [[-2, -2]], [0, 1, 2, 2, -4])
    assert (parallel.n_regions(), parallel.n_relatively_bounded_regions()) == (4, 2)
    assert parallel.n_bounded_regions() == 0
    assert Arrangement([[1]] * 3, [0.1, Fraction(1, 10), 0.1]).n_regions() == 3, "0.1 is no tenth"
    assert Arrangement([[1e-300, 0], [0, 1e300]], [1e300, 1e-300]).n_regions() == 4
    pencil = Arrangement([[1, k] for k in range(50)], list(range(50)))
    assert pencil.n_regions() == 100


def test_many_more_inputs_than_units(rng):
    found = Arrangement(rng.normal(size=(60, 300)), rng.normal(size=60))
    assert found.n_regions() == 2**60


@pytest.mark.parametrize("n", [10, 200])
def test_lines_with_known_multiplicities(n):
    """A grid of n + n lines and its diagonals: 1 + lines + sum of (multiplicity - 1)."""
    table = [[1 - k, k, i] for i in range(n) for k in (0, 1)] + [[1, -1, i] for i in range(1 - n, n)]
    simple = sum(1 for i, j in itertools.product(range(n), range(1 - n, n)) if not 0 <= i - j < n)
    # Each grid point lies on three lines; off the grid a diagonal meets other lines in simple points.
    off_grid = 2 * simple
    assert arrangement(2, table).n_regions() == 1 + len(table) + 2 * n * n + off_grid


def test_quadratic_field():
    root = QuadraticNumber(0, 1, 2)
    # x + sqrt(2) y = 0 and sqrt(2) x + 2 y = 0 are the same line.
    assert Arrangement([[1, root], [root, 2], [1, 0]]).n_regions() == 4
    # Three lines through (sqrt 2, 1), and a fourth that misses it by less than a float can tell.
    lines = [[1, 0], [0, 1], [1, root]]
    offsets = [root, 1, 2 * root]
    assert Arrangement(lines, offsets).n_regions() == 6
    tiny = Fraction(1, 10**30)
    assert Arrangement([*lines, [1, -root]], [*offsets, tiny]).n_regions() == 10
    assert Arrangement([*lines, [1, -root]], [*offsets, 0]).n_regions() == 8
    with pytest.raises(NetworkError, match="square roots of one number"):
        Arrangement([[root, QuadraticNumber(0, 1, 3)]]).n_regions()


fractions = st.fractions(-5, 5, max_denominator=12)
numbers = st.builds(lambda a, b: QuadraticNumber(a, b, 7), fractions, fractions)


@given(numbers, numbers, numbers)
def test_quadratic_numbers_are_a_field(x, y, z):
    assert x + y == y + x
    assert x * (y + z) == x * y + x * z
    assert (x - y) + y == x
    assert float(x * y) == pytest.approx(float(x) * float(y), abs=1e-9)
    if y:
        assert x / y * y == x
        assert 1 / y * y == 1
    assert (x < y) == (y > x) == (not x >= y)
    assert (x <= y) == (float(x) < float(y) + 1e-12)
    assert x.sign() == -(-x).sign()
    assert hash(QuadraticNumber(x.rational, 0, 7)) == hash(x.rational)
    assert (x == x.rational) == (not x.irrational)
    assert abs(x) >= 0


def test_quadratic_numbers_refuse():
    with pytest.raises(NetworkError, match="no square"):
        QuadraticNumber(1, 1, 9)
    with pytest.raises(NetworkError, match="integers or fractions"):
        QuadraticNumber(0.5, 1, 5)
    with pytest.raises(NetworkError, match="one field"):
        _ = QuadraticNumber(0, 1, 5) * QuadraticNumber(0, 1, 3)
    assert QuadraticNumber(0, 1, 8) == QuadraticNumber(0, 2, 2)
    assert hash(QuadraticNumber(0, 1, 8)) == hash(QuadraticNumber(0, 2, 2))
    assert QuadraticNumber(3, 0, 5) + QuadraticNumber(0, 1, 3) == QuadraticNumber(3, 1, 3)
    assert float(QuadraticNumber(-(10**8), 1, 10**16 + 1)) == pytest.approx(5e-9, rel=1e-12)


# Exactness rests on the primes.


def small_integers():
    """Return ten planes in general position, which modulo 101 they are not."""
    table = np.random.RandomState(0).randint(-50, 50, size=(10, 4))
    return Arrangement(table[:, :3], table[:, 3])


def test_too_few_primes_give_a_wrong_number(monkeypatch):
    """The bound on minors is what makes a count exact."""
    assert small_integers().n_regions() == 1 + 10 + 45 + 120
    monkeypatch.setattr(deletion_restriction, "enough_primes", lambda rows, attempt=0: (101,))
    assert small_integers().n_regions() < 176


def test_unlucky_primes_are_noticed_and_replaced(monkeypatch):
    attempts = []

    def primes(integer_rows, attempt=0):
        attempts.append(attempt)
        return enough_primes(integer_rows, 1) if attempt else (101, *enough_primes(integer_rows))

    monkeypatch.setattr(deletion_restriction, "enough_primes", primes)
    assert small_integers().n_regions() == 176
    assert max(attempts) == 1


@pytest.mark.parametrize("radicand", [0, 2, 5])
def test_primes_exceed_every_minor(radicand, rng):
    integers = rng.integers(-9, 10, size=(2, 6, 4)).tolist()
    parts = [tuple(map(tuple, part)) for part in integers]
    table = IntegerRows(parts[0], parts[1] if radicand else (), radicand)
    values = np.array(
        [
            [QuadraticNumber(a, b, radicand) if radicand else a for a, b in zip(*pair, strict=True)]
            for pair in table.pairs()
        ],
        dtype=object,
    )
    largest = 0
    for size in range(1, 5):
        for i in itertools.combinations(range(6), size):
            for j in itertools.combinations(range(4), size):
                minor = _determinant(values[np.ix_(i, j)])
                largest = max(largest, abs(minor.norm if isinstance(minor, QuadraticNumber) else minor))
    chosen = enough_primes(table)
    assert largest <= table.minor_bound() < math.prod(chosen)
    assert all(p < 2**50 and p % 4 == 3 for p in chosen)
    if radicand:
        assert all(pow(residues._square_root(radicand, p), 2, p) == radicand for p in chosen)


def _determinant(matrix):
    if len(matrix) == 1:
        return matrix[0, 0]
    columns = np.arange(len(matrix))
    return sum((-1) ** j * matrix[0, j] * _determinant(matrix[1:, columns != j]) for j in range(len(matrix)))


def test_wide_rows_take_several_primes():
    table = IntegerRows(((2**60 + 1, 7), (3, 2**61 + 1)))
    determinant = (2**60 + 1) * (2**61 + 1) - 21
    chosen = enough_primes(table)
    assert determinant <= table.minor_bound() < math.prod(chosen)
    assert len(set(chosen)) == len(chosen) > 2


def test_products_modulo_a_prime(rng):
    p = enough_primes(IntegerRows(((1,),)))[0]
    assert p > 2**49
    extreme = [(p - 1, p - 1), (p - 1, 1), (0, p - 1), (p // 2, 2)]
    # Products next to a multiple of p, where the rounded quotient can be off by one to either side.
    for a in rng.integers(p // 2, p, size=2000).tolist():
        extreme += [(a, small * pow(a, -1, p) % p) for small in (-1, 1)]
    for a, b in [*rng.integers(0, p, size=(2000, 2)).tolist(), *extreme]:
        assert kernels._times(a, b, p) == a * b % p
        if a:
            assert kernels._inverse(a, p) * a % p == 1


# Interruptions


@pytest.mark.parametrize(
    "make",
    [
        lambda: families.semiorder(5),
        lambda: families.threshold(4),
        lambda: families.h4(),
        lambda: Arrangement(
            [[*row, 0, 0, 0, 0, 0] for row in families.shi(4).normals]
            + [[0, 0, 0, 0, *row] for row in families.braid(4).normals] * 3,
            [*families.shi(4).offsets, *[0] * 30],
        ),
        # Forty copies of one hyperplane prove no more than one of them.
        lambda: Arrangement(
            [[*row, 0] for row in families.shi(4).normals] + [[0, 0, 0, 0, 1]] * 40,
            [*families.shi(4).offsets, *[0] * 40],
        ),
        lambda: Arrangement(
            np.random.RandomState(0).normal(size=(12, 4)), np.random.RandomState(1).normal(size=12)
        ),
    ],
)
def test_what_is_proved_on_the_way_is_true(make):
    proved = []
    count = make().regions_watched(lambda regions: bool(proved.append(regions)))
    assert count == make().n_regions()
    assert proved == sorted(proved)
    assert proved[0] >= 1
    assert proved[-1] <= count
    for stop in sorted({0, len(proved) // 3, len(proved) - 1}):
        calls = itertools.count()
        with pytest.raises(deletion_restriction.Stopped) as caught:
            make().regions_watched(lambda _, calls=calls, stop=stop: next(calls) == stop)
        assert caught.value.proved == proved[stop]


def test_memory_and_plain_recursion_agree(monkeypatch, rng):
    tables = [rng.integers(-3, 4, size=(14, 6)) for _ in range(5)]
    tables = [table[table[:, :-1].any(axis=1)] for table in tables]
    counts = [Arrangement(t[:, :-1], t[:, -1]).betti_numbers() for t in tables]
    monkeypatch.setattr(deletion_restriction._Recursion, "_rarely_answered", lambda self, columns: True)
    assert counts == [Arrangement(t[:, :-1], t[:, -1]).betti_numbers() for t in tables]
    monkeypatch.setattr(deletion_restriction, "_MEMORY", 0)
    monkeypatch.setattr(deletion_restriction, "_QUICK", 0)
    assert counts == [Arrangement(t[:, :-1], t[:, -1]).betti_numbers() for t in tables]


# What users write


def test_inputs():
    exact = Arrangement([[2**70, 0.5], [Fraction(1, 3), 1]], [2**53 + 1, 0])
    assert exact.normals.tolist() == [[2**70, Fraction(1, 2)], [Fraction(1, 3), 1]]
    assert exact.offsets.tolist() == [2**53 + 1, 0]
    assert len(exact) == exact.dim == exact.rank == 2
    tensor = Arrangement(torch.eye(3, dtype=torch.float64, requires_grad=True), torch.ones(3))
    assert tensor.n_regions() == 8
    with pytest.raises(ValueError, match="read-only"):
        exact.normals[0, 0] = 1


@pytest.mark.parametrize(
    ("normals", "offsets", "message"),
    [
        ([1, 2], None, "shape"),
        ([], None, "empty"),
        ([[1, 2], [3]], None, "shape"),
        ([[1, 2]], [1, 2], "offsets"),
        ([[0, 0]], [1], "zero normal in row 0"),
        ([[math.nan, 1]], None, "finite"),
        ([[1, 1]], [math.inf], "finite"),
        ([["a", 1]], None, "finite numbers as normals"),
        ([[1j, 1]], None, "finite numbers as normals"),
    ],
)
def test_bad_inputs(normals, offsets, message):
    with pytest.raises(NetworkError, match=message):
        Arrangement(normals, offsets)


def test_whitney_sum_refuses_the_impossible():
    with pytest.raises(NetworkError, match="n_regions"):
        whitney_sum(families.resonance(5))

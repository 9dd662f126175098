"""Which numbers are prime."""

from itertools import islice

from plnet.geometry.modular import is_prime, primes_below


def test_primes_are_those_without_divisors():
    for number in range(-3, 3000):
        assert is_prime(number) == (number > 1 and all(number % d for d in range(2, int(number**0.5) + 1)))


def test_a_strong_pseudoprime_to_seven_bases_is_no_prime():
    # Jaeschke (1993): 341550071728321 passes for the bases 2, 3, 5, 7, 11, 13, 17.
    assert not is_prime(341550071728321)


def test_primes_come_from_the_greatest_down():
    assert list(islice(primes_below(1 << 31), 2)) == [2**31 - 1, 2**31 - 19]
    assert list(primes_below(24, 4)) == [23, 19, 11, 7, 3]

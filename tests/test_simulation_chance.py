"""A distribution has the mean and the spread that its name promises, within three standard errors."""

from __future__ import annotations

import math

import pytest

from dsys_lab.errors import BadParameter
from dsys_lab.simulation import chance
from dsys_lab.simulation.chance import SERVICE_SHAPES, SQUARED_VARIATION, service, stream

DRAWS = 40_000


def sample(distribution, name="draws"):
    draw = stream(11, name)
    return [distribution(draw) for _ in range(DRAWS)]


def mean_and_error(values):
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, (variance / len(values)) ** 0.5


def assert_mean(values, expected):
    mean, error = mean_and_error(values)
    assert abs(mean - expected) <= 3 * error + 1e-12, (mean, expected, error)


@pytest.mark.parametrize("shape", SERVICE_SHAPES)
@pytest.mark.parametrize("mean", [0.1, 3.0])
def test_each_shape_of_service_has_its_mean_and_its_squared_variation(shape, mean):
    values = sample(service(shape, mean), shape)
    assert_mean(values, mean)
    squares = [((value - mean) / mean) ** 2 for value in values]  # their mean is c2, and their spread its error
    assert_mean(squares, SQUARED_VARIATION[shape])


def test_the_shapes_stand_from_steady_to_wild():
    assert list(SQUARED_VARIATION) == list(SERVICE_SHAPES)
    assert list(SQUARED_VARIATION.values()) == sorted(SQUARED_VARIATION.values())
    assert SQUARED_VARIATION["heavy"] == pytest.approx(5.04, abs=0.005)


def test_the_other_distributions_keep_their_moments():
    assert_mean(sample(chance.uniform(2, 5)), 3.5)
    assert_mean(sample(chance.pareto(1, 4)), 4 / 3)
    values = sample(chance.mixture(0.25, chance.constant(0), chance.constant(1)))
    assert_mean(values, 0.25)
    assert set(values) == {0, 1}


def test_a_lognormal_has_the_median_and_the_99th_percentile_that_it_is_given():
    values = sample(chance.lognormal(0.002, 0.05))
    for value, share in ((0.002, 0.5), (0.05, 0.99)):
        assert_mean([one <= value for one in values], share)


def test_a_pareto_tail_falls_by_its_power():
    values = sample(chance.pareto(1, 1.5))
    assert min(values) >= 1
    for x in (2, 10, 50):
        assert_mean([one > x for one in values], x**-1.5)


@pytest.mark.parametrize("luck", [0.0, 1e-300, 0.5, 1 - 2**-53])
def test_no_luck_breaks_a_distribution(luck):
    for distribution in (
        *(service(shape, 0.1) for shape in SERVICE_SHAPES),
        chance.pareto(1, 0.5),
        chance.lognormal(1, 9),
        chance.uniform(0, 1),
    ):
        assert 0 <= distribution(lambda: luck) < math.inf


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: service("steady", 1), r"service = 'steady'.*constant, erlang, exponential, heavy"),
        (lambda: service("constant", 0), r"mean = 0"),
        (lambda: service("heavy", -1), r"mean = -1"),
        (lambda: chance.exponential(float("nan")), r"mean = nan"),
        (lambda: chance.erlang(0, 1), r"stages = 0"),
        (lambda: chance.uniform(2, 1), r"low = 2 .*high = 1"),
        (lambda: chance.pareto(1, 0), r"alpha = 0"),
        (lambda: chance.lognormal(2, 1), r"p99 = 1 lies below median = 2"),
        (lambda: chance.mixture(1.1, chance.constant(1), chance.constant(2)), r"rare_fraction = 1.1"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(make, says):
    with pytest.raises(BadParameter, match=says):
        make()

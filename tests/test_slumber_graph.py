"""What is planted in Slumber's friends and cards is there, and the laws of hops hold on it."""
from __future__ import annotations

from functools import cache

import networkx as nx
import numpy as np
import pytest

from dsys_lab import laws
from dsys_lab.errors import BadParameter
from dsys_lab.stores.graph_store import Adjacency
from dsys_lab.workloads.slumber import Slumber, rings, ties

PEOPLE = 6_320


@cache
def company():
    pairs = ties(7, PEOPLE)
    return Adjacency(PEOPLE, pairs[:, 0], pairs[:, 1])


def lists(graph):
    return [part.tolist() for part in np.split(graph.either.neighbours, graph.either.starts[1:-1])]


def test_who_knows_whom():
    degrees = np.sort(company().either.degrees)[::-1]
    assert company().edges == 18_894
    assert degrees[0] == 523
    assert np.median(degrees) == 4
    assert degrees[: PEOPLE // 100].sum() / degrees.sum() == pytest.approx(0.108, abs=0.0005)
    assert Slumber(nights=10**6).units("friend") == PEOPLE


def test_the_planted_rings():
    found = rings(7, PEOPLE)
    assert len(found) == 9
    assert found[:2] == [tuple(range(860, 864)), tuple(range(1844, 1848))]
    assert [ring[0] for ring in found[2:5]] == [2080, 2752, 3188]
    assert all(len(ring) == 4 for ring in found)


def test_how_far_person_100_reaches():
    assert company().wave(100, 4).sizes == [21, 332, 2_568, 3_256]
    assert company().walks(100, 4) == [21, 369, 6_076, 123_121]


def test_walks_are_the_powers_of_the_matrix_and_grow_by_its_eigenvalue():
    near = lists(company())
    for start in (17, 100):
        assert laws.walks_by_products(near, start, 4) == company().walks(start, 4)
    assert laws.growth(near, rounds=120) == pytest.approx(24.3, abs=0.05)
    degrees = company().either.degrees.tolist()
    assert laws.mean_degree(degrees) == pytest.approx(6.0, abs=0.05)
    assert laws.mean_neighbour_degree(degrees) == pytest.approx(21.5, abs=0.05)
    assert laws.rows_of_two_steps(degrees) == sum(sum(len(near[b]) for b in near[a]) for a in range(PEOPLE))


@pytest.mark.parametrize("seed", range(3))
def test_growth_is_what_a_library_says(seed):
    graph = nx.gnm_random_graph(30, 70, seed=seed)
    near = [sorted(graph[v]) for v in range(30)]
    largest = max(np.linalg.eigvalsh(nx.to_numpy_array(graph)))
    assert laws.growth(near, rounds=500) == pytest.approx(largest, rel=1e-6)


def test_wrong_graphs_are_told():
    assert laws.growth([]) == laws.growth([[], []]) == laws.mean_degree([]) == laws.mean_neighbour_degree([0]) == 0
    with pytest.raises(BadParameter, match="give 0 to 1"):
        laws.walks_by_products([[1], [0]], 2, 1)
    with pytest.raises(BadParameter, match="hops"):
        laws.walks_by_products([[1], [0]], 0, -1)

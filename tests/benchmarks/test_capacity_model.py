# SPDX-License-Identifier: AGPL-3.0-or-later
"""The simulation does what can be said beforehand of what it simulates."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.capacity.model import simulate
from benchmarks.capacity.sharing import alone, crowded, stretch
from benchmarks.capacity.site import Site
from pipeline.core.errors import ConfigError
from tests.benchmarks.capacity_scenes import delivery, rates, varied

MANY = 500.0  # cores: nobody waits for one


def test_a_case_by_hand() -> None:
    # One batch of four surveys, 0.4 s; then two batches of two files, 0.8 s, as three would
    # be more than a second of work.
    four = delivery(4)
    assert simulate(four, Site(1, 1, MANY), rates()).work == pytest.approx(2.0)
    assert simulate(four, Site(2, 2, MANY), rates()).work == pytest.approx(1.2)
    known = rates(submit_batch=0.01, survey_batch=0.02, survey_file=0.001, record_file=0.005)
    # Handed out 0.01, surveyed 0.41, recorded 0.434, handed out 0.444 and 0.454, done 1.244
    # and 1.254, recorded 1.254 and 1.264.
    found = simulate(four, Site(2, 2, MANY), known)
    assert found.work == pytest.approx(1.264)
    assert found.busy["coordinator"] == pytest.approx(3 * 0.01 + 0.024 + 4 * 0.005)
    assert found.busy["slots"] == pytest.approx(2.0)
    assert found.batches == 3


def test_start_and_records_are_before_and_after() -> None:
    known = rates(
        start=3, scan_file=0.001, commit=0.5, worker_start=2, join=1, records=4, records_file=0.01
    )
    found = simulate(delivery(1000, 0.0, 0.0), Site(4, 2, 2.0), known)
    assert found.start == pytest.approx(3 + 1000 * 0.001 + 0.5 + 2 + 1)
    assert found.records == pytest.approx(4 + 10)
    local = simulate(delivery(1000, 0.0, 0.0), Site(4, 4, 2.0, local=True), known)
    assert local.start == pytest.approx(3 + 1 + 0.5 + 2 * 3 / 2)


def test_the_first_batch_of_a_worker_starts_its_servers() -> None:
    known = rates(identify_start=0.5, libraries_start=1.5, jvm_start=100, office_start=100)
    assert simulate(delivery(4), Site(1, 1, MANY), known).work == pytest.approx(2.0 + 2.0)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("failures", [0.0, 30.0])
def test_all_work_is_done_once(whole: bool, failures: float) -> None:
    drawn = varied(20_000)
    site = Site(8, 4, MANY, failures=failures)
    found = simulate(drawn, site, rates(worker_start=5), whole=whole)
    assert found.worked == pytest.approx(drawn.work)
    assert found.surveyed == found.done == 20_000
    assert (found.deaths > 0) == (failures > 0)


def test_copies_cost_a_survey_and_a_row() -> None:
    found = simulate(delivery(100, 0.01, 1.0, copies=40.0), Site(1, 1, MANY), rates())
    assert found.work == pytest.approx(100 * 0.01 + 60 * 1.0)
    more = rates(record_copy=0.5)
    found = simulate(delivery(100, 0.0, 0.0, copies=40.0), Site(1, 1, MANY), more)
    assert found.busy["coordinator"] == pytest.approx(20.0)


def test_more_workers_are_never_slower_until_something_else_is_all_busy() -> None:
    drawn = varied(10_000)
    known = rates(submit_batch=0.003, record_file=0.001, survey_file=0.0005, commit=0.001)
    times = [simulate(drawn, Site(n, n, MANY), known).work for n in (1, 2, 4, 8, 16, 32, 64)]
    assert all(later <= earlier * 1.001 for earlier, later in pairwise(times))
    assert times[0] / times[3] == pytest.approx(8, rel=0.05)


def test_the_coordinator_is_a_ceiling() -> None:
    known = rates(record_file=0.01)
    found = simulate(delivery(20_000, 0.0, 0.1), Site(500, 20, MANY), known)
    assert found.work == pytest.approx(200, rel=0.05)


def test_the_scheduler_is_a_ceiling_where_batches_are_tiny() -> None:
    # A second each: a batch of its own, and a hundred tasks a second at the most.
    found = simulate(delivery(20_000, 0.0, 1.0), Site(400, 20, MANY), rates(scheduler_task=0.01))
    assert found.busy["scheduler"] / found.work > 0.95
    assert found.work == pytest.approx((20_000 + 20_000 / 64) * 0.01, rel=0.05)
    # Of the same work in big batches it sees little.
    big = simulate(delivery(20_000, 0.0, 0.01), Site(4, 4, MANY), rates(scheduler_task=0.01))
    assert big.busy["scheduler"] / big.work < 0.2


def test_storage_and_links_are_ceilings() -> None:
    # Every file is read twice: for its survey and for its work.
    disk = simulate(delivery(10_000, 0.0, 0.01), Site(50, 10, MANY, disk=1e5), rates())
    assert disk.work == pytest.approx(10_000 * 2000 / 1e5, rel=0.02)
    link = simulate(delivery(10_000, 0.0, 0.01), Site(50, 10, MANY, network=1e5), rates())
    assert link.work == pytest.approx(10_000 * 2000 / 5e5, rel=0.1)
    made = delivery(1000, 0.0, 0.01, output_bytes=5e6)
    assert simulate(made, Site(1, 1, MANY), rates()).written == pytest.approx(5e6)


def test_a_walltime_costs_a_start_and_the_batch_in_hand() -> None:
    drawn, known = delivery(40_000, 0.0, 1.0), rates(worker_start=50, join=10)
    plain = simulate(drawn, Site(4, 4, MANY), known)
    walls = [
        simulate(drawn, Site(4, 4, MANY, walltime=1000.4), known, whole=whole)
        for whole in (True, False)
    ]
    for found in walls:
        # Of each 1,060 s, 60 without workers; and what each slot did of its last second.
        assert found.deaths == pytest.approx(plain.work / 1000, abs=1.5)
        assert found.lost == pytest.approx(found.deaths * 4 * 0.4, rel=0.3)
        expected = plain.work * (1 + 0.06) + found.lost / 4
        assert found.work == pytest.approx(expected, rel=0.01)
    assert walls[0].work == pytest.approx(walls[1].work, rel=0.01)


def test_failures_come_at_their_rate_and_the_same_each_time() -> None:
    drawn, known = delivery(40_000, 0.0, 1.0), rates(worker_start=30)
    site = Site(8, 2, MANY, failures=100.0)
    found = simulate(drawn, site, known, seed=3)
    # Poisson: 4 machines, 100 a day each while they are up.
    mean = 4 * 100 * found.work / 86_400
    assert abs(found.deaths - mean) < 4 * mean**0.5
    assert found.work > simulate(drawn, Site(8, 2, MANY), known).work
    again = simulate(drawn, site, known, seed=3)
    assert (again.work, again.deaths) == (found.work, found.deaths)
    assert simulate(drawn, site, known, seed=4).work != found.work


def test_a_file_that_outlasts_every_walltime_is_told() -> None:
    with pytest.raises(ConfigError, match="longer walltime"):
        simulate(delivery(10, 0.0, 500.0), Site(2, 2, MANY, walltime=400), rates())


@pytest.mark.parametrize("slots", [5, 40])
@pytest.mark.parametrize("limited", [False, True])
def test_many_batches_to_an_event_come_to_the_same(slots: int, limited: bool) -> None:
    known = rates(
        submit_batch=0.002, record_file=0.005 if limited else 0.0005, survey_file=0.0003,
        commit=0.0002, scheduler_task=0.002, worker_task=0.01, identify_start=1, worker_start=9,
    )  # fmt: skip
    drawn = varied(40_000)
    site = Site(slots, 5, 4.0, walltime=3600, failures=1.0)
    plain = simulate(drawn, site, known, whole=True)
    together = simulate(drawn, site, known)
    assert together.work == pytest.approx(plain.work, rel=0.02)
    assert together.batches == pytest.approx(plain.batches, rel=0.02)
    for name in ("coordinator", "scheduler", "slots"):
        assert together.busy[name] == pytest.approx(plain.busy[name], rel=0.03)


def test_a_delivery_of_any_length_takes_what_its_mix_says() -> None:
    small, large = varied(50_000), varied(50_000_000)
    assert large.work / small.work == pytest.approx(1000, rel=0.001)
    mean = 0.02 + 0.8 * 0.01 + 0.19 * 3 + 0.01 * 60
    assert small.work == pytest.approx(50_000 * mean)


def test_the_longest_first_shortens_the_end() -> None:
    site = Site(16, 16, MANY)
    plain, first = (simulate(varied(1000, longest=one), site, rates()) for one in (False, True))
    assert first.work < plain.work
    assert first.worked == pytest.approx(plain.worked)


def test_jobs_share_cores() -> None:
    assert stretch(1, 2, 0.9) == 1.0
    # All want a core all the time: each gets its share.
    assert stretch(4, 2, 1.0) == pytest.approx(2.0)
    # Eight of 10 s with 13 s of processor time on eight cores: 13 s each, 3 more for 13.
    assert stretch(8, 8, 1.3) == pytest.approx(1 + 3 / 13)
    # Two jobs on one core that want it half of the time: drawn out, by less than two.
    assert 1.3 < stretch(2, 1, 0.5) < 1.7
    assert stretch(2, 2, 0.9, beside=0.5) > stretch(2, 2, 0.9) == 1.0
    assert stretch(200, 100, 0.9) == pytest.approx(1.9, abs=0.2)


def test_busy_cores_take_more_processor_time() -> None:
    assert crowded(1, 2, 1.2) == 1.0
    assert crowded(2, 2, 1.2) == pytest.approx(1.2)
    assert crowded(3, 5, 1.2) == pytest.approx(1.1)
    assert crowded(9, 1, 1.2) == 1.0
    site = Site(2, 2, 2.0)
    plain = simulate(delivery(400, cpu=1.0), site, rates())
    slower = simulate(delivery(400, cpu=1.0), site, rates(crowding=1.2))
    assert slower.work == pytest.approx(1.2 * plain.work, rel=0.02)
    assert simulate(delivery(400), site, rates(crowding=1.2)).work == pytest.approx(plain.work)


def test_what_cores_drew_out_is_found_again() -> None:
    # 100 s alone, 60 of them processor time, on one core with another of the same kind.
    drawn = stretch(2, 1, 0.6)
    measured = 40 + 60 * drawn
    assert alone(measured, 60, [(2, 0.0)], 1) == pytest.approx(drawn, rel=0.01)
    assert alone(100, 60, [(1, 0.0)], 2) == pytest.approx(1.0)
    # 100 s alone with 115 of processor time; two at once on two cores have 115 s each.
    assert alone(100 + 115, 2 * 115, [(1, 0.0), (2, 0.0)], 2) == pytest.approx(
        1 + 15 / (2 * 115), rel=0.01
    )
    both = 40 + 60 * (1 + drawn) / 2
    assert alone(both, 60, [(1, 0.0), (2, 0.0)], 1) == pytest.approx((1 + drawn) / 2, rel=0.01)

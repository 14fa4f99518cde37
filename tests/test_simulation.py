"""Time is whole and in order, luck is named, a crash strikes where a process yields and nobody survives it."""

from __future__ import annotations

import functools
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from io import StringIO
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsys_lab.errors import Misuse
from dsys_lab.simulation import Crashed, Machine, Simulation, grid, sweep, to_us
from dsys_lab.trace import Counters, Trace


class Worker(Machine):
    """Runs one body at every boot, and hears what the network brings."""

    def __init__(self, simulation, name, body=None):
        self.body, self.boots, self.heard = body, 0, []
        super().__init__(simulation, name)

    def boot(self):
        self.boots += 1
        if self.body:
            self.spawn(self.body(self))

    def on_message(self, message, copy, body, source):
        self.heard.append((self.simulation.now_us, message, copy, source))


@pytest.fixture
def sim():
    return Simulation(seed=1, recorder=Trace())


def times_us(sim, kind):
    return [row.time_us for row in sim.recorder.of(kind)]


# ------------------------------------------------------------------------------------------ time
@given(st.floats(0, 1e9))
def test_time_is_whole_microseconds_rounded_half_up(seconds):
    assert type(to_us(seconds)) is int
    assert abs(to_us(seconds) - seconds * 1e6) <= 0.5 + seconds * 1e-9


def test_half_a_microsecond_counts_up():
    assert [to_us(seconds) for seconds in (0, 0.4e-6, 0.5e-6, 1.49e-6, 1.5e-6)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("seconds", [-1e-9, -1, float("nan"), float("inf")])
def test_a_wait_that_runs_back_or_never_ends_is_refused(seconds):
    with pytest.raises(Misuse, match="give 0 or more"):
        to_us(seconds)


def test_the_clock_holds_whole_numbers_only(sim):
    def body():
        for _ in range(50):
            yield sim.sleep(sim.stream("gaps")() / 3)
            assert type(sim.now_us) is int

    sim.run_of = sim.spawn(body())
    sim.run()
    assert sim.now_us > 0
    assert sim.now_s == sim.now_us / 1e6


@given(st.lists(st.integers(0, 3), max_size=20))
def test_ties_run_in_the_order_in_which_they_were_scheduled(delays):
    sim, ran = Simulation(), []
    for number, delay in enumerate(delays):
        sim.after(delay, functools.partial(ran.append, (delay, number)))
    sim.run()
    assert ran == sorted(ran)
    assert len(ran) == len(delays)


def test_a_run_ends_before_what_would_happen_at_its_end(sim):
    ran = []
    for second in (1, 2, 3):
        sim.after(second, functools.partial(ran.append, second))
    sim.run(2)
    assert (ran, sim.now_s) == ([1], 2)
    sim.run(2.5)
    assert ran == [1, 2]
    sim.run()
    assert (ran, sim.now_s) == ([1, 2, 3], 3)
    with pytest.raises(Misuse, match=r"until_s = 1.*3.0 s already"):
        sim.run(1)


def test_python_s_collector_is_as_it_was_after_a_run_that_fails(sim):
    import gc

    sim.after(1, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sim.run()
    assert gc.isenabled()


# ------------------------------------------------------------------------------------------ luck
def test_a_stream_is_known_by_seed_and_name_and_nothing_else():
    def draws(seed, name, others=()):
        sim = Simulation(seed=seed)
        for other in others:
            sim.stream(other)()
        return [sim.stream(name)() for _ in range(3)]

    assert draws(1, "a") == draws(1, "a", ["b", "c"])
    assert len(set(draws(1, "a"))) == 3  # asked for again it goes on, and does not begin anew
    assert len({tuple(draws(seed, name)) for seed in (1, 2) for name in ("a", "b")}) == 4
    assert draws(1, "phone-1/arrivals")[0] == 0.8363725491936205  # Python keeps this sequence from version to version


def test_a_slower_consumer_leaves_the_arrivals_untouched():
    from dsys_lab.scenarios.not_consumed_in_time import bursts as lab

    def arrivals(**params):
        run = lab.burst(until_s=40, **params)
        return [(row.time_us, row.message, row.fields["priority"]) for row in run.of("publish")]

    first = arrivals(policy="drop_newest")
    assert arrivals(policy="priority", capacity=5) == first
    assert arrivals(policy="sample", service_rate=2.5) == first
    assert arrivals(faults=[{"do": "slow", "target": "scorer", "at_s": 3, "value": 0.1}]) == first


# ------------------------------------------------------------------------------------------ crashes
def test_a_crash_strikes_at_the_yield_and_what_stands_before_it_is_done(sim):
    def body(worker):
        sim.emit("effect", worker.name, "m1", key="k")
        sim.emit("note", worker.name, text="the same step")
        yield sim.sleep(1)
        sim.emit("note", worker.name, text="never")

    worker = Worker(sim, "w", body)
    sim.after(0.5, worker.crash)
    sim.run()
    assert [row.kind for row in sim.recorder] == ["effect", "note", "crash"]


def test_a_crash_is_not_caught_by_except_exception_but_finally_runs(sim):
    told = []

    def body(worker):
        try:
            while True:
                try:
                    yield sim.sleep(1)
                except Exception:  # noqa: BLE001  # the point of the test
                    told.append("survived")
        except BaseException as fate:
            told.append(type(fate))
            raise
        finally:
            told.append("finally")

    worker = Worker(sim, "w", body)
    sim.after(2.5, worker.crash)
    sim.run()
    assert told == [Crashed, "finally"]
    assert not issubclass(Crashed, Exception)


def test_a_crash_reaches_the_innermost_of_nested_bodies(sim):
    told = []

    def inner():
        try:
            yield sim.event()
        finally:
            told.append("inner")

    def body(worker):
        try:
            yield from inner()
        finally:
            told.append("outer")

    worker = Worker(sim, "w", body)
    sim.after(1, worker.crash)
    sim.run()
    assert told == ["inner", "outer"]


@pytest.mark.parametrize("catches", [Crashed, BaseException])
def test_a_dying_process_that_yields_is_refused(sim, catches):
    def body(worker):
        try:
            yield sim.event()
        except catches:
            yield sim.sleep(1)

    worker = Worker(sim, "w", body)
    sim.after(1, worker.crash)
    with pytest.raises(Misuse, match="the dead cannot wait"):
        sim.run()


def test_a_crash_strikes_every_process_of_the_machine_and_no_other(sim):
    ended = []

    def waits(name):
        yield sim.sleep(10)
        ended.append(name)

    struck, spared = Worker(sim, "struck"), Worker(sim, "spared")
    for number in range(3):
        struck.spawn(waits(f"struck-{number}"))
    spared.spawn(waits("spared"))
    sim.spawn(waits("nobody's"))
    sim.after(5, struck.crash)
    sim.run()
    assert ended == ["spared", "nobody's"]


def test_after_a_restart_the_memory_is_new_and_the_disk_is_old(sim):
    def body(worker):
        worker.disk["boots"] = worker.disk.get("boots", 0) + 1
        yield sim.sleep(100)
        sim.emit("note", worker.name, text=f"boot {worker.disk['boots']} lived")

    worker = Worker(sim, "w", body)
    for at_s in (10, 11, 12):
        sim.after(at_s, worker.crash)  # the second and third find it down already
    sim.after(20, worker.restart)
    sim.after(21, worker.restart)  # and this one finds it up
    sim.run()
    assert [row.kind for row in sim.recorder] == ["crash", "restart", "note"]
    assert sim.recorder[-1].fields["text"] == "boot 2 lived"
    assert (worker.boots, times_us(sim, "note")) == (2, [120_000_000])


def test_a_process_that_was_waiting_for_several_things_does_not_wake_after_its_death(sim):
    bell = sim.event()

    def body(worker):
        yield bell | sim.sleep(2)
        sim.emit("note", "w", text="woken")

    worker = Worker(sim, "w", body)
    sim.after(1, worker.crash)
    sim.after(1, bell.succeed)
    sim.run()
    assert times_us(sim, "note") == []


def test_an_error_in_a_process_is_not_swallowed(sim):
    def body(worker):
        yield sim.sleep(1)
        raise KeyError("mine")

    Worker(sim, "w", body)
    with pytest.raises(KeyError, match="mine"):
        sim.run()


def test_a_process_may_handle_the_failure_of_what_it_waits_for(sim):
    bell = sim.event()

    def body(worker):
        try:
            yield bell
        except ValueError as error:
            sim.emit("note", "w", text=str(error))

    Worker(sim, "w", body)
    sim.after(1, lambda: bell.fail(ValueError("no answer")))
    sim.run()
    assert sim.recorder[-1].fields["text"] == "no answer"


def test_two_machines_of_one_name_are_refused(sim):
    Worker(sim, "w")
    with pytest.raises(Misuse, match="'w' already"):
        Worker(sim, "w")


# ------------------------------------------------------------------------------------------ work
def done_at_s(seconds, *changes):
    """When does work of this length end, given changes of speed (at_s, speed)?"""
    sim = Simulation(recorder=Trace())

    def body(worker):
        yield from worker.work(seconds)
        sim.emit("note", "w", text="done")

    worker = Worker(sim, "w", body)
    for at_s, speed in changes:
        sim.after(at_s, functools.partial(worker.set_speed, speed))
    sim.run()
    return [row.time_us / 1e6 for row in sim.recorder.of("note")]


@pytest.mark.parametrize(
    ("changes", "ends_s"),
    [
        ([], [4]),
        ([(1, 0.5)], [7]),  # 1 done, 3 left at half speed
        ([(1, 0.5), (3, 1.0)], [5]),  # 1 + 1 done, 2 left
        ([(1, 0)], []),  # a pause that never ends
        ([(1, 0), (11, 1.0)], [14]),  # a pause of 10 is exactly 10 more
        ([(1, 0), (2, 0), (11, 0.1)], [41]),
        ([(1, 2.0)], [2.5]),
        ([(0, 0.1), (0, 1.0)], [4]),  # both at once
        ([(4, 0.1)], [4]),  # the end of the work was scheduled first
        ([(9, 0.1)], [4]),
    ],
)
def test_work_is_stretched_by_exactly_what_the_machine_is_slow(changes, ends_s):
    assert done_at_s(4, *changes) == ends_s


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0, 0.25, 0.5, 1, 2])), max_size=6))
def test_however_the_speed_changes_the_same_work_is_done(changes):
    changes = sorted([*changes, (40, 1.0)], key=lambda change: change[0])
    (ended_s,) = done_at_s(10, *changes)
    done, now, speed = 0.0, 0.0, 1.0
    for at_s, new in [*changes, (float("inf"), 1.0)]:
        step = min(at_s, ended_s) - now
        done, now, speed = done + step * speed, now + step, new if at_s <= ended_s else speed
    assert done == pytest.approx(10, abs=1e-5)


def test_work_that_nobody_s_process_does_is_slowed_too(sim):
    worker = Worker(sim, "w")
    sim.spawn(worker.work(2))
    sim.after(1, lambda: worker.set_speed(0.5))
    sim.run()
    assert sim.now_s == 3


def test_a_crash_ends_work_and_the_next_life_starts_anew(sim):
    def body(worker):
        yield from worker.work(4)
        sim.emit("note", "w", text="done")

    worker = Worker(sim, "w", body)
    sim.after(3, worker.crash)
    sim.after(3, lambda: worker.set_speed(0.5))
    sim.after(10, worker.restart)
    sim.run()
    assert times_us(sim, "note") == [18_000_000]


@pytest.mark.parametrize("speed", [-0.1, float("inf"), float("nan")])
def test_a_speed_that_is_none_is_refused(sim, speed):
    with pytest.raises(Misuse, match="give 0"):
        Worker(sim, "w").set_speed(speed)


# ------------------------------------------------------------------------------------------ sweeps
def square(number, seed=0):
    return number * number + seed


def test_a_grid_has_every_combination_with_the_last_axis_fastest():
    assert grid(a=(1, 2), b="xy") == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]
    assert grid() == [{}]


def test_results_come_in_the_order_of_the_grid_and_not_of_completion():
    class LastFirst:
        """An executor that does the work backwards."""

        def __init__(self):
            self.tasks = []

        def submit(self, run, **point):
            self.tasks.append((run, point))
            return self

        def result(self):
            if not hasattr(self, "results"):
                self.results = {id(task): task[0](**task[1]) for task in reversed(self.tasks)}
                self.left = iter(self.tasks)
            return self.results[id(next(self.left))]

    points = grid(number=range(5), seed=(0, 100))
    expected = [square(**point) for point in points]
    assert sweep(square, points) == expected
    assert sweep(square, points, executor=LastFirst()) == expected


def test_other_processes_give_what_this_one_gives():
    from dsys_lab.scenarios.not_consumed_in_time.bursts import blocking

    points = grid(capacity=(3, 8), seed=(1, 2), customers=(300,))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert sweep(blocking.count, points, executor=executor) == sweep(blocking.count, points)


# ------------------------------------------------------------------------------------------ recorders
def test_only_a_simulation_with_a_fault_that_waits_for_a_row_listens():
    plain = Simulation(recorder=(counters := Counters()))
    assert plain.recorder is counters
    with pytest.raises(Misuse, match="nobody listens"):
        plain.when(lambda *row: True, lambda: None)


def slept(nap_s):
    time.sleep(nap_s)


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("where", "shows"), [(Terminal, True), (StringIO, False)])
def test_a_bar_is_for_a_terminal_and_no_page_keeps_one(monkeypatch, where, shows):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(sys, "stderr", written := where())
    sweep(slept, [{"nap_s": 0.6}] * 3, label="naps")
    assert ("naps" in written.getvalue()) == shows


def test_a_run_without_end_is_stopped_with_a_word_of_advice(monkeypatch):
    monkeypatch.setattr("dsys_lab.simulation.clock.WAITS_MOST", 100)
    sim = Simulation()

    def busy():
        while True:
            yield sim.sleep(0.5)

    sim.spawn(busy())
    with pytest.raises(Misuse, match=r"stopped at 50 s of the run after 100 waits: .* lower a rate"):
        sim.run()

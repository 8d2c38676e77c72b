"""scripts/validate: what it measures on synthetic results with known answers, its Morris screen on functions with known
indices, its verdicts, and that what fails is shown to fail."""

import dataclasses
import json
import math
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]
from rewire_validate import arms, calibrated, figures, history, morris, report, runs, sensitivity  # noqa: E402
from rewire_validate import sources, verdict  # noqa: E402
from rewire_validate import __main__ as program_main  # noqa: E402
from rewire_validate import measures as m  # noqa: E402
from rewire_validate.result import Result  # noqa: E402
from rewire_validate.targets import CALIBRATED, CHECK, PREDICTION, TARGETS, Target  # noqa: E402
from synthetic import write_cohort, write_columns, write_result  # noqa: E402

DOSE_S = 2 * m.HOUR
CELLS = "pyramidal"


@pytest.fixture()
def made(tmp_path):
    """Makes open results out of columns; a dose at 2 h if `dosed`."""
    opened = []

    def make(slow=(), dosed=False, **others):
        path = write_columns(tmp_path / f"{len(opened)}.h5", slow, dose_s=DOSE_S if dosed else None, **others)
        opened.append(Result(path))
        return opened[-1]

    yield make
    for result in opened:
        result.close()


def pair(made, name, course, hours=27, entity=CELLS, base=2.0):
    """A dose whose course multiplies that of its control, given by the minute after the dose."""
    time = np.arange(0, hours * 3600 + 1, 60.0)
    control = base * (1 + 0.1 * np.sin(time / 5000))  # no effect of the dose is what both do
    factor = np.array([course((t - DOSE_S) / 60) if t >= DOSE_S else 1.0 for t in time])
    columns = {entity: control} if entity else control
    dosed = {entity: control * factor} if entity else control * factor
    return made({"time": time, name: dosed}, dosed=True), made({"time": time, name: columns})


# ------------------------------------------------------------------------------------------------- dose against control


def test_change_is_relative_to_the_control_at_the_same_time(made):
    dosed, control = pair(made, "bdnf", lambda minute: 1.25 if minute >= 20 else 1.0)
    assert m.at_30_min(dosed, control, "bdnf") == pytest.approx(25)
    assert m.change(dosed, control, "bdnf", 10 * m.MINUTE) == pytest.approx(0)
    assert m.mean_change(dosed, control, "bdnf", 30 * m.MINUTE, 60 * m.MINUTE) == pytest.approx(25)


def test_late_deviation_takes_the_worse_of_8_and_24_hours(made):
    dosed, control = pair(made, "bdnf", lambda minute: 1.05 if minute < 600 else 0.9)
    assert m.late_deviation(dosed, control, "bdnf") == pytest.approx(-10)


def test_course_is_a_running_mean_that_keeps_a_ramp(made):
    dosed, control = pair(made, "bdnf", lambda minute: 1 + 0.001 * minute)
    minutes, excess = m.course(dosed, control, "bdnf", 3 * m.HOUR)
    assert minutes[0] == 0 and minutes[-1] == 180
    np.testing.assert_allclose(excess[10:], 0.1 * minutes[10:], atol=1e-9)


def test_first_time_at_a_level_of_either_sign():
    minutes = np.arange(5)
    assert m.first_at(minutes, np.array([0, 1, 2, 3, 2.0]), 1.5) == 2
    assert m.first_at(minutes, np.array([0, -1, -2, -3, -2.0]), -3) == 3
    assert math.isnan(m.first_at(minutes, np.zeros(5), 1))
    assert math.isnan(m.first_at(minutes, np.zeros(5), 0))


def test_glutamate_peak_onset_and_return(made):
    # Up by a linear 30 % in an hour, down to a third of it at 2.5 h, which stays.
    def course(minute):
        return 1 + (0.3 * minute / 60 if minute < 60 else 0.3 * max(1 - (minute - 60) / 135, 1 / 3))

    dosed, control = pair(made, "glutamate_extracellular", course, entity=None)
    assert m.glutamate_peak(dosed, control) == pytest.approx(30, abs=1.5)  # the running mean rounds the tip
    assert m.glutamate_onset(dosed, control) == pytest.approx(15, abs=1)
    assert m.glutamate_left(dosed, control) == pytest.approx(100 / 3, abs=2)
    weak = pair(made, "glutamate_extracellular", lambda minute: 1 + (course(minute) - 1) / 10, entity=None)
    assert m.glutamate_peak(*weak) == pytest.approx(3, abs=0.2)
    assert math.isnan(m.glutamate_onset(*weak)) and math.isnan(m.glutamate_left(*weak))


def test_share_is_of_an_effect_that_is_there():
    assert m.share(3, 12, 2) == 25 and m.share(-6, -30, -5) == 20 and m.share(-1, 2, 2) == -50
    assert all(math.isnan(m.share(1, whole, 2)) for whole in (1.99, 0, -12, math.nan))
    assert all(math.isnan(m.share(1, whole, -5)) for whole in (-4.99, 30))


def rates(made, courses):
    """Both runs with a column for each population."""
    time = np.arange(0, 4 * 3600 + 1, 60.0)
    minutes = (time - DOSE_S) / 60
    base = {"pv": 6.0, "sst": 8.0, CELLS: 2.0}
    dosed = {name: base[name] * np.array([course(x) if x >= 0 else 1.0 for x in minutes])
             for name, course in courses.items()}
    control = {name: np.full(len(time), base[name]) for name in courses}
    return made({"time": time, "mean_rate": dosed}, dosed=True), made({"time": time, "mean_rate": control})


def ramp(from_minute, to_minute, size):
    return lambda minute: 1 + size * float(np.clip((minute - from_minute) / (to_minute - from_minute), 0, 1))


def test_rates_and_their_order(made):
    dosed, control = rates(made, {"pv": ramp(0, 10, 0.05), "sst": ramp(0, 20, -0.3), CELLS: ramp(10, 40, 0.5)})
    assert m.interneuron_change(dosed, control) == pytest.approx(-30)
    # 20 to 40 min: 1/3 to 1 of 50 %; then all of it.
    assert m.acute(dosed, control, CELLS) == pytest.approx(50 * 5 / 6, abs=0.5)
    assert m.half_change_lead(dosed, control) == pytest.approx(25 - 10, abs=1)


def test_interneurons_that_follow_pyramidal_cells_give_a_negative_lead(made):
    dosed, control = rates(made, {"pv": ramp(0, 10, 0), "sst": ramp(20, 40, -0.3), CELLS: ramp(0, 20, 0.5)})
    assert m.half_change_lead(dosed, control) == pytest.approx(-20, abs=1)


def test_rates_that_hardly_move_have_no_order(made):
    dosed, control = rates(made, {"pv": ramp(0, 10, 0), "sst": ramp(0, 20, -0.01), CELLS: ramp(10, 40, 0.5)})
    assert math.isnan(m.half_change_lead(dosed, control))


# --------------------------------------------------------------------------------------------------------- single cells


def hill_result(made, concentration, ic50s, factor=1.0):
    columns = {f"driven_{s}": np.full(3, factor * concentration / (concentration + k))
               for s, k in zip(m.SUBUNITS, ic50s)}
    columns["depolarised_2a"] = np.full(3, 1 / (1 + 2.7))
    return made({"time": np.array([0, 149.0, 155]), "nmda_block_synaptic": columns})


def test_block_against_the_hill_curve(made):
    exact = [hill_result(made, c, m.IC50_uM[1]) for c in (0.3, 1, 3)]
    assert m.block_deviation(1, *exact) == pytest.approx(0, abs=1e-9)
    assert m.depolarised_ic50_uM(exact[1]) == pytest.approx(2.7)
    off = [hill_result(made, c, m.IC50_uM[0], 0.97 if c == 3 else 1) for c in (0.3, 1, 3)]
    assert m.block_deviation(0, *off) == pytest.approx(-3)


def test_recovery_ratio_of_two_exponentials(made):
    time = np.arange(0, 900.0)
    fall = lambda tau: 0.2 * np.where(time < 150, 1, np.exp(-(time - 150) / tau))  # noqa: E731
    result = made({"time": time, "nmda_block_synaptic": {"driven_2a": fall(20), "released_2a": fall(400)}})
    assert m.recovery_ratio(result) == pytest.approx(0.05, abs=0.003)  # to the second of the clock
    never = made({"time": time, "nmda_block_synaptic": {"driven_2a": fall(20), "released_2a": fall(1e9)}})
    assert math.isnan(m.recovery_ratio(never))


def plasma(made, factor_at_80=1.0):
    time = DOSE_S + 60 * np.arange(-60, 300.0)
    minutes = (time - DOSE_S) / 60
    ketamine = np.interp(minutes, [0, *m.OTTO_MINUTES], [0, *m.OTTO_NG_ML])
    ketamine[minutes == 80] *= factor_at_80
    norketamine = 75 * np.exp(-((minutes - 89) / 60)**2)
    return made({"time": time, "drug_plasma": {"ketamine": ketamine, "norketamine": norketamine}}, dosed=True)


def test_plasma_against_the_table(made):
    exact = plasma(made)
    assert m.plasma_deviation(exact) == pytest.approx(0, abs=1e-9)
    assert m.plasma_at_end(exact) == pytest.approx(158)
    assert (m.norketamine_peak(exact), m.norketamine_peak_minute(exact)) == (pytest.approx(75), pytest.approx(89))
    assert m.plasma_deviation(plasma(made, 1.05)) == pytest.approx(5)


def test_occupancy_counts_neurons_and_selectivity_is_a_ratio(made):
    time = DOSE_S + np.array([0, 2400.0, 4800])
    block = {CELLS: np.array([0, 0.2, 0]), "sst": np.array([0, 0.4, 0])}
    result = made({"time": time, "nmda_block_synaptic": block}, dosed=True, sizes={CELLS: 300, "sst": 100})
    assert m.occupancy(result) == pytest.approx(25)
    assert m.selectivity(result) == pytest.approx(2)


# ------------------------------------------------------------------------------------------------------- the fast clock


def lfp(made, amplitude_50Hz, amplitude_10Hz):
    time_ms = np.arange(2, 600_001, 2.0)
    wave = sum(a * np.sin(2 * np.pi * f * time_ms / 1e3) for a, f in ((amplitude_50Hz, 50), (amplitude_10Hz, 10)))
    return made(fast={"time": time_ms, "lfp": {"prefrontal": 300 + wave}})


def test_gamma_power_goes_with_the_square_and_knows_its_band(made):
    assert m.gamma_change(lfp(made, 1.2, 1), lfp(made, 1, 1)) == pytest.approx(44, abs=0.1)
    assert m.gamma_change(lfp(made, 1, 5), lfp(made, 1, 1)) == pytest.approx(0, abs=0.1)


def test_volley_response_counts_what_is_added(made):
    time_ms = np.arange(2, 640_001, 2.0)
    within = (time_ms - 1) % 1000 < 50  # a bin of 2 ms belongs to the time at its end
    result = made(fast={"time": time_ms, "rate": {CELLS: np.where(within & (time_ms > 580_000), 42.0, 2.0)}})
    assert m.volley_response(result) == pytest.approx(0.05 * 40)


# --------------------------------------------------------------------------------------------------------------- spines


def test_spine_gain_share_and_what_an_antagonist_takes(made):
    grow = lambda size: lambda minute: 1 + size * (minute / 1440)**2  # noqa: E731
    dosed, control = pair(made, "spine_density", grow(0.2))
    assert m.spine_gain(dosed, control) == pytest.approx(20)
    assert m.early_share(dosed, control) == pytest.approx(100 / 16)
    under = pair(made, "spine_density", grow(0.02))
    assert m.lost_gain(dosed, control, *under) == pytest.approx(90)
    assert m.share_of_gain(dosed, control, under[0]) == pytest.approx(10)
    # A dose that does next to nothing, or that costs spines, has no gain to lose.
    for size in (0.019, -0.2):
        without = pair(made, "spine_density", grow(size))
        assert math.isnan(m.lost_gain(*without, *under)) and math.isnan(m.share_of_gain(*without, under[0]))
        assert math.isnan(m.early_share(*without))


def test_ampa_share_at_3_hours(made):
    dosed, control = pair(made, "ampa_gain", lambda minute: 1 + min(minute / 300, 1) * 0.2, base=1.0)
    assert m.ampa_share(dosed, control) == pytest.approx(60, abs=1)
    weak = pair(made, "ampa_gain", lambda minute: 1 + min(minute / 300, 1) * 0.019, base=1.0)
    assert math.isnan(m.ampa_share(*weak))


def density(made, values_by_day, dose_day=None):
    days = np.arange(0, 36, 0.25)
    return made({"time": days * m.DAY, "spine_density": {CELLS: np.interp(days, *zip(*values_by_day))}})


def test_stress_and_rescue(made):
    healthy = density(made, [(0, 1), (35, 1)])
    stressed = density(made, [(0, 1), (21, 0.8), (22, 0.79)])
    rescued = density(made, [(0, 1), (21, 0.8), (22, 0.89)])
    rescued.__dict__["dose_s"] = 21 * m.DAY
    assert m.stress_loss(stressed, healthy) == pytest.approx(-20)
    assert m.restored(rescued, stressed, healthy) == pytest.approx(50)
    unharmed = density(made, [(0, 1), (21, 0.99), (28, 1)])
    assert math.isnan(m.restored(rescued, unharmed, healthy)) and math.isnan(m.recovered(unharmed, healthy))


def test_recovery_without_a_drug_is_a_share_of_what_was_lost(made):
    healthy = density(made, [(0, 1), (35, 1)])
    stressed = density(made, [(0, 1), (21, 0.8), (28, 0.85)])
    inflamed = density(made, [(0, 1), (21, 0.7), (28, 0.76)])
    assert m.recovered(stressed, healthy) == pytest.approx(25)
    assert m.recovery_lost(inflamed, stressed, healthy) == pytest.approx(20 - 25)
    assert m.stress_loss(inflamed, stressed) == pytest.approx(-12.5)


def test_excess_of_cytokines_cleared_4_to_6_hours_after_a_dose(made):
    time = np.arange(0, 12 * 3600 + 1, 600.0)

    def course(factor_from_4_hours, dosed):
        late = (time >= DOSE_S + 4 * m.HOUR) & (time <= DOSE_S + 6 * m.HOUR)
        factor = np.where(late, factor_from_4_hours, 1.0)
        return made({"time": time, "cytokine_tnf_a": {"cortex": 0.5 * factor}, "cytokine_il_6": {"cortex": factor},
                     "cytokine_il_1b": {"cortex": np.ones(len(time))}}, dosed=dosed)

    # (0.5 + 1) x 0.4 + 1 of 2.5
    assert m.excess_cleared(course(0.4, True), course(1, False)) == pytest.approx(100 * (1 - 1.6 / 2.5))


def test_what_was_not_in_excess_is_not_cleared(made):
    time = np.arange(0, 12 * 3600 + 1, 600.0)

    def course(excess, dosed):
        columns = {f"cytokine_{name}": {"cortex": np.full(len(time), excess)} for name in ("tnf_a", "il_6", "il_1b")}
        return made({"time": time} | columns, dosed=dosed)

    assert m.excess_cleared(course(0.05, True), course(0.11, False)) == pytest.approx(100 * 6 / 11)
    assert math.isnan(m.excess_cleared(course(0.01, True), course(0.09, False)))


def test_weeks_after_a_dose(made):
    control = density(made, [(0, 1), (35, 1)])
    dosed = density(made, [(0, 1), (1, 1), (2, 1.1), (8, 1.06), (22, 1.01), (35, 0.98)])
    dosed.__dict__["dose_s"] = 1 * m.DAY
    assert m.least_gain(dosed, control) == pytest.approx(6)
    assert m.late_gain(dosed, control) == pytest.approx(-2)


def test_hazard_of_standing_synapses(made):
    def result(left, born, dosed):
        time = np.array([0, DOSE_S, DOSE_S + m.DAY])
        ages = np.concatenate([np.full(left, 26.0), np.full(born, 3.0)])
        return made({"time": time, "synapses": {"pyramidal_pyramidal": np.full(3, 1000.0)}}, dosed=dosed,
                    snapshots={DOSE_S + m.DAY: {"pyramidal_pyramidal": ages}})

    dosed, control = result(800, 500, True), result(800, 100, False)
    control.__dict__["dose_s"] = None
    assert m.standing_hazard(dosed, "pyramidal_pyramidal", DOSE_S, DOSE_S + m.DAY) == pytest.approx(-math.log(0.8))
    assert m.hazard_change(dosed, control) == pytest.approx(0)
    assert m.hazard_change(result(640, 0, True), control) == pytest.approx(100)


def test_neurogenesis(made):
    time = np.arange(0, 56 * m.DAY + 1, 6 * m.HOUR)
    day = time / m.DAY

    def result(rate, share):
        return made({"time": time, "birth_rate": {"granule": rate}, "share_of_new_neurons": {"granule": share}})

    share = np.where(day > 25, 0.002 * (day - 25), 0)
    share[0] = np.nan  # nothing has fired before the first sample
    control, treated = result(np.full(len(time), 1.5), share), result(1.5 * (1 + 0.01 * day), share)
    assert m.proliferation_change(treated, control, 2.5, 3.5) == pytest.approx(3, abs=0.2)
    assert m.proliferation_change(treated, control, 14, 28) == pytest.approx(21, abs=0.2)
    assert m.latency_d(control) == pytest.approx(25.25)
    assert m.share_of_last_day(control) == pytest.approx(100 * 0.002 * 30.5, abs=0.1)
    silent = result(np.full(len(time), 1.5), np.zeros(len(time)))
    assert math.isnan(m.latency_d(silent))
    assert m.share_of_last_day(silent) == 0


def scored(made, days, score, expectation=(0, 0), dose_day=21, **more):
    """A result whose surrogate score and expectation are interpolated between the given days after the dose."""
    time = np.arange(0, 61 * m.DAY, m.HOUR)
    course = lambda values: np.interp(time - dose_day * m.DAY, np.array(days) * m.DAY, values)  # noqa: E731
    columns = {name: {CELLS: course(values)} for name, values in more.items()}
    expected = np.interp(time - dose_day * m.DAY, [0, m.DAY], expectation)
    result = made({"time": time, m.SCORE: course(score), m.EXPECTATION: expected, **columns})
    result.__dict__["dose_s"] = dose_day * m.DAY
    return result


def test_surrogate_score_of_a_drug_and_of_an_arm(made):
    dosed = scored(made, [0, 1, 7, 12], [80, 60, 70, 78], expectation=(0, -30))
    control = scored(made, [0, 12], [80, 80])
    assert m.drug_effect(dosed, control, m.DAY) == pytest.approx(-25)
    assert m.arm_change_at(dosed, m.DAY) == pytest.approx(-55)
    assert m.arm_change_at(dosed, 0) == pytest.approx(0)
    assert m.arm_change_at(scored(made, [0, 1], [80, 10], expectation=(0, -30)), m.DAY) == -100
    assert m.share_of_day_1(dosed, control, 7 * m.DAY) == pytest.approx(50)
    assert m.share_of_day_1(dosed, control, 12 * m.DAY) == pytest.approx(10)
    assert m.early_score(dosed, control) == pytest.approx(100 * 3 / 24)
    for without in (scored(made, [0, 1, 12], [80, 76.1, 80]), scored(made, [0, 1, 12], [80, 90, 80])):
        assert math.isnan(m.share_of_day_1(without, control, 7 * m.DAY)) and math.isnan(m.early_score(without, control))


def test_relapse_after_the_last_dose(made):
    # Response, half of the score, is lost 8 days after the last dose, which is on day 12 after the first.
    dosed = scored(made, [0, 12, 20, 28], [80, 20, 40, 60])
    assert m.relapse_days(dosed, (21 + 12) * m.DAY) == pytest.approx(8.25)  # the next sample of 6 h
    assert math.isnan(m.relapse_days(scored(made, [0, 12], [80, 20]), 33 * m.DAY))
    assert math.isnan(m.relapse_days(scored(made, [0, 12], [80, 70]), 33 * m.DAY))


def test_relapse_is_the_loss_for_a_day_of_a_response_at_24_h(made):
    # As clinic::relapses: half a day above half of the score is none, and who responds later only is no responder.
    last_s = 33 * m.DAY
    dip = scored(made, [0, 12, 16, 16.3, 16.7, 17, 20, 20.1, 28], [80, 20, 20, 60, 60, 20, 20, 60, 60])
    assert m.relapse_days(dip, last_s) == pytest.approx(8.25)  # 20.1 d is past the sample on day 20
    late = scored(made, [0, 13.5, 14, 20, 28], [80, 70, 20, 40, 60])
    assert math.isnan(m.relapse_days(late, last_s))
    # A loss that is less than a day before the end is not known to last: the result ends almost 40 d after the dose.
    assert math.isnan(m.relapse_days(scored(made, [0, 12, 39.2, 39.3], [80, 20, 20, 60]), last_s))


def test_ssri_beside_ketamine(made):
    days = [0, 1, 28]
    control = scored(made, days, [80, 80, 80], spine_density=[1, 1, 1], bdnf=[1, 1, 1])
    ketamine = scored(made, days, [80, 60, 80], spine_density=[1, 1.1, 1], bdnf=[1, 1, 1])
    ssri = scored(made, days, [80, 78, 70], spine_density=[1, 1.01, 1], bdnf=[1, 1, 1.3])
    assert m.ssri_spines(ssri, ketamine, control) == pytest.approx(10)
    assert m.ssri_score(ssri, ketamine, control) == pytest.approx(10)
    assert math.isnan(m.ssri_score(ketamine, ssri, control)) and math.isnan(m.ssri_spines(ketamine, ssri, control))
    assert m.bdnf_four_weeks(ssri, control) == pytest.approx(30)


def test_calcium_that_leaves_its_target_late_is_seen(made):
    time = np.arange(0, 301.0)
    drifts = np.where(time > 280, 0.0515, 0.05)
    steady = np.full(301, 0.0495)
    for calcium, deviation in ((steady, -1), (drifts, 3)):
        result = made({"time": time, "calcium": {"excitatory": calcium}})
        assert m.calcium_deviation(result) == pytest.approx(deviation)


# --------------------------------------------------------------------------------------------------------------- Morris


def test_trajectories_move_every_factor_once_by_the_step():
    for seed in range(20):
        points = morris.trajectory(7, np.random.default_rng(seed))
        moves = np.diff(points, axis=0)
        assert points.shape == (8, 7)
        assert points.min() >= 0 and points.max() <= 1 + 1e-12
        assert sorted(np.argmax(np.abs(moves), axis=1)) == list(range(7))
        assert np.count_nonzero(moves) == 7
        np.testing.assert_allclose(np.abs(moves[moves != 0]), 2 / 3)
    with pytest.raises(ValueError, match="levels = 3"):
        morris.trajectory(2, np.random.default_rng(1), levels=3)


def screened(function, factors, trajectories, seed=1):
    random = np.random.default_rng(seed)
    walks = [morris.trajectory(factors, random) for _ in range(trajectories)]
    return morris.indices([morris.effects(walk, [function(x) for x in walk]) for walk in walks])


def test_linear_function_has_its_slopes_and_no_spread():
    slopes = np.array([3.0, -2, 0.5, 0])
    of = screened(lambda x: 7 + slopes @ x, 4, 5)
    np.testing.assert_allclose(of.mean, slopes, atol=1e-12)
    np.testing.assert_allclose(of.mean_size, np.abs(slopes), atol=1e-12)
    np.testing.assert_allclose(of.spread, 0, atol=1e-12)


def test_interaction_shows_as_spread():
    # Of x0 x1 the effect of x0 is x1, one of 0, 1/3, 2/3, 1 with equal chance: mean 1/2, deviation sqrt(5)/6. With
    # 2,000 trajectories the mean is known to 0.0083: four of these are allowed.
    of = screened(lambda x: x[0] * x[1] + 2 * x[2], 3, 2000)
    np.testing.assert_allclose(of.mean_size, [0.5, 0.5, 2], atol=0.034)
    np.testing.assert_allclose(of.spread, [math.sqrt(5) / 6, math.sqrt(5) / 6, 0], atol=0.03)


def test_effects_that_cancel_have_size_but_no_mean():
    # (x - 1/2)^2 goes from 1/4 to 1/36 and from 1/36 to 1/4: effects of -1/3 and 1/3.
    of = screened(lambda x: (x[0] - 0.5)**2, 1, 400)
    assert of.mean_size[0] == pytest.approx(1 / 3)
    assert abs(of.mean[0]) < 4 / 3 / math.sqrt(400)


def test_a_failed_run_costs_its_own_effects_only():
    points = morris.trajectory(3, np.random.default_rng(4))
    outputs = list(points @ [1.0, 2, 3])
    outputs[-1] = math.nan
    found = morris.effects(points, outputs)
    last = int(np.argmax(np.abs(points[-1] - points[-2])))
    assert math.isnan(found[last])
    assert np.isfinite(np.delete(found, last)).all()
    of = morris.indices([found, found])
    assert math.isnan(of.mean[last]) and np.isfinite(np.delete(of.mean, last)).all()


def test_the_screen_finds_what_outputs_depend_on(monkeypatch, tmp_path):
    # Glutamate follows one constant, spines two of them on a logarithm; BDNF follows none but differs by seed.
    linear, log = sensitivity.CONSTANTS[0], next(x for x in sensitivity.CONSTANTS if x.log)

    def outputs(_, pair, seed):
        assert pair[1].settings == pair[0].settings | {"dose": "[]"}
        value = lambda key, default: float(pair[0].settings.get(key, str(default)).strip('"').split()[0])  # noqa: E731
        a = (value(linear.key, linear.low) - linear.low) / (linear.high - linear.low)
        b = math.log(value(log.key, log.low) / log.low) / math.log(log.high / log.low)
        return [10 * a, 7.0 * seed, 2 * a - 3 * b]

    monkeypatch.setattr(sensitivity, "outputs_of", outputs)
    made = session(tmp_path, tmp_path / "program", quick=True)
    planned = []
    monkeypatch.setattr(made, "make_all", planned.extend)
    found = sensitivity.screen(made, 2)
    assert len(planned) == 2 * (2 * 21 + 3)
    assert len({(run.name, seed) for run, seed in planned}) == len(planned)
    glutamate, bdnf, spines = (found["outputs"][name] for name in ("glutamate", "bdnf", "spines"))
    place = [constant.key for constant in sensitivity.CONSTANTS].index(log.key)
    assert glutamate["mean"][0] == pytest.approx(10, rel=1e-4) and np.abs(glutamate["mean"][1:]).max() < 1e-9
    assert spines["mean"][place] == pytest.approx(-3, rel=1e-4) and spines["mean_size"][0] == pytest.approx(2, rel=1e-4)
    assert bdnf["mean_size"] == [0] * 20  # a trajectory has one seed
    assert bdnf["chance"] == pytest.approx(math.sqrt(2) * 7 * 1.5)  # seeds 1, 2, 3; a step is 2/3
    assert glutamate["chance"] == 0


def test_constants_of_the_screen_span_their_ranges():
    assert len(sensitivity.CONSTANTS) == 20 == len({constant.key for constant in sensitivity.CONSTANTS})
    linear, log = sensitivity.Constant("a", 1, 3, "h", ""), sensitivity.Constant("b", 1, 100, "", "", log=True)
    assert [linear.setting(x) for x in (0, 0.5, 1)] == ['"1 h"', '"2 h"', '"3 h"']
    assert [log.setting(x) for x in (0, 0.5, 1)] == ["1", "10", "100"]


# ------------------------------------------------------------------------------------------------------------- verdicts


def target(low=10, high=20, role=PREDICTION, **others):
    fields = {"id": "S99", "part": "", "role": role, "what": "size of it", "unit": "%", "source": "Author 1999",
              "low": low, "high": high, "uses": (), "measure": None, "may_fail": "because <it> may"}
    return Target(**(fields | others))


@pytest.mark.parametrize("values, expected", [
    ([10], "pass"), ([20], "pass"), ([9.99], "fail"), ([20.01], "fail"), ([5, 25], "pass"), ([5, 10], "fail"),
    ([math.nan, 15], "fail"), ([math.inf], "fail"), ([], "fail")])
def test_verdict_is_that_of_the_mean(values, expected):
    outcome = verdict.Outcome(target(), dict(enumerate(values, start=1)))
    assert outcome.verdict == expected
    assert bool(outcome.reason) == (expected == "fail")


def test_open_ranges():
    assert verdict.Outcome(target(80, math.inf), {1: 500.0}).verdict == "pass"
    assert verdict.Outcome(target(80, math.inf), {1: 79.0}).verdict == "fail"
    assert verdict.Outcome(target(-math.inf, 25), {1: -3.0}).verdict == "pass"
    assert report.range_text(80, math.inf, "%") == "80.0 % or more"
    assert report.range_text(-math.inf, 25, "1") == "25.0 or less"


def test_spread_is_the_standard_deviation_over_seeds():
    assert verdict.Outcome(target(), {1: 10.0, 2: 14.0}).spread == pytest.approx(math.sqrt(8))
    for values in ({1: 10.0}, {}, {1: 10.0, 2: math.nan}, {1: 10.0, 2: math.inf}):
        assert verdict.Outcome(target(), values).spread is None


def test_infinities_of_both_signs_have_no_mean():
    outcome = verdict.Outcome(target(), {1: math.inf, 2: -math.inf})
    assert math.isnan(outcome.mean) and outcome.verdict == "fail"


def of(label):
    return next(x for x in TARGETS if x.label == label)


@pytest.mark.parametrize("label, value, expected", [
    ("S12 nbqx", 101, "pass"), ("S12 nbqx", 130, "fail"), ("S12 anti_bdnf, 4 h", 130, "fail"),
    ("S16 raised", 0, "fail"), ("S16 raised", 0.9, "fail"), ("S16 raised", 7.6, "pass"),
    ("S20 loss", 0, "fail"), ("S20 loss", -0.9, "fail"), ("S20 loss", -22, "pass")])
def test_what_does_nothing_or_the_opposite_is_no_pass(label, value, expected):
    assert verdict.Outcome(of(label), {1: value}).verdict == expected


def page(outcomes, **others):
    whole = {"outcomes": outcomes, "left_out": [], "calibrated": [], "arms": [], "sensitivity": None, "figures": {},
             "about": {"text": "seeds 1"}}
    return report.as_html(whole | others), json.loads(json.dumps(report.as_json(whole | others), allow_nan=False))


def test_a_failing_prediction_is_shown_failing_with_its_reason():
    shown, data = page([verdict.Outcome(target(), {1: 3.0, 2: 4.0}), verdict.Outcome(target(id="S98"), {1: 15.0})])
    assert [entry["verdict"] for entry in data["targets"]] == ["fail", "pass"]
    failing = data["targets"][0]
    assert failing["id"] == "S99" and failing["role"] == "prediction" and failing["source"] == "Author 1999"
    assert failing["range"] == [10, 20] and failing["mean"] == 3.5 and failing["why"] == "because <it> may"
    assert failing["spread"] == pytest.approx(math.sqrt(0.5))
    assert data["targets"][1]["why"] == ""
    what_fails = shown[shown.index("What fails"):shown.index("<h2>Targets")]
    assert "S99" in what_fails and "because &lt;it&gt; may" in what_fails and "S98" not in what_fails
    assert shown.count('class="fail-row"') == 1 and shown.count('class="pass-row"') == 1
    assert "prediction: 1 of 2 pass" in shown


def test_a_single_run_has_no_spread_and_an_interval_is_shown_beside_it():
    cohort = target(id="S98", unit="d")
    shown, data = page([verdict.Outcome(target(), {1: 15.0}), verdict.Outcome(cohort, {1: 12.5}, (7.0, 13.0)),
                        verdict.Outcome(cohort, {1: 12.5}, (8.0, math.inf)), verdict.Outcome(target(), {1: 1, 2: 3})])
    assert [entry["spread"] for entry in data["targets"]] == [None, None, None, pytest.approx(math.sqrt(2))]
    assert [entry["interval"] for entry in data["targets"]] == [None, [7, 13], [8, None], None]
    assert ">15.0 %<" in shown and ">12.5 d (7.00 to 13.0)<" in shown and ">12.5 d (8.00 or more)<" in shown
    assert ">2.00 ± 1.4 %<" in shown and report.number(verdict.Outcome(target(), {1: 15.0}).spread) == "-"


def test_predictions_that_had_been_seen_before_a_change_are_marked():
    expected = {"S1": "", "S6 selectivity": "a", "S7 rat, peak": "", "S8 interneurons": "a", "S12 rapamycin": "ab",
                "S12 anti_bdnf, 4 h": "", "S15 spines": "ab", "S15 score": "bc", "S18 score": "abc",
                "S19 arm, day 3": "bc", "S19 cohort, day 1": "bc", "S19 cohort, day 12": "bcd", "S20 loss": "b",
                "S20 cytokines": "", "R8 2-4 wk": "be", "R8 latency": ""}
    assert {label: "".join(history.changed_after(of(label))) for label in expected} == expected
    names = {name for x in TARGETS for name in (x.id, x.label)}
    assert all(set(change.moved) <= names for change in history.CHANGES.values())


def test_the_report_says_what_was_changed_after_predictions_had_been_seen():
    outcomes = [verdict.Outcome(of(label), {1: 0.0}) for label in ("S8 order", "S15 score", "S3", "S7 peak")]
    shown, data = page(outcomes)
    assert [entry["changed_after"] for entry in data["targets"]] == [["a"], ["b", "c"], [], ["a"]]
    assert [change["letter"] for change in data["changes"]] == ["a", "b", "c", "d", "e"]
    assert data["changes"][2]["set_by"] == "S19 drug, day 1" and "S19" in data["changes"][2]["moved"]
    assert "S15 score<sup>b c</sup>" in shown and "S3<sup></sup>" not in shown
    section = shown[shown.index("<h2>Changed after predictions had been seen"):shown.index("<h2>The main run")]
    assert all(change.what in section for change in history.CHANGES.values())
    # Of three predictions (S7 is calibrated) two had been seen.
    assert "prediction: 2 of 3 pass (2 had been seen before" in shown


def test_what_was_not_measured_is_said_and_infinity_is_null():
    shown, data = page([verdict.Outcome(target(0, math.inf), {1: math.nan})], left_out=[target(id="S97", part="late")])
    assert data["targets"][0]["range"] == [0, None] and data["targets"][0]["mean"] is None
    assert data["not_measured"] == ["S97 late"] and "S97 late" in shown
    assert "could not be measured" in shown


def test_figures_are_drawn_from_what_was_made_and_left_out_where_nothing_was(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    assert figures.main_run(made, [1, 2]) is None
    for name in ("ketamine", "control"):
        write_result(made.path(sources.BY_NAME[name], 1), dosed=name == "ketamine")
    assert figures.main_run(made, [1, 2]) is None  # left there by another session
    made.made |= {("ketamine", 1), ("ketamine", 2), ("control", 1)}
    made.failed["control", 2] = "it failed"
    assert figures.main_run(made, [1, 2]).startswith("data:image/png;base64,")
    assert figures.antagonists(made, [1]) is None and figures.weeks(made, [1]) is None
    outcomes = [verdict.Outcome(target(low, high), {1: 15.0, 2: math.nan})
                for low, high in ((10, 20), (-math.inf, 20), (0, math.inf))]
    assert figures.overview(outcomes).startswith("data:image/png;base64,")


def test_a_broken_result_costs_its_own_figure_only(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    for name in ("ketamine", "control"):
        made.path(sources.BY_NAME[name], 1).write_bytes(b"no HDF5")
        made.made.add((name, 1))
    drawn = program_main.draw(made, [verdict.Outcome(target(), {1: 15.0})], [1], None)
    assert drawn["main_run"] is None and drawn["overview"].startswith("data:image/png;base64,")
    assert program_main.attempt("arms", arms.assess, made, [1]) is None


def test_arms_and_the_screen_are_in_the_report(tmp_path):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    for run in arms.all_runs():
        write_result(made.path(run, 1), dosed=not run.name.endswith("control"))
    found = arms.assess(made, [1])
    assert [arm["title"] for arm in found] == [arm.title for arm in arms.ARMS]
    assert all(math.isfinite(x["mean"]) for arm in found for x in arm["measures"].values())
    numbers = np.linspace(-1, 1, len(sensitivity.CONSTANTS)).tolist()
    screen = {"trajectories": 4, "failed_runs": 0, "constants": [dataclasses.asdict(x) for x in sensitivity.CONSTANTS],
              "outputs": {"bdnf": {"title": "BDNF (%)", "mean": numbers, "mean_size": np.abs(numbers).tolist(),
                                   "spread": [*numbers[:-1], math.nan], "default": 1.0, "chance": 0.5}}}
    shown, data = page([], arms=found, sensitivity=screen, figures={"screen": figures.screen(screen)})
    assert "disinhibition alone" in shown and "molecular.released_tau" in shown and "data:image/png" in shown
    assert data["arms"][0]["measures"]["spines"]["spread"] is None  # of one seed
    assert data["sensitivity"]["outputs"]["bdnf"]["spread"][-1] is None


def test_the_table_of_targets_is_whole():
    assert {x.id for x in TARGETS} == {f"S{k}" for k in range(1, 23)} | {"R8"}
    assert len({x.label for x in TARGETS}) == len(TARGETS)
    for x in TARGETS:
        assert x.role in (CALIBRATED, PREDICTION, CHECK), x.label
        assert x.low < x.high and x.source and x.what and x.unit, x.label
        assert x.may_fail and "\n" not in x.may_fail, x.label
        assert all(name in sources.BY_NAME for name in x.uses), x.label


# ------------------------------------------------------------------------------------------------------------- the runs


@pytest.fixture()
def fake_program(tmp_path):
    """Stands for the program: notes how it is called, and fails if a setting says so."""
    log, path = tmp_path / "calls", tmp_path / "program"
    path.write_text(f"""#!/usr/bin/env bash
echo "$*" >> {log}
case "$*" in *fail=true*) echo "config.toml:1:1: error: it fails" >&2; exit 1 ;; esac
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo result > "$2"; shift; done
""")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path, lambda: log.read_text().splitlines() if log.exists() else []


def session(tmp_path, program, **others):
    return runs.Session(tmp_path / "runs", program, say=lambda _: None, **others)


def test_runs_are_made_once_and_again_when_something_changed(tmp_path, fake_program):
    program, calls = fake_program
    one = runs.Simulation("one", "magnesium_block.toml", {"experiment.dt": "0.1 ms"}, circuit=False)
    session(tmp_path, program).make_all([(one, 1), (one, 2)])
    assert len(calls()) == 2 and "--seed 2" in "".join(calls()) and "--set experiment.dt=0.1 ms" in calls()[0]
    again = session(tmp_path, program)
    again.make_all([(one, 1)])
    assert len(calls()) == 2 and again.made == {("one", 1)}
    session(tmp_path, program).make_all([(dataclasses.replace(one, settings={}), 1)])
    assert len(calls()) == 3
    program.write_text(program.read_text() + "# another build\n")
    session(tmp_path, program).make_all([(one, 2)])
    assert len(calls()) == 4


def test_settings_for_all_reach_the_circuit_only(tmp_path, fake_program):
    program, calls = fake_program
    small = session(tmp_path, program, quick=True, settings={"multirate.tolerance": "0.05"})
    small.make_all([(sources.BY_NAME["magnesium"], 1), (sources.BY_NAME["control"], 1)])
    assert "tolerance" not in calls()[0] and "population" not in calls()[0]
    assert "multirate.tolerance=0.05" in calls()[1] and "population.pyramidal.size=800" in calls()[1]


def test_a_failed_run_fails_its_targets_and_nothing_else(tmp_path, fake_program, monkeypatch):
    program, _ = fake_program
    bad = runs.Simulation("bad", "magnesium_block.toml", {"fail": "true"}, circuit=False)
    good = runs.Helper("good", lambda *_: {"x": 15.0})
    monkeypatch.setitem(sources.BY_NAME, "bad", bad)
    monkeypatch.setitem(sources.BY_NAME, "good", good)
    made = session(tmp_path, program)
    made.make_all([(bad, 1), (good, 1)])
    failed = verdict.assess(made, target(uses=("bad",), measure=lambda result: 15.0), [1])
    assert failed.verdict == "fail" and "it fails" in failed.reason
    assert verdict.assess(made, target(uses=("good",), measure=lambda found: found["x"]), [1]).verdict == "pass"
    assert made.made == {("good", 1)}


def test_what_cannot_be_measured_fails_its_target_and_nothing_else(tmp_path, fake_program, monkeypatch):
    # The fake program writes no HDF5, which is an OSError; a helper lacks a key; a measure finds a value that is wrong.
    program, _ = fake_program
    broken = runs.Simulation("broken", "magnesium_block.toml", circuit=False)
    lacking = runs.Helper("lacking", lambda _, seed, folder: {"x": 15.0} if seed == 1 else {})
    for source in (broken, lacking):
        monkeypatch.setitem(sources.BY_NAME, source.name, source)
    made = session(tmp_path, program)
    made.make_all([(broken, 1), (lacking, 1), (lacking, 2)])

    def raises(_):
        raise ValueError("too few\nsamples")

    for use, measure, said in (("broken", lambda result: 15.0, "OSError"),
                               ("lacking", lambda found: found["x"], "seed 2: KeyError"),
                               ("lacking", raises, "ValueError: too few")):
        outcome = verdict.assess(made, target(uses=(use,), measure=measure), [1, 2])
        assert outcome.verdict == "fail" and outcome.reason.startswith("could not be measured")
        assert said in outcome.reason and "\n" not in outcome.reason
    assert verdict.assess(made, target(uses=("lacking",), measure=lambda x: x["x"]), [1, 2]).values == {1: 15.0}


def test_the_interval_of_a_cohort_comes_with_its_estimate(tmp_path, monkeypatch):
    made = session(tmp_path, tmp_path / "program")
    made.folder.mkdir()
    write_cohort(made.path(sources.BY_NAME["cohort"], 1))
    outcome = verdict.assess(made, of("S19 cohort, day 7"), [1, 2])
    assert (outcome.mean, outcome.interval, outcome.spread) == (pytest.approx(0.4), pytest.approx((0.1, 0.8)), None)


def test_plan_makes_each_run_once_and_unseeded_ones_for_the_first_seed():
    s1, s22 = (next(x for x in TARGETS if x.id == name) for name in ("S1", "S22"))
    jobs = program_main.plan([s1, s22, s22], [1, 2], arms.all_runs())
    assert len(jobs) == len({(run.name, seed) for run, seed in jobs})
    assert [seed for run, seed in jobs if run.name == "magnesium"] == [1]
    assert sorted(seed for run, seed in jobs if run.name == "vogels_abbott") == [1, 2]


@pytest.mark.parametrize("words", [["S0"], ["--seeds", "0"], ["--set", "x"], ["--trajectories", "-1"],
                                   ["--jobs", "two"]])
def test_wrong_options_end_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        program_main.parse(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert all(word in said for word in words)


def test_calibrated_constants_come_from_the_description():
    text = """thing: what it is
  where: [thing]
  key    default  unit  allowed  meaning [source]
  first  0.25     1/h   above 0  what [it] does [calibrated: S7 (0.1-1)]
  other  3        mV    above 0  not this one [Author 1999]
more: another
  key    default  unit  allowed  meaning [source]
  last   7        -     above 0  counted [calibrated: S13]
"""
    first, last = calibrated.parse(text)
    assert first == calibrated.Constant("thing", "first", "0.25", "1/h", "what [it] does", "S7 (0.1-1)")
    assert (last.table, last.name, last.unit, last.target) == ("more", "last", "", "S13")


# ---------------------------------------------------------------------------------------------------------- the program


@pytest.fixture(scope="module")
def program():
    path = Path(os.environ.get("REWIRE_PROGRAM", CHECKOUT / "build" / "rewire"))
    if not path.exists():
        pytest.skip("build/rewire is not built, and REWIRE_PROGRAM names no other program")
    return path


def errors(program, simulation, settings):
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    config = CHECKOUT / "configs" / simulation.config
    done = subprocess.run([program, "check", config, *words], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("quick", [False, True])
def test_every_run_is_one_that_the_program_takes(program, tmp_path, quick):
    made = session(tmp_path, program, quick=quick)
    simulations = [x for x in [*sources.ALL, *arms.all_runs()] if isinstance(x, runs.Simulation)]
    assert [found for x in simulations if (found := errors(program, x, made.all_settings(x)))] == []


@pytest.mark.parametrize("share", [0, 1])
def test_the_screen_stays_within_what_the_program_takes(program, tmp_path, share):
    made = session(tmp_path, program, quick=True)
    for run in sensitivity.runs_of("x", sensitivity.point_settings([share] * len(sensitivity.CONSTANTS))):
        assert errors(program, run, made.all_settings(run)) == ""


def test_the_screen_is_of_the_least_certain_constants(program):
    """The program's own description of each says so: from memory, of low confidence or assumed."""
    tables = {"block": "blocker", "ketamine": "species", "nmda": "receptor"}  # the others are named as in a config
    described, table = {}, ""
    for line in subprocess.run([program, "describe"], capture_output=True, text=True, check=True).stdout.splitlines():
        if found := calibrated.SECTION.match(line):
            table = found[1]
        elif line.startswith("  ") and line.endswith("]"):
            described[table, line.split()[0]] = line

    def uncertain(key):
        *_, place, name = key.split(".")
        line = described[tables.get(place, place), name]
        return "[calibrated" not in line and any(word in line for word in ("[M]", "low confidence", "assumed"))

    assert [x.key for x in sensitivity.CONSTANTS if not uncertain(x.key)] == ["glutamate.evoked_share"]


def test_the_description_lists_calibrated_constants(program):
    found = {(x.table, x.name): x.target for x in calibrated.calibrated(program)}
    assert len(found) > 10
    assert "Shaffer" in found["blocker", "in_vivo_factor"]
    assert "S13" in found["spines", "stress_gain"]


def test_one_target_from_end_to_end(program, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REWIRE_PROGRAM", str(program))
    assert program_main.main(["S1", "-o", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "report.json").read_text())
    (entry,) = data["targets"]
    assert entry["id"] == "S1" and entry["role"] == "check" and entry["range"] == [-1, 1]
    assert abs(entry["mean"]) < 1 and entry["verdict"] == "pass"
    shown = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in shown and "src=\"http" not in shown and "<link" not in shown
    assert "pass  S1" in capsys.readouterr().out


def test_measures_of_a_cohort_are_those_of_the_plan_and_the_day(tmp_path):
    with Result(write_cohort(tmp_path / "cohort.h5")) as cohort:
        assert m.on_day(cohort, "effect_size", "one infusion", 1) == pytest.approx((1.1, 0.5, 1.7))
        assert m.on_day(cohort, "effect_size", "one infusion", 7) == pytest.approx((0.4, 0.1, 0.8))
        assert all(map(math.isnan, m.on_day(cohort, "effect_size", "no treatment", 1)))
        assert m.cohort_relapse_days(cohort, "one infusion") == pytest.approx((10, 6, math.inf))

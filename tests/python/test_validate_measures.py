"""What scripts/validate measures, on synthetic results with known answers."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "scripts"), str(Path(__file__).parent)]
from rewire_validate import measures as m  # noqa: E402
from rewire_validate.result import Result  # noqa: E402
from synthetic import write_cohort, write_columns  # noqa: E402

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


# --------------------------------------------------------------------------------------------------------------- cohort


def test_measures_of_a_cohort_are_those_of_the_plan_and_the_day(tmp_path):
    with Result(write_cohort(tmp_path / "cohort.h5")) as cohort:
        assert m.on_day(cohort, "effect_size", "one infusion", 1) == pytest.approx((1.1, 0.5, 1.7))
        assert m.on_day(cohort, "effect_size", "one infusion", 7) == pytest.approx((0.4, 0.1, 0.8))
        assert all(map(math.isnan, m.on_day(cohort, "effect_size", "no treatment", 1)))
        assert m.cohort_relapse_days(cohort, "one infusion") == pytest.approx((10, 6, math.inf))

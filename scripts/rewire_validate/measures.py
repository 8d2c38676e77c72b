"""How targets are measured: small functions of result files. Effects are those of a dose against a control with the
same seed; times count from the start of the dose; shares and changes are in per cent."""

import numpy as np

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
CELLS = "pyramidal"
NAN = float("nan")


# ----------------------------------------------------------------------------------------------------- dose and control

def change(dosed, control, name, after_s, entity=CELLS):
    """Change by the dose at a time after it, or several, in %."""
    time = dosed.dose_s + np.asarray(after_s)
    return 100 * (dosed.at(name, time, entity) / control.at(name, time, entity) - 1)


def mean_change(dosed, control, name, from_s, to_s, entity=CELLS):
    """Change of the mean between two times after the dose, in %."""
    start, end = dosed.dose_s + from_s, dosed.dose_s + to_s
    return 100 * (dosed.mean(name, start, end, entity) / control.mean(name, start, end, entity) - 1)


def course(dosed, control, name, to_s, entity=CELLS, window_s=10 * MINUTE):
    """(minutes after the dose, change in %), a running mean over the window, whose middle is the time."""
    raw = np.arange(-window_s / 2, to_s + window_s / 2 + 1, MINUTE)
    excess = change(dosed, control, name, raw, entity)
    excess[raw < 0] = 0  # before the dose both runs are the same
    width = int(window_s / MINUTE) + 1
    smooth = np.convolve(excess, np.ones(width) / width, "valid")
    return np.arange(len(smooth)), smooth


#: Least effects that a share may be taken of, in % (that of cytokines of their healthy level): under a third of what
#: the model shows where there is an effect; where there is none, two runs differ by chance by 0.3 % at most.
LEAST_SPINES, LEAST_AMPA, LEAST_GLUTAMATE, LEAST_RATE, LEAST_SCORE, LEAST_CYTOKINES = 2, 2, 5, 5, -5, 10


def share(part, whole, least):
    """`part` in % of `whole`; NaN unless that has the sign of `least` and its size or more: a share of an effect that
    is not there would be noise, and could pass."""
    return 100 * part / (whole if whole * np.sign(least) >= abs(least) else NAN)


def first_at(minutes, values, level):
    """First time at which a course has come from 0 to a level, of either sign; NaN if it never does."""
    reached = np.nonzero(values * np.sign(level) >= abs(level))[0]
    return float(minutes[reached[0]]) if level != 0 and len(reached) else NAN


# --------------------------------------------------------------------------------------------------------- single cells

POTENTIALS_mV = [-70, -65, -60, -40, -20, 0, 40]
UNBLOCKED = [0.0445, 0.0597, 0.0796, 0.230, 0.508, 0.781, 0.977]


def worst(deviations):
    """The one of greatest size, with its sign."""
    deviations = np.asarray(deviations, float)
    if not np.all(np.isfinite(deviations)):
        return NAN
    return float(deviations[np.argmax(np.abs(deviations))])


def magnesium_deviation(result):
    """B(V) out of the deflection of a clamped cell, against the table of Jahr & Stevens; the worst, in %."""
    deviations = []
    for leak_mV, b in zip(POTENTIALS_mV, UNBLOCKED):
        v_mV = result.trace(f"{'minus' if leak_mV < 0 else 'plus'}_{abs(leak_mV)}_membrane_potential")
        found = 10_000 * (v_mV - leak_mV) / (20 * (60 - v_mV))  # 10 uS of leak, 20 nS that reverse at 60 mV
        deviations.append(100 * (found / b - 1))
    return worst(deviations)


SUBUNITS = ["2a", "2b", "2c", "2d"]
#: IC50 in uM at -66 mV, Kotermanski & Johnson 2009.
IC50_uM = {0: [0.33, 0.31, 0.51, 0.83], 1: [5.35, 5.08, 1.18, 2.95]}


def block_before_washout(result, cell):
    return float(result.at("nmda_block_synaptic", 149, cell))


def block_deviation(magnesium_mM, *results):
    """Steady block of clamped cells at 0.3, 1 and 3 uM against the Hill curve of each subunit; the worst, in %."""
    deviations = []
    for result, concentration in zip(results, (0.3, 1, 3), strict=True):
        for subunit, ic50 in zip(SUBUNITS, IC50_uM[magnesium_mM]):
            found = block_before_washout(result, f"driven_{subunit}")
            deviations.append(100 * (found * (concentration + ic50) / concentration - 1))
    return worst(deviations)


def depolarised_ic50_uM(result):
    """IC50 of 2A at -40 mV in 1 mM Mg, from the block by 1 uM."""
    blocked = block_before_washout(result, "depolarised_2a")
    return (1 - blocked) / blocked


def recovery_s(result, cell, end_s=150):
    """Time from the end of the drug until the block is down to 1/e."""
    time, block = result.time_s(), result.series("nmda_block_synaptic", cell)
    below = np.nonzero((time > end_s) & (block < result.at("nmda_block_synaptic", end_s, cell) / np.e))[0]
    return float(time[below[0]] - end_s) if len(below) else NAN


def recovery_ratio(result):
    return recovery_s(result, "driven_2a") / recovery_s(result, "released_2a")


# ------------------------------------------------------------------------------------------------------------- the drug

OTTO_MINUTES, OTTO_NG_ML = np.array([5, 20, 40, 80, 110, 230]), np.array([30, 98, 158, 79, 60, 27])


def plasma_deviation(result):
    found = result.at("drug_plasma", result.dose_s + OTTO_MINUTES * MINUTE, "ketamine")
    return worst(100 * (found / OTTO_NG_ML - 1))


def norketamine_peak(result):
    return float(result.series("drug_plasma", "norketamine").max())


def norketamine_peak_minute(result):
    plasma = result.series("drug_plasma", "norketamine")
    return float((result.time_s()[np.argmax(plasma)] - result.dose_s) / MINUTE)


def plasma_at_end(result):
    return float(result.at("drug_plasma", result.dose_s + 40 * MINUTE, "ketamine"))


def occupancy(result):
    """Blocked synaptic NMDA receptors at the end of the infusion, mean over all neurons, in %."""
    end = result.dose_s + 40 * MINUTE
    blocked = sum(size * float(result.at("nmda_block_synaptic", end, name)) for name, size in result.sizes.items())
    return 100 * blocked / sum(result.sizes.values())


def selectivity(result):
    """Block of SST cells (2C/2D) over that of pyramidal cells at the end of the infusion."""
    end = result.dose_s + 40 * MINUTE
    return float(result.at("nmda_block_synaptic", end, "sst") / result.at("nmda_block_synaptic", end, CELLS))


# -------------------------------------------------------------------------------------------- glutamate and the circuit

def glutamate_course(dosed, control):
    return course(dosed, control, "glutamate_extracellular", 3 * HOUR, entity=None)


def glutamate_peak(dosed, control):
    return float(glutamate_course(dosed, control)[1][:121].max())


def glutamate_onset(dosed, control):
    """Minutes until a quarter of the peak."""
    minutes, excess = glutamate_course(dosed, control)
    return first_at(minutes, share(excess, excess[:121].max(), LEAST_GLUTAMATE), 25)


def glutamate_left(dosed, control):
    """Excess from 2.5 to 3 h after the start, in % of the peak."""
    left = mean_change(dosed, control, "glutamate_extracellular", 2.5 * HOUR, 3 * HOUR, None)
    return share(left, glutamate_peak(dosed, control), LEAST_GLUTAMATE)


def acute(dosed, control, entity):
    """Change of a rate from 20 to 60 min after the start of the infusion, about its end."""
    return mean_change(dosed, control, "mean_rate", 20 * MINUTE, 60 * MINUTE, entity)


def interneuron_change(dosed, control):
    """That of SST or of PV cells, whichever falls more."""
    return min(acute(dosed, control, "sst"), acute(dosed, control, "pv"))


def half_change_lead(dosed, control):
    """Minutes by which SST cells make half of their greatest fall before pyramidal cells make half of their greatest
    rise, within an hour."""
    minutes, sst = course(dosed, control, "mean_rate", HOUR, "sst")
    _, pyramidal = course(dosed, control, "mean_rate", HOUR, CELLS)
    return first_at(minutes, share(pyramidal, pyramidal.max(), LEAST_RATE), 50) - \
        first_at(minutes, share(sst, sst.min(), -LEAST_RATE), 50)


def gamma_power(result, from_s=520, to_s=580, low_Hz=30, high_Hz=80):
    """Power of the LFP proxy between two frequencies, per Hz: periodograms of 1 s with a Hann window, half overlapping
    (Welch 1967)."""
    time, lfp = result.time_s("fast"), result.series("lfp", clock="fast")
    step = float(np.median(np.diff(time)))
    lfp = lfp[(time > from_s) & (time <= to_s)]
    length = round(1 / step)
    window = np.hanning(length)
    frequency = np.fft.rfftfreq(length, step)
    among = (frequency >= low_Hz) & (frequency <= high_Hz)
    power = []
    for start in range(0, len(lfp) - length + 1, length // 2):
        piece = lfp[start:start + length]
        power.append(np.abs(np.fft.rfft((piece - piece.mean()) * window)[among])**2)
    return float(np.mean(power)) if power else NAN


def gamma_change(dosed, control):
    return 100 * (gamma_power(dosed) / gamma_power(control) - 1)


def volley_response(result, volleys_s=range(581, 640), window_s=0.05, before_s=0.2):
    """Spikes per pyramidal cell that a volley adds within 50 ms to the rate of the 200 ms before it."""
    time, rate = result.time_s("fast"), result.series("rate", CELLS, "fast")
    step = float(np.median(np.diff(time)))
    added = []
    for at in volleys_s:
        after = (time > at + step / 2) & (time < at + window_s + step / 2)
        before = (time > at - before_s + step / 2) & (time < at + step / 2)
        added.append(window_s * (rate[after].mean() - rate[before].mean()))
    return float(np.mean(added))


def response_change(dosed, control):
    return 100 * (volley_response(dosed) / volley_response(control) - 1)


# ------------------------------------------------------------------------------------------------ signalling and spines

def at_30_min(dosed, control, name):
    return float(change(dosed, control, name, 30 * MINUTE))


def late_deviation(dosed, control, name):
    """At 8 or 24 h, whichever is further from the control."""
    return worst(change(dosed, control, name, np.array([8, 24]) * HOUR))


def spine_gain(dosed, control, after_s=24 * HOUR):
    return float(change(dosed, control, "spine_density", after_s))


def lost_gain(dosed, control, dosed_under, control_under):
    """Share of the gain of spines at 24 h that an antagonist takes away, in %."""
    return 100 - share(spine_gain(dosed_under, control_under), spine_gain(dosed, control), LEAST_SPINES)


def share_of_gain(dosed, control, other):
    """What a run without the dose gains in spines over the control, of what the dose gains, in %; a day after it."""
    at_s = dosed.dose_s + DAY
    gain = 100 * float(other.at("spine_density", at_s, CELLS) / control.at("spine_density", at_s, CELLS) - 1)
    return share(gain, spine_gain(dosed, control), LEAST_SPINES)


def stress_loss(stressed, healthy, at_s=21 * DAY):
    return 100 * (float(stressed.at("spine_density", at_s, CELLS) / healthy.at("spine_density", at_s, CELLS)) - 1)


def restored(rescued, stressed, healthy):
    """Share of the spines that stress has cost when the dose is given which are back 24 h later, in %."""
    dose_s, day_after_s = rescued.dose_s, rescued.dose_s + DAY
    stood = float(healthy.at("spine_density", dose_s, CELLS))
    lost = stood - stressed.at("spine_density", dose_s, CELLS)
    back = rescued.at("spine_density", day_after_s, CELLS) - stressed.at("spine_density", day_after_s, CELLS)
    return float(share(back, lost, LEAST_SPINES / 100 * stood))


def recovered(result, healthy, end_s=21 * DAY, later_s=28 * DAY):
    """Share of the spines missing when stress ends that are back a week later, in %."""
    stood = float(healthy.at("spine_density", end_s, CELLS))
    missing = stood - result.at("spine_density", end_s, CELLS)
    back = result.at("spine_density", later_s, CELLS) - result.at("spine_density", end_s, CELLS)
    return float(share(back, missing, LEAST_SPINES / 100 * stood))


def recovery_lost(inflamed, stressed, healthy):
    """Recovery after stress with inflammation minus that after stress alone, in points of %."""
    return recovered(inflamed, healthy) - recovered(stressed, healthy)


def cytokine_excess(result, from_s, to_s):
    return sum(result.mean(f"cytokine_{name}", from_s, to_s) for name in ("tnf_a", "il_6", "il_1b")) / 3


def excess_cleared(dosed, control):
    """Share of the excess of cytokines that a dose has taken away 4 to 6 h later, in %."""
    start, end = dosed.dose_s + 4 * HOUR, dosed.dose_s + 6 * HOUR
    return 100 - share(cytokine_excess(dosed, start, end), cytokine_excess(control, start, end), LEAST_CYTOKINES / 100)


def early_share(dosed, control):
    """Gain of spines at 6 h in % of that at 24 h."""
    return share(spine_gain(dosed, control, 6 * HOUR), spine_gain(dosed, control), LEAST_SPINES)


def ampa_share(dosed, control):
    """AMPA gain at 3 h in % of its greatest within 24 h."""
    minutes, gain = course(dosed, control, "ampa_gain", 24 * HOUR - 5 * MINUTE)
    return float(share(gain[180], gain.max(), LEAST_AMPA))


def least_gain(dosed, control):
    """Gain of spines on day 1, 3 or 7, whichever is least."""
    return float(change(dosed, control, "spine_density", np.array([1, 3, 7]) * DAY).min())


def late_gain(dosed, control):
    """Gain of spines from day 21 to day 34, the furthest from the control."""
    return worst(change(dosed, control, "spine_density", np.arange(21, 34.01, 0.5) * DAY))


def standing_hazard(result, projection, from_s, to_s):
    """Hazard (1/d) of the synapses that stood at from_s: how many are left in the snapshot at to_s."""
    stood = float(result.at("synapses", from_s, projection))
    age_h = (to_s - from_s) / HOUR
    left = np.count_nonzero(result.ages_h(projection, to_s) >= age_h * (1 - 1e-6))
    return -np.log(left / stood) / ((to_s - from_s) / DAY)


def hazard_change(dosed, control, projection="pyramidal_pyramidal"):
    start, end = dosed.dose_s, dosed.dose_s + DAY
    return 100 * (standing_hazard(dosed, projection, start, end) / standing_hazard(control, projection, start, end) - 1)


# ---------------------------------------------------------------------------------------------------------- comparators

SCORE, EXPECTATION = "surrogate_symptom_score", "surrogate_expectation"


def drug_effect(dosed, control, after_s):
    """Effect of a treatment on the surrogate score at a time after its start, over the control, in % of the score
    before."""
    before = dosed.at(SCORE, dosed.dose_s)
    time = dosed.dose_s + np.asarray(after_s)
    return 100 * (dosed.at(SCORE, time) - control.at(SCORE, time)) / before


def arm_change(dosed, after_s):
    """Change of the surrogate score since before the treatment, expectation included, in %: an arm of a trial. No
    symptoms are the most that both together can bring about."""
    time = dosed.dose_s + np.asarray(after_s)
    of_drug = 100 * (dosed.at(SCORE, time) / dosed.at(SCORE, dosed.dose_s) - 1)
    return np.maximum(of_drug + dosed.at(EXPECTATION, time), -100)


def arm_change_at(dosed, after_s):
    return float(arm_change(dosed, after_s))


def share_of_day_1(dosed, control, after_s):
    """Effect on the surrogate score in % of that on day 1."""
    return float(share(drug_effect(dosed, control, after_s), drug_effect(dosed, control, DAY), LEAST_SCORE))


def early_score(dosed, control):
    """Effect on the surrogate score at 3 h in % of its greatest within 24 h."""
    effect = drug_effect(dosed, control, np.arange(0, 24.01, 0.25) * HOUR)
    return float(share(effect[12], effect.min(), LEAST_SCORE))


def relapse_days(dosed, last_dose_s):
    """Days from the last dose until the arm has lost response, half of the score, for a day; NaN if it does not respond
    24 h after that dose, or if response lasts to the end. The rule of clinic::relapses, on samples of 6 h."""
    end_s = dosed.time_s()[-1] - last_dose_s
    since_s = np.arange(DAY, end_s + 1, 6 * HOUR)
    if not len(since_s):
        return NAN
    responds = arm_change(dosed, last_dose_s - dosed.dose_s + since_s) <= -50
    if not responds[0]:
        return NAN
    for at_s in since_s[~responds]:
        if at_s + DAY <= end_s and not responds[(since_s > at_s) & (since_s <= at_s + DAY)].any():
            return float(at_s / DAY)
    return NAN


def relapse_after_six(dosed):
    return relapse_days(dosed, float(np.max(dosed.file.attrs["dose_start_s"])))


def ssri_spines(ssri, dosed, control):
    """Effect of the first day of an SSRI on spines over that of ketamine 24 h after the dose, in %."""
    return share(spine_gain(ssri, control), spine_gain(dosed, control), LEAST_SPINES)


def ssri_score(ssri, dosed, control):
    """The same of the surrogate score."""
    return float(share(drug_effect(ssri, control, DAY), drug_effect(dosed, control, DAY), LEAST_SCORE))


def bdnf_four_weeks(ssri, control):
    return float(change(ssri, control, "bdnf", 28 * DAY))


# --------------------------------------------------------------------------------------------------------- neurogenesis

GRANULE = "granule"


def proliferation_change(treated, control, from_d, to_d):
    """Change of the mean birth rate between two days, in %."""
    def births(result):
        return result.mean("birth_rate", from_d * DAY, to_d * DAY, GRANULE)
    return 100 * (births(treated) / births(control) - 1)


def latency_d(result):
    """Days until neurons born in the run fire; NaN if none does."""
    share = result.series("share_of_new_neurons", GRANULE)
    firing = np.nonzero(share > 0)[0]
    return float(result.time_s()[firing[0]] / DAY) if len(firing) else NAN


def share_of_last_day(result):
    """Share of the granule cells' spikes of the last 24 h that neurons born in the run fired, in %."""
    end = result.time_s()[-1]
    return 100 * float(result.mean("share_of_new_neurons", end - DAY, end, GRANULE))


# ----------------------------------------------------------------------------------------------------- numerical checks

def calcium_deviation(result, target=0.05, from_s=200, to_s=300):
    """Population calcium in the last 100 s: its 20-s mean furthest from the target, in %."""
    time, calcium = result.time_s(), result.series("calcium", "excitatory")
    edges = np.arange(from_s, to_s, 20)
    means = [calcium[(time > edge) & (time <= edge + 20)].mean() for edge in edges]
    return worst(100 * (np.array(means) / target - 1))


def rate_deviation(found):
    """Rates of the populations against those of the other simulator, the worst in %."""
    return worst([100 * (found["rates_Hz"][name] / rate - 1) for name, rate in found["peer_rates_Hz"].items()])


# --------------------------------------------------------------------------------------------------------------- cohort

def of_plan(result, measure, plan):
    """(estimate, low, high) of a measure of a cohort in one plan, with its 95 % bootstrap interval over patients: one
    for each day, or one."""
    summary = result.file["cohort/summary"]
    plans = [text.decode() for text in summary["plan"][()]]
    return summary[measure][plans.index(plan)]


def on_day(result, measure, plan, day):
    """The same on a day after the start of treatment."""
    days = result.file["cohort/summary/day"][()] / DAY
    return tuple(map(float, of_plan(result, measure, plan)[np.argmin(np.abs(days - day))]))


def cohort_relapse_days(result, plan):
    """The same of the median time to relapse in days; infinite if fewer than half relapse before the end."""
    return tuple(map(float, of_plan(result, "relapse", plan)))

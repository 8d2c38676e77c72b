"""rewire against Brian2: voltages of single neurons under a frozen input, a network spike for spike, and the
statistics of the Vogels-Abbott network on the same connectivity (S22)."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("brian2", reason="needs Brian2 (Debian: python3-brian)")
stats = pytest.importorskip("scipy.stats", reason="needs SciPy (Debian: python3-scipy)")

sys.path.insert(0, str(Path(__file__).parent))
import brian2_networks as networks  # noqa: E402

SEED = 5


def rms(x):
    return np.sqrt(np.mean(np.square(x)))


@pytest.fixture(scope="module")
def reference():
    """model -> what Brian2 makes of the frozen input."""
    done = {}

    def get(model):
        if model not in done:
            done[model] = networks.run_cells(model, networks.frozen_input(model, SEED))
        return done[model]

    return get


@pytest.fixture()
def cells(rewire, tmp_path):
    def run(model, dt_ms=networks.DT_MS):
        config = networks.write_cells(tmp_path, model, networks.frozen_input(model, SEED), dt_ms)
        return networks.read_cells(rewire(config))

    return run


# Exponential midpoint steps of 0.1 ms take an AMPA event of several mV that decays in 2 ms to be constant over a
# step: (0.1/2)^2/24 of it is 5e-4 mV, which is what is found; the bounds are four times that. The current model is
# integrated exactly: what is left is float32, half a unit in the last place of 65 mV (4e-6 mV) a step, of which the
# membrane forgets 1 % a step: 4e-4 mV if all were rounded the same way, 6e-5 are found. Brian2 looks at its threshold
# on the same grid, so spikes are no source of error.
@pytest.mark.parametrize("model, worst_mV, rms_mV", [("lif_conductance", 2e-3, 1e-3), ("lif_current", 2e-4, 1e-4)])
def test_lif_voltages_and_spikes_under_frozen_input(cells, reference, model, worst_mV, rms_mV):
    ours, theirs = cells(model), reference(model)
    assert [len(x) for x in theirs.spikes_ms[:4]] == [0, 0, 0, 0]  # below threshold without the current step
    assert min(len(x) for x in theirs.spikes_ms[4:]) >= 5
    for mine, other in zip(ours.spikes_ms, theirs.spikes_ms):
        np.testing.assert_allclose(mine, other, atol=1e-6)  # the very steps
    error_mV = ours.v_mV - theirs.v_mV
    assert np.ptp(theirs.v_mV[:4]) > 5  # the input moves the membrane
    assert np.abs(error_mV).max() < worst_mV
    assert rms(error_mV) < rms_mV


# Bounds as above; w follows a (V - EL) with a = 4 nS, so 5e-4 mV make 2e-3 pA.
def test_adex_voltage_and_adaptation_below_threshold(cells, reference):
    ours, theirs = cells("adex"), reference("adex")
    assert [len(x) for x in theirs.spikes_ms[:4]] == [0, 0, 0, 0]
    quiet = slice(0, 4)
    assert np.ptp(theirs.v_mV[quiet]) > 5
    error_mV, error_pA = ours.v_mV[quiet] - theirs.v_mV[quiet], ours.w_pA[quiet] - theirs.w_pA[quiet]
    assert np.abs(error_mV).max() < 2e-3
    assert rms(error_mV) < 1e-3
    assert np.abs(error_pA).max() < 8e-3


# Upstroke and reset end on the grid: a spike comes late by up to about a step and a half, and a neuron that fires
# steadily adds these up, until its input sets it right. So the test asks for the same spikes, at a quarter of the
# step within 0.3 ms (12 steps; 7 are found) over nine spikes, for an error that shrinks as the step does (first
# order, a quarter; below 0.4 of it), and for the same potential but for 2 ms before spikes and 4 ms after their
# beginning, where 0.1 ms late is several mV off.
def test_adex_spikes_converge_to_the_fine_reference(cells, reference):
    theirs = reference("adex")
    lateness_ms = {}
    for dt_ms in (0.1, 0.025):
        ours = cells("adex", dt_ms)
        assert [len(x) for x in ours.spikes_ms] == [len(x) for x in theirs.spikes_ms]
        lateness_ms[dt_ms] = np.concatenate(ours.spikes_ms) - np.concatenate(theirs.spikes_ms)
    assert len(lateness_ms[0.1]) > 25
    assert np.abs(lateness_ms[0.025]).max() < 0.3
    assert np.abs(lateness_ms[0.025]).mean() < 0.4 * np.abs(lateness_ms[0.1]).mean()
    time_ms = (np.arange(ours.v_mV.shape[1]) + 1) * networks.DT_MS
    for i in range(4, networks.CELLS):
        away = np.all([(time_ms < t - 2) | (time_ms > t + 4) for t in theirs.spikes_ms[i]], axis=0)
        assert away.sum() > 500
        assert rms((ours.v_mV - theirs.v_mV)[i, away]) < 0.3  # 0.1 is found
        assert rms((ours.w_pA - theirs.w_pA)[i, away]) < 0.5  # 0.14 is found


# Distributed weights and delays from the file, equal initial potentials, 4,000 neurons set apart by frozen events,
# both simulators on the same grid. They differ by 5e-4 mV of integration error, while a membrane that drifts to its
# threshold rises 0.05 mV a step: up to 1 % of the spikes fall one step away, and chaos spreads what follows from
# them. Of 2,000 spikes in the first 30 ms, 98.3 to 100 % are the same in six networks. With delays or a refractory
# period that are one step off (tried in Brian2), 14 and 82 % are.
def test_network_spike_for_spike(rewire, tmp_path):
    network = networks.heterogeneous_network(np.random.default_rng(SEED))
    ours = networks.read_network(rewire(networks.write_network(tmp_path, network, 30)))
    theirs = networks.run_network(network, 30)
    mine, others = (set(zip(*spikes)) for spikes in (ours, theirs))
    assert len(others) > 1500
    assert len(mine & others) >= 0.97 * len(mine | others)


# The same network with other initial potentials is another sample of the same chaotic dynamics. Eight seeds of
# rewire alone differ over 9.5 s with standard deviations of 0.7 % (rate) and 1.2 % (CV), so two runs with 1.0 and
# 1.7 %: three of these are allowed, less for a longer run. Their interval distributions lie up to 0.011 apart (KS;
# that many intervals would resolve 0.002), their rates by neuron correlate with 0.982 to 0.988; with connectivity
# drawn anew, with -0.02.
@pytest.mark.parametrize("delay_ms, duration_s", [(0.1, 10), pytest.param(1.5, 40, marks=pytest.mark.slow)])
def test_vogels_abbott_statistics(rewire, tmp_path, delay_ms, duration_s):
    network = networks.benchmark_network(np.random.default_rng(SEED), delay_ms)
    duration_ms, settled_ms = duration_s * 1000, 500
    config = networks.write_network(tmp_path, network, duration_ms)
    ours = networks.activity(networks.read_network(rewire(config)), settled_ms, duration_ms)
    spikes = networks.run_network(network, duration_ms, standalone=tmp_path / "brian2")
    theirs = networks.activity(spikes, settled_ms, duration_ms)
    scatter = np.sqrt(10 / duration_s)
    for name, rate_Hz in theirs.rates_Hz.items():
        assert rate_Hz > 5
        assert ours.rates_Hz[name] == pytest.approx(rate_Hz, rel=0.03 * scatter)
    assert ours.cv_isi == pytest.approx(theirs.cv_isi, rel=0.05 * scatter)
    assert stats.ks_2samp(ours.intervals_ms, theirs.intervals_ms).statistic < 0.02 * scatter
    assert np.corrcoef(ours.counts, theirs.counts)[0, 1] > 0.97

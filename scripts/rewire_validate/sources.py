"""Every run that a target, an arm or a figure is measured on, by name. Targets share them."""

import json
import subprocess

from .runs import BUILD, CONFIGS, Helper, RunError, Simulation

#: Nothing of these is measured in the runs of the circuit.
LEAN = {"record.spikes": "false", "record.fast_every": "0 ms"}
NO_DOSE = {"dose": "[]"}
NO_INTERVENTION = {"intervention": "[]"}
#: Autry 2011 and Gideons 2014 gave 3 to 5 mg/kg.
MOUSE_DOSE = {"dose.0.amount": "4 mg/kg"}
LINEAR = {f"projection.recurrent.structural.{side}": '{ rule = "linear", growth_rate = "0.4 /s", target = 0.05 }'
          for side in ("axonal", "dendritic")}

#: Weeks of slow change, in longer leaps than the default: after three weeks of stress the density differed from that of
#: leaps of an hour at tolerance 0.03 by 0.0014, in a quarter of the time.
WEEKS = {"multirate.tolerance": "0.05", "multirate.synapse_change": "0.1", "multirate.longest_leap": "8 h"}

#: Stress ends after three weeks, and a week without a drug follows.
STRESS_ENDS = {"experiment.duration": "28 d", "intervention.0.to": "21 d"}

#: Stress until cytokines are steady, then the dose of Wang 2015, with ketamine's clearance of cytokines switched on.
INFLAMED_RAT = {"experiment.duration": "5 d", "dose.0.at": "4 d", "intervention": '[{ what = "stress" }]',
                "inflammation": "{}", "drug.ketamine.species.ketamine.target.cytokines.efficacy": "10"}

#: Treatment begins on day 21: finer samples then.
AFTER_WEEKS = {"record.windows": '[{ from = "504 h", to = "530 h", every = "10 min" }]'}
#: Four weeks beyond the last of six infusions.
FOLLOWED = {"experiment.duration": "61 d"}

ANTAGONISTS = {"nbqx": "AMPA receptors", "nifedipine": "L-type channels", "anti_bdnf": "released BDNF",
               "trkb_block": "TrkB", "rapamycin": "mTORC1"}
#: Antagonists that are gone long before spines are counted: four hours from half an hour before the dose.
PULSES = {"anti_bdnf": {}, "anisomycin": {"intervention.0.what": '"anisomycin"'}}
#: mg/kg; 0.5 is the run `ketamine`.
OTHER_DOSES = ["0.1", "0.25", "1.0", "2.0"]


def bath_amount(concentration_uM):
    """Dose that holds a concentration in the bath of configs/nmda_block.toml for 120 s: 1 L, exchanged in 1 s."""
    return f"{concentration_uM * 0.23773 * 120:.4f} mg"


def poisson_network(session, seed, _):
    done = subprocess.run([str(BUILD / "validate_poisson_network"), str(seed)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RunError(done.stderr.strip() or f"status {done.returncode}")
    return json.loads(done.stdout)


def vogels_abbott(session, seed, folder):
    """Statistics of the Vogels-Abbott network in rewire and in Brian2 (double precision, RK4), on the same synapses."""
    try:
        from rewire_benchmark import accuracy, machine, peer, simulate
        from rewire_benchmark.measure import BenchmarkError
    except ImportError as error:
        raise RunError(str(error)) from None
    if machine.brian2_version() is None:
        raise RunError("Brian2 is not installed (Debian: python3-brian)")
    duration_s, settled_ms = 10, 500
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"experiment.duration": f"{duration_s} s", "experiment.seed": seed}
    config = CONFIGS / "vogels_abbott.toml"
    try:
        simulate.write_connectivity(config, folder / "synapses.h5", settings)
        program = peer.Program(folder / "brian2", folder / "synapses.h5", peer.Setting("double", "shared", 1, "rk4"),
                               duration_s, record=True, seed=seed)
        program.run()
        run = simulate.simulate(config, folder / "run.h5", 1, settings | {"record.spikes": "true"})
    except BenchmarkError as error:
        raise RunError(str(error)) from None
    ours, theirs = (accuracy.statistics(trains, run.sizes, settled_ms, 1e3 * duration_s)
                    for trains in (simulate.read_spikes(folder / "run.h5"), program.read_spikes(accuracy.DT_MS)))
    program.remove()
    return {"rates_Hz": ours.rates_Hz, "peer_rates_Hz": theirs.rates_Hz, "cv_isi": ours.cv_isi,
            "peer_cv_isi": theirs.cv_isi, "distance": accuracy.distance(ours.intervals_ms, theirs.intervals_ms)}


def infusion(name, config="ketamine_infusion.toml", **settings):
    return Simulation(name, config, LEAN | settings)


def block_runs():
    for magnesium in (0, 1):
        for concentration in (0.3, 1, 3):
            yield Simulation(f"block_{magnesium}mM_{concentration}uM", "nmda_block.toml",
                             {"experiment.magnesium": f"{magnesium} mM", "dose.0.amount": bath_amount(concentration),
                              "experiment.duration": "155 s", "record.spikes": "false"},
                             circuit=False, every_seed=False)


def antagonist_runs():
    for name in ANTAGONISTS:
        yield infusion(f"ketamine_{name}", f"ketamine_{name}.toml")
        yield infusion(f"control_{name}", f"ketamine_{name}.toml", **NO_DOSE)


def pulse_runs():
    for name, settings in PULSES.items():
        yield Simulation(f"mouse_{name}", "mouse_anti_bdnf.toml", settings)
        yield Simulation(f"mouse_{name}_alone", "mouse_anti_bdnf.toml", settings | NO_DOSE)


ALL = [
    Simulation("magnesium", "magnesium_block.toml", circuit=False, every_seed=False),
    *block_runs(),
    Simulation("recovery", "nmda_block.toml", {"experiment.duration": "900 s"}, circuit=False, every_seed=False),
    infusion("ketamine"),
    infusion("control", **NO_DOSE),
    *antagonist_runs(),
    Simulation("held", "held_ketamine.toml"),
    Simulation("held_control", "held_ketamine.toml", NO_DOSE),
    Simulation("mouse_low", "mouse.toml", MOUSE_DOSE),
    Simulation("mouse", "mouse.toml"),
    Simulation("rat", "rat.toml"),
    Simulation("rodent_control", "mouse.toml", NO_DOSE),
    *pulse_runs(),
    Simulation("stress", "stress.toml", WEEKS),
    Simulation("stress_rescue", "stress_rescue.toml", WEEKS),
    Simulation("healthy", "stress.toml", WEEKS | NO_INTERVENTION),
    Simulation("stress_over", "stress.toml", WEEKS | STRESS_ENDS),
    Simulation("inflammation", "inflammation.toml", WEEKS | NO_DOSE),
    Simulation("inflammation_dosed", "inflammation.toml", WEEKS),
    Simulation("inflammation_over", "inflammation.toml", WEEKS | NO_DOSE | STRESS_ENDS),
    Simulation("inflamed_rat", "rat.toml", INFLAMED_RAT),
    Simulation("inflamed_rat_control", "rat.toml", INFLAMED_RAT | NO_DOSE),
    Simulation("month", "ketamine_month.toml", WEEKS),
    Simulation("month_control", "ketamine_month.toml", WEEKS | NO_DOSE),
    Simulation("untreated", "no_treatment.toml", AFTER_WEEKS | FOLLOWED),
    Simulation("ssri", "ssri.toml", AFTER_WEEKS),
    Simulation("one_infusion", "six_infusions.toml", AFTER_WEEKS | {"dose.0.repeat.times": "1"}),
    Simulation("six_infusions", "six_infusions.toml", AFTER_WEEKS | FOLLOWED),
    Simulation("neurogenesis", "neurogenesis.toml", circuit=False),
    Simulation("neurogenesis_ssri", "neurogenesis_ssri.toml", {"experiment.duration": "28 d"}, circuit=False),
    Simulation("elements_gaussian", "structural_plasticity.toml", {"record.spikes": "false"}, circuit=False),
    Simulation("elements_linear", "structural_plasticity.toml", LINEAR | {"record.spikes": "false"}, circuit=False),
    # Its patients are its spread.
    Simulation("cohort", "cohort.toml", circuit=False, every_seed=False),
    Helper("poisson_network", poisson_network),
    Helper("vogels_abbott", vogels_abbott),
    infusion("no_preference", "subunit_selectivity.toml"),
    infusion("disinhibition_alone", "disinhibition_only.toml"),
    infusion("direct_alone", "direct_only.toml"),
    *(infusion(f"dose_{amount}", "dose_response.toml", **{"dose.0.amount": f"{amount} mg/kg"})
      for amount in OTHER_DOSES),
]
BY_NAME = {source.name: source for source in ALL}
assert len(BY_NAME) == len(ALL)

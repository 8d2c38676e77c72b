"""What scripts/benchmark can run, by name."""

from dataclasses import dataclass, field

from .simulate import CHECKOUT, CONFIGS

DELAYED = {f"projection.{name}.delay": "1.5 ms" for name in ("e_to_e", "e_to_i", "i_to_e", "i_to_i")}


@dataclass(frozen=True)
class Network:
    """A network that rewire and Brian2 run in turns."""

    name: str
    title: str
    config: str                # in configs/benchmark
    duration_s: float
    quick_s: float             # duration with --quick
    model: str = "lif_conductance"
    overrides: dict = field(default_factory=dict)
    settings_of: str = ""      # Brian2 takes the setting found for this network, which is like it but smaller
    default: bool = True       # runs when nothing is named

    @property
    def path(self):
        return CONFIGS / f"{self.config}.toml"


NETWORKS = [
    Network("coba_4000", "COBA 4,000 x 80", "coba_4000", 10, 5),
    Network("coba_4000_delayed", "COBA 4,000 x 80, 1.5 ms", "coba_4000", 10, 5, overrides=DELAYED,
            settings_of="coba_4000"),
    Network("coba_20000", "COBA 20,000 x 1,000", "coba_20000", 2, 1),
    Network("coba_20000_delayed", "COBA 20,000 x 1,000, 1.5 ms", "coba_20000", 2, 1, overrides=DELAYED,
            settings_of="coba_20000"),
    Network("coba_100000", "COBA 100,000 x 1,000", "coba_100000", 1, 0.3, settings_of="coba_20000"),
    Network("coba_100000_delayed", "COBA 100,000 x 1,000, 1.5 ms", "coba_100000", 1, 0.3, overrides=DELAYED,
            settings_of="coba_20000", default=False),
    Network("brunel", "Brunel 12,500 x 1,250, 1.5 ms", "brunel", 1, 0.5, model="lif_current"),
    Network("istdp", "COBA 10,000 x 200, inhibitory STDP", "istdp", 10, 2),
    Network("stdp", "COBA 20,000 x 1,000, pair STDP on E->E", "stdp", 1, 0.5),
]

#: The microcircuit of Potjans & Diesmann (2014) in its two variants.
MICROCIRCUITS = {
    "pd14": ("PD14, constant drive", CHECKOUT / "configs" / "microcircuit.toml"),
    "pd14_poisson": ("PD14, Poisson drive", CHECKOUT / "configs" / "microcircuit_poisson.toml"),
}
#: Mean rates (spikes/s) of the reference, by layer: 2/3E 2/3I 4E 4I 5E 5I 6E 6I.
MICROCIRCUIT_RATES_HZ = [0.90, 2.97, 4.41, 5.88, 7.57, 8.63, 1.11, 7.83]

#: RELeARN 1.1, Barnes-Hut, one thread, CPU time (ms) by neurons: measured once on a two-core AMD EPYC with AVX-512.
RELEARN_MS = {1000: 20, 2000: 54, 5000: 213, 10000: 680, 20000: 2137, 50000: 6203}

OTHERS = {
    "limit": "streaming limit of this machine: reading, and a plain delivery loop",
    "delivery": "the engine's spike delivery alone beside that limit",
    "main": "main experiment, every spike, beside its network with plain COBA synapses",
    "synaptogenesis": "one connectivity update with every neuron vacant, beside RELeARN's published figures",
    "pd14": "microcircuit of Potjans & Diesmann at full scale, constant drive",
    "pd14_poisson": "the same with Poisson drive",
    "scaling": "strong (COBA 100,000 x 1,000) and weak (COBA 10,000 x 1,000 a thread) scaling",
    "accuracy": "integration error: single cells against a fine reference, network statistics against Brian2 in double",
}


def network(name):
    return next(x for x in NETWORKS if x.name == name)


def all_names():
    return [x.name for x in NETWORKS] + list(OTHERS)


def default_names():
    return [x.name for x in NETWORKS if x.default] + list(OTHERS)

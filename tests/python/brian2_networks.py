"""The same neurons and networks for two simulators: configs for rewire, and Brian2 (Stimberg, Brette & Goodman
2019, eLife 8:e47314) as the other opinion.

Brian2 integrates with fourth-order Runge-Kutta in double precision, so its own error is far below the differences
that the tests look for. Two of its conventions differ from rewire's and are evened out here:
- a presynaptic event acts after the state update of its step, one step later than a stimulus of rewire: input
  times are moved one step ahead;
- `refractory` counts from the beginning of the step at whose end the spike was found, so that the membrane is held
  one step less than that: one step is added.
"""

import brian2 as b2
import h5py
import numpy as np
from brian2 import Hz, Mohm, amp, metre, ms, mV, nS, pA, pF, second  # noqa: F401  (units of the equations)

b2.prefs.codegen.target = "numpy"  # no compiler; standalone runs choose it themselves
b2.BrianLogger.suppress_hierarchy("brian2")

# ---------------------------------------------------------------------------------------------- single neurons

NEURONS = 8

#: Jahr & Stevens 1990: 1 mM Mg; GluN2C/2D five times less sensitive, as in rewire's synapse/magnesium.hpp.
NMDA_CURRENT = """
    i_nmda = g_nmda * (share_ab / (1 + mg / 3.57 * exp(-0.062 * v/mV)) +
                       share_cd / (1 + mg / 17.85 * exp(-0.062 * v/mV))) * (0*mV - v) : amp
    g_nmda = nmda_scale * (nmda_decay - nmda_rise) : siemens
    dnmda_decay/dt = -nmda_decay / (80*ms) : siemens
    dnmda_rise/dt = -nmda_rise / (3*ms) : siemens
"""
CONDUCTANCES = """
    i_syn = g_ampa * (0*mV - v) + g_gaba * (-75*mV - v) + i_nmda : amp
    dg_ampa/dt = -g_ampa / (2*ms) : siemens
    dg_gaba/dt = -g_gaba / (6*ms) : siemens
""" + NMDA_CURRENT

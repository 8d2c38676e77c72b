#pragma once
// Multirate mode: how far to leap and how long to measure.
//
// A burst of full spiking measures the slow inputs u; a leap then advances the slow states y without spikes,
// dy/dt = f(y, u(t)) (the heterogeneous multiscale method, E & Engquist 2003, Commun Math Sci 1:87). A leap of length H
// is a pair of schemes of order 1 and 2:
//
//     predict    y*(t+H) with u held as the burst before the leap measured it
//     measure    u at t+H, in a burst that starts from y*
//     correct    y(t+H) with u linear between the two bursts, in half as long steps
//
// Their difference estimates the error of the prediction, e = |y - y*| / (absolute + relative tolerance x |y|), of
// which the corrected solution, which goes on, is better by an order (measured: its error falls with H^1.5, in
// proportion to the tolerance or somewhat slower, until the noise of the bursts is left;
// tests/physics/test_multirate.cpp). e above 1, inputs that change by more than `input_change`, or more than
// `synapse_change` of the synapses formed or lost: the leap is taken back and tried again with a shorter H. As e grows
// with H^2, the next leap is H x 0.8 / sqrt(e).
//
// Sampling: the standard errors of u (input_estimate.hpp) move y(t+H) by n, in the same units as e. A burst goes on
// until n is below 1 or it has lasted longest_burst.

#include <string>
#include <vector>

#include "quantity/parameter.hpp"

namespace rewire::engine {

/// Settings of multirate mode; see the table below.
struct Multirate {
    double tolerance = 0.01;
    double absolute_tolerance = 0.002;
    double input_change = 0.1;
    double synapse_change = 0.02;
    double settle_s = 1;
    double shortest_burst_s = 3;
    double longest_burst_s = 20;
    double shortest_leap_s = 10;
    double longest_leap_s = 3600;
    bool hold_weights = false;
};

/// A burst or a leap of the log.
struct LogEntry {
    double start_s = 0;
    double length_s = 0;
    bool leap = false;
    bool rejected = false;     ///< a leap that was taken back
    double error = 0;          ///< of a leap, in units of the tolerance; the greatest of its three measures
    double sampling_error = 0; ///< of a burst, in units of the tolerance over the leap that follows
    std::size_t bursts = 0;    ///< of a burst: bursts that the estimate is the mean of
};

/// Length of the leap to try after one of `length_s` that had `error` (0 or more), within the settings' bounds.
double next_leap_s(const Multirate& settings, double length_s, double error);

/// Ticks that are worth measuring further so that an error that falls with the root of the measured time comes down
/// from `error` to 1: the total in seconds, of which `measured_s` are done.
double seconds_to_measure(double error, double measured_s);

} // namespace rewire::engine

namespace rewire {

template <>
struct Described<engine::Multirate> {
    using S = engine::Multirate;
    static constexpr std::string_view name = "multirate";
    static constexpr std::string_view meaning =
        "bursts of full spiking, each followed by a leap of the slow part alone";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"tolerance",
         "1",
         &S::tolerance,
         {0, 1, true},
         "error of the slow states that a leap may make, relative to their value",
         "measured: at most 1.1 % from every spike over a day with a dose (scripts/equivalence)"},
        {"absolute_tolerance",
         "1",
         &S::absolute_tolerance,
         {0, 1, true},
         "the same, absolute: for states near 0, such as the share of blocked channels",
         ""},
        {"input_change",
         "1",
         &S::input_change,
         {0, 10, true},
         "relative change of a measured input that a leap may bring, beyond its sampling error",
         ""},
        {"synapse_change",
         "1",
         &S::synapse_change,
         {0, 1, true},
         "share of the structural synapses that may form or go in a leap",
         ""},
        {"settle", "s", &S::settle_s, time_from_0,
         "start of a burst that is not measured, below shortest_burst: fast states adapt to what the leap has changed",
         "some time constants of adaptation, short-term plasticity and NMDA receptors"},
        {"shortest_burst", "s", &S::shortest_burst_s, time_span, "shortest burst, settle included", ""},
        {"longest_burst", "s", &S::longest_burst_s, time_span, "longest burst, however noisy the inputs are", ""},
        {"shortest_leap", "s", &S::shortest_leap_s, time_from_0, "shortest leap, and the first after an event", ""},
        {"longest_leap", "s", &S::longest_leap_s, time_from_0, "longest leap; 0: no leaps, every spike is simulated",
         ""},
        {"hold_weights", "1", &S::hold_weights, any_value,
         "long_term weights stand still in leaps and in the bursts that measure them; they change beside events, where "
         "every spike is simulated. Right where they do not drift at rest; without it such weights need longest_leap = "
         "0",
         ""},
    });
};

} // namespace rewire

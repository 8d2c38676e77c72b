#pragma once
// Partner therapies beside drugs: exercise, psychotherapy, sleep. ASSUMPTIONS, all of them: three effects while a
// session lasts, whose sizes nobody has measured in these units. What follows from them is up to the mechanisms:
// current moves rates, which move calcium, BDNF release, mTORC1 and spines; what a session does after a dose differs
// from what it does before because the circuit differs, not by a rule.
//
//     I_ext + current          to the populations named             (a stimulus)
//     k_syn (1 + b)            synthesis of BDNF                    (intervention bdnf_synthesis)
//     stress (1 - r)           whatever stress acts on              (intervention stress_relief)

#include <array>
#include <string>
#include <string_view>

#include "quantity/parameter.hpp"

namespace rewire::clinic {

/// What a therapy does while a session lasts.
struct TherapyEffects {
    double current_pA = 0;
    double bdnf_synthesis = 0; ///< b, -1 or more
    double stress_relief = 0;  ///< r, 0 to 1
};

/// A kind of therapy: its effects where a config gives no others.
struct TherapyKind {
    std::string_view name;
    TherapyEffects effects;
    std::string_view meaning;
    std::string_view source;
};

inline constexpr auto therapy_kinds = std::to_array<TherapyKind>({
    {"exercise",
     {.bdnf_synthesis = 0.2, .stress_relief = 0.2},
     "exercise, or an enriched environment: more BDNF, less stress",
     "ASSUMED; running raises BDNF in rodents (Neeper 1995 [M]), sizes low confidence"},
    {"psychotherapy",
     {.current_pA = 20},
     "sessions that drive prefrontal cells and do nothing else; what comes of it is the circuit's",
     "ASSUMED; low confidence"},
    {"sleep",
     {.current_pA = -20, .stress_relief = 0.5},
     "quiet periods: less drive, less stress",
     "ASSUMED; cortex is less active in sleep (Vyazovskiy 2009 [M]), sizes low confidence"},
});

/// One session.
struct Therapy {
    std::string kind;
    TherapyEffects effects;
    double start_s = 0;
    double duration_s = 0;
};

} // namespace rewire::clinic

namespace rewire {
template <>
struct Described<clinic::Therapy> {
    using S = clinic::Therapy;
    static constexpr std::string_view name = "therapy";
    static constexpr std::string_view meaning = "a partner therapy; its effects are ASSUMPTIONS";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"at", "s", &S::start_s, time_from_0, "start of the first session", ""},
        {"over", "s", &S::duration_s, time_span, "length of a session", "", {}, true},
    });
    static constexpr auto keys = std::to_array<Key>({
        {.name = "kind",
         .fallback = "",
         .meaning = "what the other defaults are those of",
         .choices = "exercise|psychotherapy|sleep"},
        {"repeat", "a table", "(one session)", "more sessions"},
        {"populations", "a list of names", "(those of [molecular])", "which the current reaches"},
        {.name = "current", .fallback = "(of the kind)", .meaning = "current into each neuron", .unit = "pA"},
        {.name = "bdnf_synthesis",
         .fallback = "(of the kind)",
         .meaning = "relative gain of BDNF synthesis",
         .range = {-1}},
        {.name = "stress_relief",
         .fallback = "(of the kind)",
         .meaning = "share of stress that is kept away",
         .range = fraction},
    });
};
} // namespace rewire

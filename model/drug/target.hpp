#pragma once
// What a drug does besides blocking open channels: effects on named targets, from its unbound concentration C in the
// brain.
//
//     e = E C^n / (C^n + EC50^n)          Hill 1910, J Physiol 40:iv; with efficacy, Holford & Sheiner 1981,
//                                         Clin Pharmacokinet 6:429
//
// What e means is the target's: the share of something that is lost, a relative gain, or an amount that is added (see
// `targets`). A negative efficacy turns it round: an AMPA potentiator, a negative modulator of GABA_A receptors, an
// antagonist of mGluR2/3.
//
// A drug and its metabolites share the site and compete for it (Gaddum 1937, J Physiol 89:7P), x = (C/EC50)^n,
//
//     e = sum of E x / (1 + sum of x).
//
// Effects of several drugs and interventions on one target are independent (Bliss 1939, Ann Appl Biol 26:585): what is
// left of something is the product of what each leaves.
//
// The five NMDA targets are antagonists at the receptor, whatever its channel does: competitive (nmda), or of single
// GluN2 subunits. Nothing of them depends on voltage or use. They stand beside open-channel block (channel_block.hpp):
// a receptor passes current if no antagonist is on it and no blocker in it. Both bind independently.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "quantity/parameter.hpp"

namespace rewire::drug {

/// What a drug may act on; the table below says how.
enum class Target : std::size_t {
    ampa,
    nmda,
    nmda_2a,
    nmda_2b,
    nmda_2c,
    nmda_2d,
    gaba_a,
    l_type,
    mglur23,
    uptake,
    bdnf,
    trkb,
    trkb_modulation,
    mtorc1,
    protein_synthesis,
    ampa_gain,
    cytokines,
};

/// How an effect counts, and so how several add up.
enum class Effect {
    loss, ///< share lost, at most 1; negative: a gain. Together 1 - (1-e)(1-e')
    gain, ///< relative gain, -1 or more. Together (1+e)(1+e') - 1
    sum,  ///< an amount. Together e + e'
};

/// What a target is called, and what acts on it.
struct TargetInWords {
    Target target;
    std::string_view name;         ///< of a target of a drug
    std::string_view intervention; ///< the same as an intervention
    Effect effect;
    std::string_view needs; ///< table of the config without which it is nothing; empty: none
    std::string_view meaning;
};

/// All targets, in the order of the enumeration.
inline constexpr auto targets = std::to_array<TargetInWords>({
    {Target::ampa, "ampa", "nbqx", Effect::loss, "", "AMPA receptors blocked"},
    {Target::nmda, "nmda", "nmda_antagonist", Effect::loss, "",
     "NMDA receptors blocked, whatever their state (competitive antagonist)"},
    {Target::nmda_2a, "nmda_2a", "nmda_2a", Effect::loss, "",
     "NMDA receptors with GluN2A blocked, whatever their state"},
    {Target::nmda_2b, "nmda_2b", "nmda_2b", Effect::loss, "",
     "NMDA receptors with GluN2B blocked, whatever their state"},
    {Target::nmda_2c, "nmda_2c", "nmda_2c", Effect::loss, "",
     "NMDA receptors with GluN2C blocked, whatever their state"},
    {Target::nmda_2d, "nmda_2d", "nmda_2d", Effect::loss, "",
     "NMDA receptors with GluN2D blocked, whatever their state"},
    {Target::gaba_a, "gaba_a", "gaba_a", Effect::gain, "", "GABA_A conductances raised by a modulator: relative gain"},
    {Target::l_type, "l_type", "nifedipine", Effect::loss, "molecular", "L-type calcium channels blocked"},
    {Target::mglur23, "mglur23", "mglur23", Effect::loss, "glutamate",
     "presynaptic mGluR2/3 activated beyond what glutamate does; 1: all of them"},
    {Target::uptake, "uptake", "uptake_block", Effect::loss, "glutamate", "glutamate uptake by EAAT2 blocked"},
    {Target::bdnf, "bdnf", "anti_bdnf", Effect::loss, "molecular", "released BDNF scavenged"},
    {Target::trkb, "trkb", "trkb_block", Effect::loss, "molecular", "TrkB activation blocked"},
    {Target::trkb_modulation, "trkb_modulation", "trkb_modulation", Effect::gain, "molecular",
     "TrkB activation raised by a positive modulator: relative gain"},
    {Target::mtorc1, "mtorc1", "rapamycin", Effect::loss, "molecular", "mTORC1 activation blocked"},
    {Target::protein_synthesis, "protein_synthesis", "anisomycin", Effect::loss, "molecular",
     "protein synthesis blocked"},
    {Target::ampa_gain, "ampa_gain", "ampa_gain", Effect::sum, "molecular",
     "added to the gain that AMPA receptors of the chain relax to"},
    {Target::cytokines, "cytokines", "anti_inflammatory", Effect::sum, "inflammation",
     "added to the clearance of cytokines and microglial activation, per hour"},
});

static_assert([] {
    for (std::size_t t = 0; t < targets.size(); ++t)
        if (static_cast<std::size_t>(targets[t].target) != t) return false;
    return true;
}());

/// The target of a name, or nothing.
constexpr std::optional<Target> target_of(std::string_view name) {
    for (const TargetInWords& t : targets)
        if (t.name == name) return t.target;
    return std::nullopt;
}

/// An effect of a drug on one target.
struct TargetEffect {
    Target target = Target::ampa;
    double ec50_uM = 1;
    double exponent = 1;
    double efficacy = 1;
};

/// The site of one drug on a target, which its species share.
class Site {
public:
    /// \param concentration_uM  unbound in the brain; below 0, where rounding may leave it, counts as 0
    void add(const TargetEffect& t, double concentration_uM) {
        if (!(concentration_uM > 0)) return;
        constexpr double saturating = 1e18; // 1 + x is x from here on; more would overflow
        const double x = std::min(saturating, std::pow(concentration_uM / t.ec50_uM, t.exponent));
        bound_ += x;
        effect_ += t.efficacy * x;
    }
    /// e of the equations above.
    double effect() const { return effect_ / (1 + bound_); }

private:
    double bound_ = 0;  ///< sum of x
    double effect_ = 0; ///< sum of E x
};

/// The effect of one species alone.
inline double effect(const TargetEffect& t, double concentration_uM) {
    Site site;
    site.add(t, concentration_uM);
    return site.effect();
}

/// Two independent effects on one target together.
constexpr double together(Effect kind, double a, double b) {
    switch (kind) {
    case Effect::loss: return a + b - a * b;
    case Effect::gain: return a + b + a * b;
    case Effect::sum: break;
    }
    return a + b;
}

/// The effect on every target; without drugs all are 0.
struct Effects {
    std::array<double, targets.size()> of{};

    double operator[](Target target) const { return of[static_cast<std::size_t>(target)]; }
    /// Adds an effect, independent of those that are there.
    void add(Target target, double e) {
        const auto t = static_cast<std::size_t>(target);
        of[t] = together(targets[t].effect, of[t], e);
    }
};

} // namespace rewire::drug

namespace rewire {
template <>
struct Described<drug::TargetEffect> {
    using S = drug::TargetEffect;
    static constexpr std::string_view name = "target";
    static constexpr std::string_view meaning =
        "an effect of a drug on a named target, efficacy C^n / (C^n + EC50^n) of the unbound concentration C";
    static constexpr auto parameters = std::to_array<Parameter<S>>({
        {"exponent", "1", &S::exponent, {0, 20, true}, "n: Hill exponent", "one site"},
        {"efficacy",
         "1",
         &S::efficacy,
         {-10, 10},
         "effect at full occupancy, at most 1 of what is lost; negative: the other way",
         "a full antagonist"},
    });
    static constexpr auto keys = std::to_array<Key>({
        {.name = "ec50",
         .fallback = "",
         .meaning = "EC50, IC50 or Ki: unbound concentration of half the effect",
         .unit = "uM",
         .range = positive},
    });
};
} // namespace rewire

// rewire describe
#include <algorithm>
#include <functional>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "drug/nmda_scheme.hpp"
#include "drug/shipped.hpp"
#include "engine/model.hpp"
#include "experiment/description.hpp"
#include "experiment/diagnostics.hpp"

namespace rewire::cli {
namespace {

struct Topic {
    std::string name, where, meaning;
    std::function<void()> print;
};

void print_keys(std::vector<experiment::KeyInWords> keys) {
    using Words = experiment::KeyInWords;
    keys.insert(keys.begin(), {"key", "default", "unit", "allowed", "meaning [source]"});
    const auto width = [&](std::string Words::*column) {
        std::size_t longest = 0;
        for (const Words& key : keys) longest = std::max(longest, (key.*column).size());
        return longest;
    };
    for (const Words& k : keys)
        std::cout << fmt::format("  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", k.name, width(&Words::name), k.fallback,
                                 width(&Words::fallback), k.unit, width(&Words::unit), k.allowed,
                                 width(&Words::allowed), k.meaning);
}

/// What a species does, as a config would say it.
void print_action(const std::string& species) {
    const drug::Action action = drug::shipped_action(species);
    std::cout << fmt::format("  {} acts: {}\n", species, action.source.empty() ? "on nothing" : action.source);
    for (const drug::TargetEffect& e : action.targets)
        std::cout << fmt::format("    target.{} = {{ ec50 = \"{:.6g} uM\", exponent = {:.6g}, efficacy = {:.6g} }}\n",
                                 drug::targets[static_cast<std::size_t>(e.target)].name, e.ec50_uM, e.exponent,
                                 e.efficacy);
    if (!action.block) return;
    std::vector<experiment::KeyInWords> keys = experiment::in_words(*action.block);
    // Scaled IC50 are not those of the paper that the parameters of a blocker are described with.
    for (std::size_t k = 0; k < Described<drug::Blocker>::parameters.size() && !action.potency.empty(); ++k)
        if (const auto& p = Described<drug::Blocker>::parameters[k]; p.name.starts_with("ic50_"))
            keys[k].meaning = fmt::format("{} [{}]", p.meaning, action.potency);
    print_keys(keys);
}

void print_drug(const drug::PkModel& m) {
    std::cout << fmt::format("  body: {}\n  source: {}\n  for a body of {} kg\n", m.meaning, m.source,
                             m.reference_weight_kg);
    for (const drug::Compartment& c : m.compartments)
        std::cout << (c.volume_L > 0 ? fmt::format("  compartment {:<22} {} L\n", c.name, c.volume_L)
                                     : fmt::format("  compartment {}\n", c.name));
    for (const drug::Flow& f : m.flows)
        std::cout << fmt::format("  flow {} -> {}: {}{}\n", f.from, f.to.empty() ? "eliminated" : f.to,
                                 f.clearance_L_per_h > 0 ? fmt::format("{:.6g} L/h", f.clearance_L_per_h)
                                                         : fmt::format("{:.6g} 1/h", f.rate_per_h),
                                 f.fraction < 1 ? fmt::format(", fraction {:.6g}", f.fraction) : "");
    for (const drug::Species& s : m.species)
        std::cout << fmt::format("  species {:<22} {} g/mol{}, unbound fraction {}, Kp,uu {}, ke0 {} 1/min\n", s.name,
                                 s.molar_mass_g_per_mol,
                                 s.counted_as_g_per_mol != s.molar_mass_g_per_mol
                                     ? fmt::format(" (counted as {} g/mol)", s.counted_as_g_per_mol)
                                     : "",
                                 s.unbound_fraction, s.brain_plasma_unbound_ratio, s.effect_site_rate_per_min);
    for (const drug::Route& r : m.routes) {
        std::vector<std::string> inputs;
        for (const drug::RouteInput& i : r.inputs)
            inputs.push_back(fmt::format("{:.6g} of the dose into {}{}{}", i.fraction, i.compartment,
                                         i.duration_h > 0 ? fmt::format(" over {} h", i.duration_h) : "",
                                         i.lag_h > 0 ? fmt::format(" after {} h", i.lag_h) : ""));
        std::cout << fmt::format("  route {}: {}\n", r.name, fmt::join(inputs, "; "));
    }
    for (const drug::Variation& v : m.variations)
        std::cout << fmt::format("  between subjects: {} ({}), variance of the logarithm {:.6g}\n", v.name,
                                 v.volume.empty()
                                     ? fmt::format("flow {} -> {}{}", v.from, v.to.empty() ? "eliminated" : v.to,
                                                   v.both_ways ? " and back" : "")
                                     : "volume of " + v.volume,
                                 v.variance);
    for (const drug::Covariance& c : m.covariances)
        std::cout << fmt::format("  between subjects: covariance of {} and {} {:.6g}\n", c.first, c.second,
                                 c.covariance);
}

void print_section(const experiment::SectionInWords& section) {
    print_keys(section.keys);
    if (section.name == Described<engine::Intervention>::name)
        for (const engine::InterventionKind& kind : engine::intervention_kinds)
            std::cout << fmt::format("  what = {:<20} {}\n", fmt::format("\"{}\"", kind.name), kind.meaning);
    if (section.name == Described<clinic::Therapy>::name)
        for (const clinic::TherapyKind& kind : clinic::therapy_kinds)
            std::cout << fmt::format("  kind = {:<16} current {} pA, bdnf_synthesis {}, stress_relief {}: {} [{}]\n",
                                     fmt::format("\"{}\"", kind.name), kind.effects.current_pA,
                                     kind.effects.bdnf_synthesis, kind.effects.stress_relief, kind.meaning,
                                     kind.source);
    if (section.name == Described<drug::TargetEffect>::name)
        for (const drug::TargetInWords& t : drug::targets)
            std::cout << fmt::format("  target.{:<18} {}{}\n", t.name, t.meaning,
                                     t.needs.empty() ? "" : fmt::format("; needs [{}]", t.needs));
}

std::vector<Topic> all_topics() {
    std::vector<Topic> topics;
    for (const experiment::SectionInWords& s : experiment::config_sections())
        topics.push_back({s.name, s.where, s.meaning, [s] { print_section(s); }});
    for (const drug::ShippedDrug& d : drug::shipped_drugs())
        topics.push_back({d.name, fmt::format("[drug.NAME] preset = \"{}\"", d.name), d.meaning, [&d] {
                              print_drug(d.pharmacokinetics);
                              for (const drug::Species& s : d.pharmacokinetics.species) print_action(s.name);
                          }});
    const char* scheme = "what tests hold channel block against; no table of a config";
    topics.push_back({std::string(Described<drug::NmdaScheme>::name), scheme,
                      std::string(Described<drug::NmdaScheme>::meaning),
                      [] { print_keys(experiment::in_words<drug::NmdaScheme>()); }});
    topics.push_back({std::string(Described<drug::PoreBlocker>::name), scheme,
                      std::string(Described<drug::PoreBlocker>::meaning),
                      [] { print_keys(experiment::in_words<drug::PoreBlocker>()); }});
    for (const drug::PkModel& m : drug::published_models())
        topics.push_back({m.name, "[drug.NAME] pharmacokinetics", m.meaning, [&m] { print_drug(m); }});
    return topics;
}

} // namespace

int describe(const std::string& name) {
    std::vector<std::string> names;
    bool found = false;
    for (const Topic& t : all_topics()) {
        names.push_back(t.name);
        if (!name.empty() && t.name != name) continue;
        std::cout << fmt::format("{}{}: {}\n  where: {}\n", found ? "\n" : "", t.name, t.meaning, t.where);
        t.print();
        found = true;
    }
    if (found) return 0;
    const std::string near = experiment::nearest(name, names);
    std::cerr << fmt::format("rewire: error: describe {}: unknown name{} must be one of {}\n", name,
                             near.empty() ? ";" : fmt::format("; did you mean \"{}\"?", near), fmt::join(names, ", "));
    return 2;
}

} // namespace rewire::cli

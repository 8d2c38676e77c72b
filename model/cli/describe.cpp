// rewire describe
#include <functional>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "engine/model.hpp"
#include "experiment/diagnostics.hpp"
#include "experiment/reader.hpp"

namespace rewire::cli {
namespace {

struct Topic {
    std::string name, kind, meaning;
    std::function<void()> print;
};

template <class S>
void print_parameters(const S& defaults = {}) {
    std::cout << fmt::format("  {:<24} {:<10} {:<12} {:<24} {}\n", "parameter", "default", "unit", "allowed",
                             "meaning [source]");
    for (const Parameter<S>& p : Described<S>::parameters) {
        const std::string value = std::visit(
            [&](auto member) {
                const auto& v = defaults.*member;
                if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>)
                    return fmt::format("\"{}\"", v);
                else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, double>)
                    return fmt::format("{:.6g}", v);
                else
                    return fmt::format("{}", v);
            },
            p.member);
        const bool text = std::holds_alternative<std::string S::*>(p.member);
        std::string allowed =
            text ? (p.choices.empty() ? "text" : std::string(p.choices)) : experiment::range_text(p.range, p.unit);
        if (allowed.starts_with("must be ")) allowed = allowed.substr(8);
        std::cout << fmt::format("  {:<24} {:<10} {:<12} {:<24} {}{}\n", p.name, value,
                                 text || p.unit == "1" ? "-" : p.unit, allowed, p.meaning,
                                 p.source.empty() || p.source == "-" ? "" : fmt::format(" [{}]", p.source));
    }
}

template <class S>
Topic topic(const char* kind, const char* name = nullptr) {
    return {name ? name : std::string(Described<S>::name), kind, std::string(Described<S>::meaning),
            [] { print_parameters<S>(); }};
}

void print_drug(const drug::PkModel& m) {
    std::cout << fmt::format("  source: {}\n  for a body of {} kg\n", m.source, m.reference_weight_kg);
    for (const drug::Compartment& c : m.compartments)
        std::cout << (c.volume_L > 0 ? fmt::format("  compartment {:<22} {} L\n", c.name, c.volume_L)
                                     : fmt::format("  compartment {}\n", c.name));
    for (const drug::Flow& f : m.flows)
        std::cout << fmt::format("  flow {} -> {}: {}{}\n", f.from, f.to.empty() ? "eliminated" : f.to,
                                 f.clearance_L_per_h > 0 ? fmt::format("{:.6g} L/h", f.clearance_L_per_h)
                                                         : fmt::format("{:.6g} 1/h", f.rate_per_h),
                                 f.fraction < 1 ? fmt::format(", fraction {:.6g}", f.fraction) : "");
    for (const drug::Species& s : m.species)
        std::cout << fmt::format("  species {:<22} {} g/mol, unbound fraction {}, Kp,uu {}, ke0 {} 1/min\n", s.name,
                                 s.molar_mass_g_per_mol, s.unbound_fraction, s.brain_plasma_unbound_ratio,
                                 s.effect_site_rate_per_min);
    for (const drug::Route& r : m.routes) {
        std::vector<std::string> inputs;
        for (const drug::RouteInput& i : r.inputs)
            inputs.push_back(fmt::format("{:.6g} of the dose into {}{}{}", i.fraction, i.compartment,
                                         i.duration_h > 0 ? fmt::format(" over {} h", i.duration_h) : "",
                                         i.lag_h > 0 ? fmt::format(" after {} h", i.lag_h) : ""));
        std::cout << fmt::format("  route {}: {}\n", r.name, fmt::join(inputs, "; "));
    }
}

std::vector<Topic> all_topics() {
    std::vector<Topic> topics;
    [&]<class... M>(std::variant<M...>*) {
        (topics.push_back(topic<M>("neuron model: [population.NAME] model")), ...);
    }(static_cast<neuron::Model*>(nullptr));
    topics.push_back(topic<synapse::Receptor>("[population.NAME.receptor.NAME]"));
    topics.push_back(topic<synapse::ShortTerm>("[projection.NAME.short_term]"));
    topics.push_back(topic<synapse::LongTerm>("[projection.NAME.long_term]"));
    topics.push_back(topic<structure::GrowthRule>("[projection.NAME.structural] axonal, dendritic"));
    topics.push_back(topic<glutamate::GlutamateParameters>("[glutamate]"));
    topics.push_back(topic<molecular::SignallingParameters>("[molecular]"));
    topics.push_back(topic<molecular::RestingDrive>("[molecular.resting_drive]"));
    topics.push_back(topic<neuron::LType>("[l_type]"));
    topics.push_back(topic<molecular::Stress>("[stress]"));
    topics.push_back(topic<structure::CalciumParameters>("[calcium]"));
    topics.push_back(topic<structure::SpineParameters>("[structure.spines]"));
    topics.push_back(topic<drug::Blocker>("[drug.NAME.species.NAME.block]"));
    topics.push_back({"ketamine", "block of the species ketamine and esketamine", "open-channel blocker, racemic",
                      [] { print_parameters(drug::ketamine()); }});
    topics.push_back({"norketamine", "block of the species norketamine and noresketamine",
                      "open-channel blocker, 6.4 times weaker (Shaffer 2014)",
                      [] { print_parameters(drug::norketamine()); }});
    for (const drug::PkModel& m : drug::published_models())
        topics.push_back({m.name, "[drug.NAME] pharmacokinetics", m.meaning, [&m] { print_drug(m); }});
    for (const char* own : {"compartment", "flow", "species", "route_input"}) {
        const std::string name = own;
        const char* kind = "[drug.NAME.pharmacokinetics]";
        topics.push_back(name == "compartment" ? topic<drug::Compartment>(kind)
                         : name == "flow"      ? topic<drug::Flow>(kind)
                         : name == "species"   ? topic<drug::Species>(kind)
                                               : topic<drug::RouteInput>(kind));
    }
    topics.push_back({"intervention", "[[intervention]]", "what a scheduled intervention may be", [] {
                          for (const auto& [kind, meaning] : engine::intervention_kinds)
                              std::cout << fmt::format("  {:<20} {}\n", kind, meaning);
                      }});
    return topics;
}

} // namespace

int describe(const std::string& name) {
    std::vector<std::string> names;
    bool found = false;
    for (const Topic& t : all_topics()) {
        names.push_back(t.name);
        if (!name.empty() && t.name != name) continue;
        std::cout << fmt::format("{}{}: {}\n  where: {}\n", found ? "\n" : "", t.name, t.meaning, t.kind);
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

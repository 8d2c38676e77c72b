#pragma once
// Drugs that come with the program: what each acts on, and a body for it. They are data of the same kind as a config
// holds; `rewire describe NAME` shows one as it would stand there, with its sources.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drug/channel_block.hpp"
#include "drug/pharmacokinetics.hpp"
#include "drug/target.hpp"

namespace rewire::drug {

/// What a species does in the brain.
struct Action {
    std::optional<Blocker> block; ///< of open NMDA channels
    std::vector<TargetEffect> targets;
    std::string source;
    std::string potency = {}; ///< whose IC50 they are, where they are not those that `Blocker` is described with
};

/// What the species of that name does, whatever body it is in; nothing if it is not known.
Action shipped_action(std::string_view species);

/// A drug with a body of its own.
struct ShippedDrug {
    std::string name;
    std::string meaning;
    PkModel pharmacokinetics;
};

const std::vector<ShippedDrug>& shipped_drugs();

/// The shipped drug of that name, or nullptr.
const ShippedDrug* find_shipped_drug(std::string_view name);

} // namespace rewire::drug

#pragma once
// One description per state struct (structure of arrays): probes, the recorder and later checkpoints are made
// from it, so that a new state can be recorded without further code.

#include <array>
#include <string_view>
#include <variant>
#include <vector>

#include "quantity/aligned.hpp"

namespace rewire {

/// One state array of the struct S: an entry per neuron, region or drug, as the struct's documentation says.
template <class S>
struct StateVariable {
    std::string_view name; ///< as it stands in the result file
    std::string_view unit; ///< plain ASCII, "1" for relative
    std::variant<aligned_vector<float> S::*, std::vector<double> S::*> member;
    std::string_view meaning;
};

/// The description of a state struct, specialised beside it as `Described` is for parameters:
/// `static constexpr auto variables = std::to_array<StateVariable<S>>({...});`
template <class S>
struct StateOf;

} // namespace rewire

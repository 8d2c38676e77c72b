#pragma once
// What reading the tables of mechanisms and those of drugs have in common.

#include <string_view>

#include <fmt/format.h>

#include "experiment/experiment.hpp"
#include "experiment/reader.hpp"

namespace rewire::experiment {

/// Whether the experiment has the mechanism of that table, if any is needed.
bool has_mechanism(const engine::Model& model, std::string_view table);

/// Reads a described struct from a table that is in use, there or not, if `needed` is; `needed_text` says what.
template <class S>
void read_constants(TableReader& root, std::string_view key, S& s, bool needed, std::string_view needed_text) {
    if (auto table = needed ? root.section_or_empty<S>(key) : root.section<S>(key)) {
        table->read(s);
        table->finish();
        if (!needed) table->warning("", fmt::format("has no effect without {}", needed_text));
    }
}

} // namespace rewire::experiment

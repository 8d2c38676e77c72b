#include "experiment/diagnostics.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace rewire::experiment {
namespace {

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

/// Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substitution = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitution});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

} // namespace

std::string to_string(const Place& place) {
    if (place.line == 0) return place.file;
    return fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

std::string to_string(const Diagnostic& diagnostic) {
    const bool is_error = diagnostic.severity == Diagnostic::Severity::error;
    return fmt::format("{}: {}: {}", to_string(diagnostic.place), is_error ? "error" : "warning", diagnostic.text);
}

void Diagnostics::error(Place place, std::string text) {
    found_.push_back({Diagnostic::Severity::error, std::move(place), std::move(text)});
}

void Diagnostics::warning(Place place, std::string text) {
    found_.push_back({Diagnostic::Severity::warning, std::move(place), std::move(text)});
}

void Diagnostics::add(const Diagnostics& other) {
    for (const Diagnostic& d : other.found_)
        if (std::ranges::find(found_, d) == found_.end()) found_.push_back(d);
}

void Diagnostics::note_number(std::string path, std::string_view unit, const Range& range) {
    const auto known = std::ranges::find(numbers_, path, &NumberKey::path);
    if (known == numbers_.end()) numbers_.push_back({std::move(path), std::string(unit), range});
}

std::size_t Diagnostics::errors() const {
    return static_cast<std::size_t>(std::ranges::count(found_, Diagnostic::Severity::error, &Diagnostic::severity));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
    std::vector<std::string> files;
    for (const Diagnostic& d : found_)
        if (std::ranges::find(files, d.place.file) == files.end()) files.push_back(d.place.file);
    const auto rank = [&](const Diagnostic& d) {
        return std::tuple(std::ranges::find(files, d.place.file) - files.begin(), d.place.line, d.place.column);
    };
    std::vector<Diagnostic> ordered = found_;
    std::ranges::stable_sort(ordered, {}, rank);
    return ordered;
}

std::string Diagnostics::format() const {
    std::string text;
    for (const Diagnostic& d : sorted()) text += (text.empty() ? "" : "\n") + to_string(d);
    return text;
}

void Diagnostics::throw_if_errors() const {
    if (has_errors()) throw ConfigError(*this);
}

ConfigError::ConfigError(Diagnostics found) : std::runtime_error(found.format()), diagnostics(std::move(found)) {}

ConfigError::ConfigError(Place place, std::string text)
    : ConfigError([&] {
          Diagnostics one;
          one.error(std::move(place), std::move(text));
          return one;
      }()) {}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::string best;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(lower_case(word), lower_case(candidate));
        if (distance >= least || distance >= std::max(word.size(), candidate.size())) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

} // namespace rewire::experiment

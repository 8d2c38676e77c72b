#include "drug/channel_block.hpp"

#include <algorithm>

#include <boost/container/small_vector.hpp>

namespace rewire::drug {
namespace {

/// A square matrix whose columns are the chances to end in each state, by rows. There is one for each neuron and pool
/// in every tick: three ligands fit without an allocation.
struct Transitions {
    std::size_t size;
    boost::container::small_vector<double, 16> p = boost::container::small_vector<double, 16>(size * size, 0.0);

    double& at(std::size_t to, std::size_t from) { return p[to * size + from]; }
    double at(std::size_t to, std::size_t from) const { return p[to * size + from]; }

    Transitions times(const Transitions& other) const {
        Transitions result{size};
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t k = 0; k < size; ++k)
                for (std::size_t j = 0; j < size; ++j) result.at(i, j) += at(i, k) * other.at(k, j);
        return result;
    }
    /// Takes away the rounding of the sum of all chances, which repeated squaring would multiply.
    void normalise() {
        for (std::size_t j = 0; j < size; ++j) {
            double sum = 0;
            for (std::size_t i = 0; i < size; ++i) sum += at(i, j);
            for (std::size_t i = 0; i < size; ++i) at(i, j) /= sum;
        }
    }
};

bool same_kinetics(const Blocker& a, const Blocker& b) {
    return a.r_open_per_s == b.r_open_per_s && a.r_leak_per_s == b.r_leak_per_s && a.open_half == b.open_half &&
           a.untrapped_fraction == b.untrapped_fraction;
}

} // namespace

void relax_blocks(std::span<double> b, std::span<const double> on_per_s, std::span<const double> off_per_s,
                  double duration_s) {
    const std::size_t ligands = b.size(), size = ligands + 1;
    double fastest = 0;
    for (const double on : on_per_s) fastest += on;
    for (const double off : off_per_s) fastest = std::max(fastest, off);
    if (!(fastest * duration_s > 0)) return;
    // Most of the time there is no drug.
    const auto none = [](std::span<const double> of) {
        return std::ranges::all_of(of, [](double x) { return x == 0; });
    };
    if (none(b) && none(on_per_s)) return;
    // A channel is a Markov chain: free (state 0) or blocked by k. Its transitions over a short time q are the Poisson
    // mixture of 0, 1, 2... jumps (uniformisation, Jensen 1953), over a long one their repeated square. All terms are
    // positive: nothing cancels, whatever the rates.
    Transitions jump{size};
    jump.at(0, 0) = 1;
    for (std::size_t k = 0; k < ligands; ++k) {
        jump.at(k + 1, 0) = on_per_s[k] / fastest;
        jump.at(0, 0) = std::max(0.0, jump.at(0, 0) - on_per_s[k] / fastest);
        jump.at(0, k + 1) = off_per_s[k] / fastest;
        jump.at(k + 1, k + 1) = 1 - off_per_s[k] / fastest;
    }
    const int squarings = std::max(0, 4 + static_cast<int>(std::ceil(std::log2(fastest * duration_s))));
    const double q = std::ldexp(fastest * duration_s, -squarings); // 1/16 or less: 9 jumps leave an error below 1e-17
    Transitions whole{size};
    for (std::size_t i = 0; i < size; ++i) whole.at(i, i) = 1;
    for (int n = 9; n > 0; --n) {
        whole = jump.times(whole);
        for (double& p : whole.p) p *= q / n;
        for (std::size_t i = 0; i < size; ++i) whole.at(i, i) += 1;
    }
    whole.normalise(); // the factor exp(-q)
    for (int n = 0; n < squarings; ++n) {
        whole = whole.times(whole);
        whole.normalise();
    }
    double free = 1;
    for (const double blocked : b) free -= blocked;
    const std::vector<double> before(b.begin(), b.end());
    for (std::size_t k = 0; k < ligands; ++k) {
        b[k] = whole.at(k + 1, 0) * std::max(0.0, free);
        for (std::size_t j = 0; j < ligands; ++j) b[k] += whole.at(k + 1, j + 1) * before[j];
    }
}

Competition competition(const std::vector<Blocker>& blockers) {
    Competition c;
    for (std::size_t b = 0; b < blockers.size(); ++b) {
        auto ligand = std::find_if(c.ligands.begin(), c.ligands.end(),
                                   [&](const Ligand& l) { return same_kinetics(l.kinetics, blockers[b]); });
        if (ligand == c.ligands.end()) ligand = c.ligands.insert(ligand, {blockers[b], {}});
        ligand->blockers.push_back(b);
    }
    std::vector<double> bounds{0, 1};
    for (const Ligand& l : c.ligands) bounds.push_back(l.kinetics.untrapped_fraction);
    std::sort(bounds.begin(), bounds.end());
    for (std::size_t k = 1; k < bounds.size(); ++k) {
        if (bounds[k] == bounds[k - 1]) continue;
        ChannelClass channels{bounds[k] - bounds[k - 1], {}};
        for (const Ligand& l : c.ligands) channels.traps.push_back(bounds[k] > l.kinetics.untrapped_fraction);
        c.classes.push_back(std::move(channels));
    }
    return c;
}

void advance_block(std::span<double> blocked, std::span<const BlockDrive> drives, double duration_s,
                   const Competition& c) {
    const std::size_t ligands = c.ligands.size();
    const auto rates = [&](const ChannelClass& channels, std::size_t k) {
        const double open = c.ligands[k].kinetics.r_open_per_s;
        return channels.traps[k] ? std::pair(drives[k].mean_rate_times_ratio_per_s, drives[k].mean_rate_per_s)
                                 : std::pair(open * drives[k].untrapped_ratio, open);
    };
    std::vector<double> on, off;
    for (std::size_t j = 0; j < c.classes.size(); ++j) {
        if (ligands == 1) {
            const auto [entering, leaving] = rates(c.classes[j], 0);
            relax_block(blocked[j], entering, leaving, duration_s);
            continue;
        }
        on.clear(), off.clear();
        for (std::size_t k = 0; k < ligands; ++k) {
            const auto [entering, leaving] = rates(c.classes[j], k);
            on.push_back(entering), off.push_back(leaving);
        }
        relax_blocks(blocked.subspan(j * ligands, ligands), on, off, duration_s);
    }
}

} // namespace rewire::drug

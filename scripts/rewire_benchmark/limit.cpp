// What the memory of this machine allows spike delivery: reading alone, and the plainest delivery loop there is.
//
//     benchmark_limit THREADS [SECONDS]      one line of JSON per measurement; each takes about SECONDS (default 1)
//
// The loop: 50,000 sources in random order, 1,000 sorted random targets each among 50,000 float accumulators. Threads
// own ranges of targets, as the engine's do, and each reads its own part of every row. Synapses take 8 bytes (target
// and weight in arrays of their own) or 4 (one weight for all): 400 or 200 MB (`synapse_bytes`), beyond the L3 of most
// machines.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t sources = 50'000, targets = 50'000, degree = 1'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Runs f(rank) on all threads again and again for about `seconds`; wall time of one round.
template <class F>
double seconds_per_round(int threads, double seconds, F&& f) {
    const auto timed = [&](int rounds) {
        std::vector<std::jthread> team;
        std::barrier ready(threads + 1);
        for (int rank = 0; rank < threads; ++rank)
            team.emplace_back([&, rank] {
                ready.arrive_and_wait();
                for (int r = 0; r < rounds; ++r) f(rank);
                ready.arrive_and_wait();
            });
        ready.arrive_and_wait();
        const auto start = Clock::now();
        ready.arrive_and_wait();
        return seconds_since(start) / rounds;
    };
    const double first = timed(1); // also warms up
    return timed(std::max(1, static_cast<int>(seconds / first)));
}

/// The synapses of one thread: rows of targets in its range.
struct Part {
    std::vector<std::uint32_t> start; ///< of each source's row; one more at the end
    std::vector<std::uint32_t> target;
    std::vector<float> weight;
    std::vector<float> accumulator;
    double checksum = 0;
};

Part make_part(int rank, int threads) {
    Part part;
    const auto share = static_cast<std::uint32_t>(threads), place = static_cast<std::uint32_t>(rank);
    const std::uint32_t first = targets / share * place;
    const std::uint32_t end = place + 1 == share ? targets : targets / share * (place + 1);
    std::mt19937 random(1234 + place);
    std::uniform_int_distribution<std::uint32_t> draw(first, end - 1);
    const std::uint32_t length = degree / share + (place < degree % share ? 1 : 0);
    part.start.reserve(sources + 1);
    part.target.reserve(std::size_t{sources} * length);
    for (std::uint32_t s = 0; s < sources; ++s) {
        part.start.push_back(static_cast<std::uint32_t>(part.target.size()));
        for (std::uint32_t i = 0; i < length; ++i) part.target.push_back(draw(random));
        std::sort(part.target.end() - length, part.target.end());
    }
    part.start.push_back(static_cast<std::uint32_t>(part.target.size()));
    part.weight.assign(part.target.size(), 0.5F);
    part.accumulator.assign(targets, 0.0F);
    return part;
}

void deliver_own_weights(Part& part, const std::vector<std::uint32_t>& order) {
    float* accumulator = part.accumulator.data();
    for (const std::uint32_t s : order)
        for (std::uint32_t i = part.start[s]; i < part.start[s + 1]; ++i) accumulator[part.target[i]] += part.weight[i];
}

void deliver_shared_weight(Part& part, const std::vector<std::uint32_t>& order) {
    float* accumulator = part.accumulator.data();
    for (const std::uint32_t s : order)
        for (std::uint32_t i = part.start[s]; i < part.start[s + 1]; ++i) accumulator[part.target[i]] += 0.5F;
}

/// Sums in integers, which the compiler may reorder: the loop is bound by memory, not by the latency of an addition.
void read_all(Part& part) {
    std::uint64_t sum = 0;
    for (const std::uint32_t x : part.target) sum += x;
    part.checksum += static_cast<double>(sum);
}

} // namespace

int main(int count, char** words) {
    const int threads = count > 1 ? std::atoi(words[1]) : 0;
    const double seconds = count > 2 ? std::atof(words[2]) : 1;
    if (threads < 1 || !(seconds > 0)) {
        fmt::print(stderr, "usage: benchmark_limit THREADS [SECONDS]\n");
        return 2;
    }
    std::vector<Part> parts(static_cast<std::size_t>(threads));
    {
        std::vector<std::jthread> team;
        for (int rank = 0; rank < threads; ++rank)
            team.emplace_back([&, rank] { parts[static_cast<std::size_t>(rank)] = make_part(rank, threads); });
    }
    std::vector<std::uint32_t> order(sources);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), std::mt19937(99));

    const auto part = [&](int rank) -> Part& { return parts[static_cast<std::size_t>(rank)]; };
    std::size_t synapses = 0;
    for (const Part& p : parts) synapses += p.target.size();
    const auto events = static_cast<double>(synapses);

    const double reading = seconds_per_round(threads, seconds, [&](int rank) { read_all(part(rank)); });
    fmt::print(R"({{"what": "read", "threads": {}, "bytes_per_s": {:.6g}}})"
               "\n",
               threads, events * sizeof(std::uint32_t) / reading);
    const auto print = [&](std::size_t bytes, double round) {
        fmt::print(R"({{"what": "deliver", "threads": {}, "bytes_per_synapse": {}, "synapse_bytes": {}, )"
                   R"("events_per_s": {:.6g}}})"
                   "\n",
                   threads, bytes, synapses * bytes, events / round);
    };
    print(8, seconds_per_round(threads, seconds, [&](int rank) { deliver_own_weights(part(rank), order); }));
    print(4, seconds_per_round(threads, seconds, [&](int rank) { deliver_shared_weight(part(rank), order); }));
    // Sums that nobody reads would let the compiler leave the loops out.
    double checksum = 0;
    for (const Part& p : parts)
        checksum += p.checksum + std::accumulate(p.accumulator.begin(), p.accumulator.end(), 0.0);
    return checksum > 0 ? 0 : 1;
}

// Fear conditioning in the circuit of configs/base/fear.toml: memory needs pairing, plasticity and the NMDA receptors
// of the amygdala; extinction lowers the response of its output by new learning. Sessions are shortened.
//
// Tolerances: a response is a mean over 4 s and 80 or more neurons at a few Hz, a thousand spikes or so, whose chance
// variation is some 5 %; effects that are asked for are a factor of two or more, none is within a quarter.
#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/simulation.hpp"
#include "experiment/experiment.hpp"

using namespace rewire;
using namespace rewire::engine;

namespace {

std::string poisson(const std::string& population, double rate_Hz, double from_s, double to_s,
                    const std::string& more = "") {
    return fmt::format("{{ population = '{}', kind = 'poisson', rate = '{} Hz', weight = '100 nS', from = '{} s', to = "
                       "'{} s'{} }}, ",
                       population, rate_Hz, from_s, to_s, more);
}

std::string train(double every_s, int times) {
    return fmt::format(", repeat = {{ every = '{} s', times = {} }}", every_s, times);
}

const std::string tone_cells = ", neurons = [0, 50]", tone = tone_cells + ", name = 'tone'";

/// A session of tones of 2 s, one every 3 s, in a context (first neuron of its cells).
std::string session(double from_s, int tones, int context) {
    return poisson("context", 15, from_s - 1, from_s + 3 * tones,
                   fmt::format(", neurons = [{}, {}]", context, context + 50)) +
           poisson("tone", 25, from_s, from_s + 2, tone + train(3, tones));
}

constexpr int context_a = 0, context_b = 50;

struct Course {
    std::map<std::string, std::vector<double>> response_Hz; ///< per population, of each tone
    /// Mean response to tones [first, first + count).
    double mean(const std::string& population, std::size_t first, std::size_t count) const {
        double sum = 0;
        for (std::size_t k = first; k < first + count; ++k) sum += response_Hz.at(population).at(k);
        return sum / static_cast<double>(count);
    }
};

Course run(const std::string& stimuli, double duration_s, std::vector<std::string> overrides = {}) {
    overrides.insert(overrides.begin(),
                     {"experiment.mode=full", fmt::format("experiment.duration={} s", duration_s),
                      "experiment.baseline_settle=200 ms", "experiment.baseline_measure=300 ms",
                      "stimulus=[" + stimuli + "]", "record={ every = '10 s', fast_every = '0 ms', spikes = false }",
                      "experiment.threads=1"});
    Model model = experiment::load_experiment(REWIRE_SOURCE_DIR "/configs/base/fear.toml", overrides).model;
    std::vector<std::string> names;
    for (const auto& p : model.populations) names.push_back(p.name);
    Simulation simulation(std::move(model));
    simulation.prepare();
    Course course;
    const auto collect = [&] {
        for (const Response& r : simulation.take_responses())
            for (std::size_t p = 0; p < names.size(); ++p)
                course.response_Hz[names[p]].push_back(r.during_Hz[p] - r.before_Hz[p]);
    };
    while (!simulation.finished()) {
        simulation.advance();
        collect();
    }
    return course;
}

/// Two tones, four tones with shocks (late: so many seconds after the tone), two tones.
Course conditioned(double late_s, const std::vector<std::string>& overrides = {}) {
    const double every_s = late_s > 0 ? 5 : 3;
    const std::string stimuli = session(3, 2, context_b) + poisson("tone", 25, 10, 12, tone + train(every_s, 4)) +
                                poisson("shock", 60, 10.5 + late_s, 12 + late_s, train(every_s, 4)) +
                                session(32, 2, context_b);
    return run(stimuli, 37, overrides);
}

} // namespace

TEST_CASE("fear: pairing tone and shock makes the amygdala answer the tone") {
    const Course paired = conditioned(0);
    CHECK(paired.mean("lateral", 6, 2) > 2 * paired.mean("lateral", 0, 2));
    CHECK(paired.mean("central", 6, 2) > 2 * std::max(1.0, paired.mean("central", 0, 2)));
}

TEST_CASE("fear: no memory without pairing") {
    const Course apart = conditioned(2.5);
    CHECK(apart.mean("lateral", 6, 2) < 1.25 * apart.mean("lateral", 0, 2));
    CHECK(apart.mean("central", 6, 2) < 2);
}

TEST_CASE("fear: no memory without plasticity") {
    std::vector<std::string> rigid;
    for (const char* projection : {"tone_lateral", "lateral_lateral", "tone_infralimbic", "context_infralimbic"})
        for (const char* key : {"triplet_potentiation", "pair_depression"})
            rigid.push_back(fmt::format("projection.{}.long_term.{}=0.0", projection, key));
    const Course course = conditioned(0, rigid);
    CHECK(course.mean("lateral", 6, 2) == Approx(course.mean("lateral", 0, 2)).epsilon(0.25));
    CHECK(course.mean("central", 6, 2) < 2);
}

TEST_CASE("fear: no memory if NMDA receptors of the amygdala are blocked during conditioning") {
    // As AP5 in the amygdala does (Miserendino et al. 1990, Nature 345:716 [M]); before and after they are free.
    const Course blocked = conditioned(0, {"intervention=[{ what = 'nmda_antagonist', from = '9 s', to = '29 s', "
                                           "populations = ['lateral', 'lateral_pv', 'central'] }]"});
    CHECK(blocked.mean("lateral", 6, 2) < 1.25 * blocked.mean("lateral", 0, 2));
    CHECK(blocked.mean("central", 6, 2) < 2);
    // The same block elsewhere leaves the memory: it is where the synapses are.
    const Course elsewhere = conditioned(0, {"intervention=[{ what = 'nmda_antagonist', from = '9 s', to = '29 s', "
                                             "populations = ['infralimbic', 'prefrontal_pv'] }]"});
    CHECK(elsewhere.mean("lateral", 6, 2) > 2 * elsewhere.mean("lateral", 0, 2));
}

TEST_CASE("fear: extinction lowers the response, also at recall; the fear memory stays, and returns with its context") {
    const std::string conditioning =
        poisson("tone", 25, 2, 4, tone_cells + train(3, 6)) + poisson("shock", 60, 2.5, 4, train(3, 6));
    const Course with =
        run(conditioning + session(22, 20, context_b) + session(84, 2, context_b) + session(92, 2, context_a), 97);
    const Course without = run(conditioning + session(30, 2, context_b), 35);
    CHECK(with.mean("central", 18, 2) < 0.75 * with.mean("central", 0, 2)); // within the session
    const double recall = with.mean("central", 20, 2), renewal = with.mean("central", 22, 2);
    CHECK(recall < 0.75 * without.mean("central", 0, 2));
    CHECK(renewal > recall);
    CHECK(with.mean("lateral", 20, 2) == Approx(with.mean("lateral", 0, 2)).epsilon(0.25)); // new learning, no erasure
    CHECK(with.mean("infralimbic", 20, 2) > 1.25 * without.mean("infralimbic", 0, 2));
}

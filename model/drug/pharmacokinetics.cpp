#include "drug/pharmacokinetics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <Eigen/Cholesky>
#include <unsupported/Eigen/MatrixFunctions>

#include "random/stream.hpp"

namespace rewire::drug {
namespace {

constexpr double ns_per_s = 1e9;
constexpr double ns_per_h = 3600e9;
constexpr double min_per_h = 60;
constexpr std::size_t max_propagators = 64;

std::int64_t to_ns(double t_s) { return std::llround(t_s * ns_per_s); }

[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument(what); }

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

template <class Named>
const Named* find_named(const std::vector<Named>& items, std::string_view name) {
    const auto found = std::ranges::find(items, name, &Named::name);
    return found == items.end() ? nullptr : &*found;
}

/// Index of a compartment; the number of compartments if there is none of that name.
std::size_t index_of(const PkModel& model, std::string_view compartment) {
    const auto found = std::ranges::find(model.compartments, compartment, &Compartment::name);
    return static_cast<std::size_t>(found - model.compartments.begin());
}

/// Every number of the item lies in the range of its description.
template <class S>
void check_ranges(const S& item, const std::string& whose) {
    for (const Parameter<S>& p : Described<S>::parameters)
        if (const auto* member = std::get_if<double S::*>(&p.member); member && !p.range.contains(item.**member))
            fail(whose + ": " + std::string(p.name) + " = " + std::to_string(item.**member) + " is out of range");
}

template <class Named>
void check_names(const std::vector<Named>& items, const std::string& whose) {
    for (const Named& item : items) {
        if (item.name.empty()) fail(whose + " without a name");
        if (find_named(items, item.name) != &item) fail(whose + " " + quoted(item.name) + " is given twice");
    }
}

void check_compartment(const PkModel& model, std::string_view name, const std::string& whose) {
    if (!find_named(model.compartments, name)) fail(whose + ": no compartment " + quoted(name));
}

/// First-order rate of a flow: its own, or its clearance over the volume that it clears.
double rate_per_h(const PkModel& model, const Flow& flow) {
    if (flow.rate_per_h > 0) return flow.rate_per_h;
    return flow.clearance_L_per_h / find_named(model.compartments, flow.from)->volume_L;
}

void check_flow(const PkModel& model, const Flow& flow) {
    const std::string whose = "flow from " + quoted(flow.from) + " to " + quoted(flow.to);
    check_ranges(flow, whose);
    check_compartment(model, flow.from, whose);
    if (!flow.to.empty()) check_compartment(model, flow.to, whose);
    if (flow.to == flow.from) fail(whose + ": ends where it starts");
    if ((flow.rate_per_h > 0) == (flow.clearance_L_per_h > 0))
        fail(whose + ": needs one of rate and clearance, above 0");
    if (flow.clearance_L_per_h > 0 && find_named(model.compartments, flow.from)->volume_L == 0)
        fail(whose + ": a clearance needs a volume in " + quoted(flow.from));
    if (const double rate = rate_per_h(model, flow); !(rate <= fastest_per_h))
        fail(whose + ": rate, or clearance over volume, of " + std::to_string(rate) + " /h is out of range");
}

void check_species(const PkModel& model, const Species& species) {
    const std::string whose = "species " + quoted(species.name);
    check_ranges(species, whose);
    if (!positive.contains(species.counted_as_g_per_mol)) fail(whose + ": counted_as is out of range");
    check_compartment(model, species.central, whose);
    if (find_named(model.compartments, species.central)->volume_L == 0)
        fail(whose + ": central compartment " + quoted(species.central) + " has no volume");
}

void check_route(const PkModel& model, const Route& route) {
    const std::string whose = "route " + quoted(route.name);
    if (route.inputs.empty()) fail(whose + " enters no compartment");
    double share = 0;
    for (const RouteInput& input : route.inputs) {
        check_ranges(input, whose + " into " + quoted(input.compartment));
        check_compartment(model, input.compartment, whose);
        share += input.fraction;
    }
    if (share > 1 + 1e-9) fail(whose + ": the fractions of its inputs add up to more than 1");
}

const Flow* find_flow(const std::vector<Flow>& flows, std::string_view from, std::string_view to) {
    const auto found = std::ranges::find_if(flows, [&](const Flow& f) { return f.from == from && f.to == to; });
    return found == flows.end() ? nullptr : &*found;
}

/// Whether drug in one compartment may get to another.
bool leads_to(const PkModel& model, const std::string& from, const std::string& to) {
    std::vector<std::string> reached{from};
    for (std::size_t k = 0; k < reached.size(); ++k)
        for (const Flow& flow : model.flows)
            if (flow.from == reached[k] && !flow.to.empty() && flow.fraction > 0 &&
                std::ranges::find(reached, flow.to) == reached.end())
                reached.push_back(flow.to);
    return std::ranges::find(reached, to) != reached.end();
}

void check_variation(const PkModel& model, const Variation& variation) {
    const std::string whose = "variation " + quoted(variation.name);
    check_ranges(variation, whose);
    if (variation.volume.empty() == variation.from.empty())
        fail(whose + ": needs one of volume and from, the compartment or the flow that varies");
    if (!variation.volume.empty()) {
        check_compartment(model, variation.volume, whose);
        if (find_named(model.compartments, variation.volume)->volume_L == 0)
            fail(whose + ": compartment " + quoted(variation.volume) + " has no volume");
        return;
    }
    const auto check_there = [&](const std::string& from, const std::string& to) {
        if (!find_flow(model.flows, from, to)) fail(whose + ": no flow from " + quoted(from) + " to " + quoted(to));
    };
    check_there(variation.from, variation.to);
    if (variation.both_ways) check_there(variation.to, variation.from);
}

/// Covariance matrix of the etas.
Eigen::MatrixXd covariance_matrix(const PkModel& model) {
    const auto n = static_cast<Eigen::Index>(model.variations.size());
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
    for (Eigen::Index k = 0; k < n; ++k) matrix(k, k) = model.variations[static_cast<std::size_t>(k)].variance;
    const auto index = [&](const std::string& name) {
        return std::ranges::find(model.variations, name, &Variation::name) - model.variations.begin();
    };
    for (const Covariance& c : model.covariances)
        matrix(index(c.first), index(c.second)) = matrix(index(c.second), index(c.first)) = c.covariance;
    return matrix;
}

void check_variability(const PkModel& model) {
    check_names(model.variations, "variation");
    for (const Variation& variation : model.variations) check_variation(model, variation);
    for (const Covariance& c : model.covariances) {
        check_ranges(c, "covariance of " + quoted(c.first));
        for (const std::string& name : {c.first, c.second})
            if (!find_named(model.variations, name)) fail("covariance: no variation " + quoted(name));
        if (c.first == c.second) fail("covariance of " + quoted(c.first) + " with itself: that is its variance");
    }
    if (!model.covariances.empty() && covariance_matrix(model).llt().info() != Eigen::Success)
        fail("covariance: greater than the variances allow (the matrix must be positive definite)");
}

/// Matrix A of dx/dt = A x per hour, x = (amounts, effect-site concentrations, eliminated).
Eigen::MatrixXd system_matrix(const PkModel& model) {
    const std::size_t compartments = model.compartments.size();
    const std::size_t eliminated = compartments + model.species.size();
    Eigen::MatrixXd a = Eigen::MatrixXd::Zero(eliminated + 1, eliminated + 1);
    for (const Flow& flow : model.flows) {
        const std::size_t from = index_of(model, flow.from);
        const double rate = rate_per_h(model, flow);
        const double arriving = flow.to.empty() ? 0 : flow.fraction;
        a(from, from) -= rate;
        a(eliminated, from) += rate * (1 - arriving);
        if (arriving > 0) a(index_of(model, flow.to), from) += rate * arriving;
    }
    for (std::size_t s = 0; s < model.species.size(); ++s) {
        const std::size_t site = compartments + s;
        const std::size_t central = index_of(model, model.species[s].central);
        const double ke0 = model.species[s].effect_site_rate_per_min * min_per_h;
        a(site, site) = -ke0;
        a(site, central) = ke0 / model.compartments[central].volume_L;
    }
    return a;
}

} // namespace

const PkModel* find_published_model(std::string_view name) { return find_named(published_models(), name); }

std::string fault_of_species(const PkModel& model, std::size_t species) {
    const Species& s = model.species[species];
    const auto into_s = [&](const std::string& compartment) { return leads_to(model, compartment, s.central); };
    bool reached = std::ranges::any_of(model.routes, [&](const Route& route) {
        return std::ranges::any_of(route.inputs,
                                   [&](const RouteInput& i) { return i.fraction > 0 && into_s(i.compartment); });
    });
    for (std::size_t k = 0; k < species; ++k) {
        const Species& earlier = model.species[k];
        if (earlier.central == s.central)
            return "is the compartment of " + quoted(earlier.name) + " already: what it holds would count twice";
        const bool made_from = into_s(earlier.central);
        if (leads_to(model, s.central, earlier.central))
            return made_from ? "makes a metabolite loop: " + quoted(earlier.name) + " turns into " + quoted(s.name) +
                                   " and back; a species must be made from those before it"
                             : "turns into " + quoted(earlier.name) +
                                   ", which stands before it: a species must be made from those before it";
        reached = reached || made_from;
    }
    return reached ? ""
                   : "is reached by no route, and by no flow from a species before it: nothing would ever be there";
}

void check(const PkModel& model) {
    check_ranges(model, "pharmacokinetics");
    if (model.compartments.empty()) fail("no compartments");
    if (model.species.empty()) fail("no species: the drug needs a central compartment");
    if (model.routes.empty()) fail("no routes");
    check_names(model.compartments, "compartment");
    check_names(model.species, "species");
    check_names(model.routes, "route");
    for (const Compartment& compartment : model.compartments)
        check_ranges(compartment, "compartment " + quoted(compartment.name));
    for (const Flow& flow : model.flows) check_flow(model, flow);
    for (const Species& species : model.species) check_species(model, species);
    for (const Route& route : model.routes) check_route(model, route);
    for (std::size_t s = 0; s < model.species.size(); ++s)
        if (const std::string fault = fault_of_species(model, s); !fault.empty())
            fail("species " + quoted(model.species[s].name) + ": central compartment " + fault);
    check_variability(model);
}

PkModel scaled_to_weight(const PkModel& model, double weight_kg) {
    if (!positive.contains(weight_kg)) fail("body weight must be above 0 kg");
    const double size = weight_kg / model.reference_weight_kg;
    PkModel scaled = model;
    scaled.reference_weight_kg = weight_kg;
    for (Compartment& compartment : scaled.compartments) compartment.volume_L *= size;
    for (Flow& flow : scaled.flows) {
        flow.clearance_L_per_h *= std::pow(size, 0.75);
        const Compartment* from = find_named(model.compartments, flow.from);
        if (from && from->volume_L > 0) flow.rate_per_h *= std::pow(size, -0.25);
    }
    return scaled;
}

std::vector<double> subject_etas(const PkModel& model, std::int64_t number) {
    if (number < 0) fail("the number of a subject must be 0 or more");
    const auto n = static_cast<Eigen::Index>(model.variations.size());
    if (number == 0 || n == 0) return std::vector<double>(model.variations.size(), 0);
    std::uint32_t of_model =
        2166136261u; // FNV-1a: drugs of one subject have numbers of their own, whatever their order
    for (const char c : model.name) of_model = (of_model ^ static_cast<unsigned char>(c)) * 16777619u;
    RandomStream random(static_cast<std::uint64_t>(number), Purpose::subject, of_model);
    Eigen::VectorXd independent(n);
    for (double& z : independent) z = random.normal();
    const Eigen::VectorXd etas = covariance_matrix(model).llt().matrixL() * independent;
    return {etas.begin(), etas.end()};
}

PkModel of_subject(const PkModel& model, std::int64_t number) {
    check_variability(model);
    const std::vector<double> etas = subject_etas(model, number);
    PkModel subject = model;
    const auto multiply = [&](const std::string& from, const std::string& to, double factor) {
        for (Flow& flow : subject.flows)
            if (flow.from == from && flow.to == to) flow.rate_per_h *= factor, flow.clearance_L_per_h *= factor;
    };
    for (std::size_t k = 0; k < etas.size(); ++k) {
        const Variation& variation = model.variations[k];
        const double factor = std::exp(etas[k]);
        if (!variation.volume.empty()) {
            subject.compartments[index_of(model, variation.volume)].volume_L *= factor;
            continue;
        }
        multiply(variation.from, variation.to, factor);
        if (variation.both_ways) multiply(variation.to, variation.from, factor);
    }
    return subject;
}

std::vector<Dose> repeated(const Dose& dose, double every_s, int times) {
    if (times < 1) fail("a dose is repeated 1 time or more");
    if (times > 1 && !positive.contains(every_s)) fail("the interval between doses must be above 0 s");
    std::vector<Dose> doses(static_cast<std::size_t>(times), dose);
    for (int i = 0; i < times; ++i) doses[static_cast<std::size_t>(i)].start_s += i * every_s;
    return doses;
}

Pharmacokinetics::Pharmacokinetics(PkModel model, const std::vector<Dose>& doses) : model_(std::move(model)) {
    check(model_);
    for (const Species& species : model_.species) central_.push_back(index_of(model_, species.central));
    system_per_h_ = system_matrix(model_);
    state_ = Eigen::VectorXd::Zero(system_per_h_.rows());
    for (const Dose& dose : doses) give(dose);
}

void Pharmacokinetics::give(const Dose& dose) {
    const Route* route = find_named(model_.routes, dose.route);
    if (!route) fail("pharmacokinetics " + quoted(model_.name) + " has no route " + quoted(dose.route));
    check_ranges(dose, "dose");
    if (!non_negative.contains(dose.amount_mg))
        fail("dose: amount = " + std::to_string(dose.amount_mg) + " mg is out of range");
    for (const RouteInput& input : route->inputs) {
        const double start_s = dose.start_s + input.lag_h * 3600;
        const double duration_s = std::max(dose.duration_s, input.duration_h * 3600);
        inputs_.push_back({to_ns(start_s), to_ns(start_s + duration_s), index_of(model_, input.compartment),
                           dose.amount_mg * input.fraction});
    }
}

void Pharmacokinetics::advance(double from_s, double to_s) {
    // Both ends are rounded to nanoseconds before they are subtracted: ticks of equal length then have equal
    // integer lengths, whose propagator is known, and rounding never accumulates.
    std::int64_t now = to_ns(from_s);
    const std::int64_t end = to_ns(to_s);
    if (end < now) fail("pharmacokinetics cannot go back in time");
    while (now < end) {
        std::int64_t next = end;
        for (const Input& input : inputs_)
            for (const std::int64_t event : {input.start_ns, input.end_ns})
                if (event > now) next = std::min(next, event);
        step(now, next);
        now = next;
    }
}

/// One step within which no input starts or ends.
void Pharmacokinetics::step(std::int64_t from_ns, std::int64_t to_ns) {
    Eigen::VectorXd rate_mg_per_h = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(model_.compartments.size()));
    for (const Input& input : inputs_) {
        if (input.start_ns == input.end_ns) {
            if (input.start_ns == from_ns) state_[input.compartment] += input.amount_mg;
        } else if (input.start_ns <= from_ns && from_ns < input.end_ns) {
            rate_mg_per_h[input.compartment] +=
                input.amount_mg * ns_per_h / static_cast<double>(input.end_ns - input.start_ns);
        }
    }
    const Propagator& p = propagator(to_ns - from_ns);
    state_ = p.state * state_ + p.input * rate_mg_per_h;
}

/// exp([A B; 0 0] h) = [exp(A h), integral of exp(A s) B; 0, 1] (Van Loan 1978, IEEE Trans Autom Control
/// 23:395).
const Pharmacokinetics::Propagator& Pharmacokinetics::propagator(std::int64_t step_ns) {
    const auto known = std::ranges::find(propagators_, step_ns, [](const auto& entry) { return entry.first; });
    if (known != propagators_.end()) return known->second;
    if (propagators_.size() == max_propagators) propagators_.clear();

    const Eigen::Index n = system_per_h_.rows();
    const auto inputs = static_cast<Eigen::Index>(model_.compartments.size());
    Eigen::MatrixXd augmented = Eigen::MatrixXd::Zero(n + inputs, n + inputs);
    augmented.topLeftCorner(n, n) = system_per_h_;
    augmented.block(0, n, inputs, inputs).setIdentity();
    const Eigen::MatrixXd full = (augmented * (static_cast<double>(step_ns) / ns_per_h)).exp();
    propagators_.push_back({step_ns, {full.topLeftCorner(n, n), full.block(0, n, n, inputs)}});
    return propagators_.back().second;
}

double Pharmacokinetics::next_event_after(double t_s) const {
    const std::int64_t now = to_ns(t_s);
    double next = std::numeric_limits<double>::infinity();
    for (const Input& input : inputs_)
        for (const std::int64_t event : {input.start_ns, input.end_ns})
            if (event > now) next = std::min(next, static_cast<double>(event) / ns_per_s);
    return next;
}

double Pharmacokinetics::concentration_mg_per_L(std::size_t species) const {
    const std::size_t central = central_.at(species);
    return state_[central] / model_.compartments[central].volume_L;
}

/// Own mass per mass as counted.
double Pharmacokinetics::mass_ratio(std::size_t species) const {
    const Species& s = model_.species.at(species);
    return s.molar_mass_g_per_mol / s.counted_as_g_per_mol;
}

double Pharmacokinetics::plasma_ng_per_mL(std::size_t species) const {
    return 1000 * concentration_mg_per_L(species) * mass_ratio(species);
}

double Pharmacokinetics::effect_site_ng_per_mL(std::size_t species) const {
    return 1000 * mass_ratio(species) * state_[model_.compartments.size() + species];
}

double Pharmacokinetics::unbound_plasma_uM(std::size_t species) const {
    const Species& s = model_.species.at(species);
    return plasma_ng_per_mL(species) * s.unbound_fraction / s.molar_mass_g_per_mol;
}

double Pharmacokinetics::unbound_brain_uM(std::size_t species) const {
    const Species& s = model_.species.at(species);
    return effect_site_ng_per_mL(species) * s.unbound_fraction * s.brain_plasma_unbound_ratio / s.molar_mass_g_per_mol;
}

double Pharmacokinetics::amount_mg(std::string_view compartment) const {
    check_compartment(model_, compartment, "amount");
    return state_[index_of(model_, compartment)];
}

double Pharmacokinetics::total_amount_mg() const {
    return state_.head(static_cast<Eigen::Index>(model_.compartments.size())).sum();
}

double Pharmacokinetics::eliminated_mg() const { return state_[state_.size() - 1]; }

void Pharmacokinetics::restore(const Eigen::VectorXd& state) {
    if (state.size() != state_.size()) fail("state of another pharmacokinetic model");
    state_ = state;
}

} // namespace rewire::drug

#include "experiment/description.hpp"

#include "experiment/options.hpp"
#include "experiment/reader.hpp"

namespace rewire::experiment {
namespace {

template <class S>
SectionInWords section(const char* where) {
    return {std::string(Described<S>::name), where, std::string(Described<S>::meaning), in_words<S>()};
}

template <class... M>
void add_models(std::vector<SectionInWords>& sections, std::variant<M...>*) {
    (sections.push_back(section<M>("[population.NAME] model")), ...);
}

} // namespace

std::string allowed_text(const Range& range, std::string_view unit) {
    const std::string text = range_text(range, unit);
    return text.starts_with("must be ") ? text.substr(8) : text.substr(text.find("between"));
}

KeyInWords in_words(const Key& key) {
    const bool bounded = key.range.low != any_value.low || key.range.high != any_value.high;
    std::string allowed(key.holds.empty() ? key.choices : key.holds);
    if (allowed.empty() || bounded) allowed += (allowed.empty() ? "" : ", ") + allowed_text(key.range, key.unit);
    return {std::string(key.name), key.fallback.empty() ? "needed" : std::string(key.fallback),
            key.unit == "1" ? "-" : std::string(key.unit), allowed, std::string(key.meaning)};
}

std::vector<SectionInWords> config_sections() {
    std::vector<SectionInWords> all{
        section<Config>("the file"),
        section<engine::Model>("[experiment]"),
        section<Subject>("[subject]"),
        section<network::Population>("[population.NAME]"),
    };
    add_models(all, static_cast<neuron::Model*>(nullptr));
    const auto add = [&](const auto&... more) { (all.push_back(more), ...); };
    add(section<synapse::Receptor>("[population.NAME.receptor.NAME]; the shares: [population.NAME.extrasynaptic]"),
        section<network::Background>("[population.NAME.background]"), section<network::Projection>("[projection.NAME]"),
        section<network::Rule>("[projection.NAME.rule]"),
        section<network::Distribution>("[projection.NAME] weight, delay; [population.NAME] initial"),
        section<network::ReceptorShare>("[projection.NAME.receptors]"),
        section<synapse::ShortTerm>("[projection.NAME.short_term]"),
        section<synapse::LongTerm>("[projection.NAME.long_term]"),
        section<engine::StructuralProjection>("[projection.NAME.structural]"),
        section<structure::GrowthRule>("[projection.NAME.structural] axonal, dendritic"),
        section<engine::Stimulus>("[[stimulus]]"), section<glutamate::GlutamateParameters>("[glutamate]"),
        section<molecular::InflammationParameters>("[inflammation]"),
        section<molecular::SignallingParameters>("[molecular]"),
        section<molecular::RestingDrive>("[molecular.resting_drive]"), section<neuron::LType>("[l_type]"),
        section<synapse::Scaling>("[scaling]"), section<molecular::Stress>("[stress]"),
        section<structure::CalciumParameters>("[calcium]"), section<engine::StructureModel>("[structure]"),
        section<structure::SpineParameters>("[structure.spines]"),
        section<structure::NeurogenesisParameters>("[neurogenesis.NAME]"), section<engine::DrugModel>("[drug.NAME]"),
        section<drug::PkModel>("[drug.NAME.pharmacokinetics]"),
        section<drug::Compartment>("[[drug.NAME.pharmacokinetics.compartment]]"),
        section<drug::Flow>("[[drug.NAME.pharmacokinetics.flow]]"),
        section<drug::Species>("[[drug.NAME.pharmacokinetics.species]], [drug.NAME.species.NAME]"),
        section<drug::Route>("[[drug.NAME.pharmacokinetics.route]]"),
        section<drug::RouteInput>("[[drug.NAME.pharmacokinetics.route.input]]"),
        section<drug::Variation>("[[drug.NAME.pharmacokinetics.variation]]"),
        section<drug::Covariance>("[[drug.NAME.pharmacokinetics.covariance]]"),
        section<drug::Blocker>("[drug.NAME.species.NAME.block]"),
        section<drug::TargetEffect>("[drug.NAME.species.NAME.target.NAME]"), section<engine::Arms>("[arms]"),
        section<drug::Dose>("[[dose]]"), section<drug::Repeat>("[dose.repeat], [therapy.repeat]"),
        section<engine::Intervention>("[[intervention]]"), section<clinic::Therapy>("[[therapy]]"),
        section<clinic::SymptomScore>("[symptom_score]"), section<clinic::Expectation>("[symptom_score.expectation]"),
        section<engine::Multirate>("[multirate]"), section<RecordOptions>("[record]"),
        section<RecordWindow>("[[record.windows]]"), section<engine::Trace>("[[record.traces]]"),
        section<CohortOptions>("[cohort]"), section<FieldOptions>("[cohort.field.NAME]"),
        section<CorrelationOptions>("[[cohort.correlation]]"), section<PlanOptions>("[[plan]]"));
    return all;
}

} // namespace rewire::experiment

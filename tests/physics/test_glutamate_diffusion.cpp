// Diffusion of extracellular glutamate between voxels against Green's functions, a closed form in one dimension, the
// one-voxel pool, and its books.
#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "glutamate/extracellular.hpp"
#include "random/stream.hpp"

using namespace rewire;
using namespace rewire::glutamate;

namespace {

const double d_um2_per_ms =

    effective_diffusion_um2_per_ms(GlutamateParameters{}.diffusion_um2_per_ms, GlutamateParameters{}.tortuosity);

struct Region {
    VoxelGrid grid;
    std::vector<ExtracellularPool> voxels;
    Diffusion diffusion;

    Region(const VoxelGrid& cut, std::vector<ExtracellularPool> pools) : grid(cut), voxels(std::move(pools)) {
        std::vector<double> volumes;
        for (const ExtracellularPool& voxel : voxels) volumes.push_back(voxel.volume_fL);
        diffusion = make_diffusion(grid, volumes, d_um2_per_ms);
    }
    /// Voxels of the same volume and healthy rate.
    explicit Region(const VoxelGrid& cut) : Region(cut, make_voxels({}, std::vector<double>(cut.size(), 1e4))) {}
    /// Nothing stored, nothing comes in.
    void empty() {
        for (ExtracellularPool& voxel : voxels) voxel.cleft_zmol = voxel.extracellular_zmol = voxel.leak_zmol_per_s = 0;
    }
    void advance(std::span<const double> rates, double eaat2, double duration_s, double tolerance = 1e-5) {
        glutamate::advance(voxels, diffusion, rates, eaat2, duration_s, tolerance);
    }
    double total(double ExtracellularPool::*amount) const {
        return std::accumulate(voxels.begin(), voxels.end(), 0.0,
                               [&](double sum, const ExtracellularPool& voxel) { return sum + voxel.*amount; });
    }
    double centre_um(std::size_t index, std::size_t axis) const {
        const std::array<std::size_t, 3> stride{1, grid.voxels[0], grid.voxels[0] * grid.voxels[1]};
        const auto along = static_cast<double>(index / stride[axis] % grid.voxels[axis]);
        return (along + 0.5) * grid.box_um[axis] / static_cast<double>(grid.voxels[axis]);
    }
};

/// Density along one axis (1/um) at time t of a unit released at s in [0, length] at time 0: the Green's function
/// exp(-x^2/4Dt)/sqrt(4 pi D t), with images of the source in the walls (Carslaw & Jaeger 1959, sections 10.2, 14.2).
double along_axis(double x, double s, double length, double t_ms, int images) {
    double sum = 0;
    for (int m = -images; m <= images; ++m)
        for (const double source : {2 * m * length + s, 2 * m * length - s}) {
            if (images == 0 && source != s) continue;
            sum += std::exp(-(x - source) * (x - source) / (4 * d_um2_per_ms * t_ms));
        }
    return sum / std::sqrt(4 * std::numbers::pi * d_um2_per_ms * t_ms);
}

/// Greatest error at time t of a point source in a cubic box of n^3 voxels, over the greatest density.
double point_source_error(std::size_t n, double edge_um, std::array<double, 3> source_um, double t_ms, int images) {
    Region region({{n, n, n}, {edge_um, edge_um, edge_um}});
    region.empty();
    const double voxel_um3 = std::pow(edge_um / static_cast<double>(n), 3);
    std::size_t source = 0;
    for (std::size_t axis = 3; axis-- > 0;)
        source = source * n + static_cast<std::size_t>(source_um[axis] / edge_um * static_cast<double>(n));
    const double released = 1e3 * region.voxels[source].volume_fL;
    region.voxels[source].extracellular_zmol = released;
    region.advance(std::vector<double>(n * n * n, 0.0), 0, 1e-3 * t_ms, 1e-4);
    CHECK(region.total(&ExtracellularPool::extracellular_zmol) == Approx(released).epsilon(1e-12));

    double error = 0, greatest = 0;
    for (std::size_t i = 0; i < region.voxels.size(); ++i) {
        double truth = 1;
        for (std::size_t axis = 0; axis < 3; ++axis)
            truth *= along_axis(region.centre_um(i, axis), source_um[axis], edge_um, t_ms, images);
        error = std::max(error, std::abs(region.voxels[i].extracellular_zmol / released / voxel_um3 - truth));
        greatest = std::max(greatest, truth);
    }
    return error / greatest;
}

} // namespace

TEST_CASE("a point source spreads as its Green's function, at three resolutions", "[glutamate]") {
    // Voxels of 0.89, 0.53 and 0.38 um. The scheme is of second order: the error falls as the square of the voxel. As
    // the coarsest is not small against the width of the cloud, 3/4 of that order is asked for. On a grid of spacing h
    // the cloud has its variance v = 2 D* t exact and the excess fourth cumulant h^2 v along each axis, which raises
    // the peak by 3/8 h^2/v; at the finest resolution the next term is a quarter of that at most.
    const std::array<std::size_t, 3> resolutions{9, 15, 21};
    const double edge_um = 8, h_um = edge_um / 21;
    const auto check = [&](std::array<double, 3> source_um, double variance_um2, int images) {
        std::array<double, 3> error{};
        for (std::size_t k = 0; k < 3; ++k)
            error[k] =
                point_source_error(resolutions[k], edge_um, source_um, variance_um2 / (2 * d_um2_per_ms), images);
        INFO(error[0] << " " << error[1] << " " << error[2]);
        CHECK(error[2] < 1.25 * 3.0 / 8 * h_um * h_um / variance_um2);
        for (std::size_t k = 1; k < 3; ++k)
            CHECK(error[k] <
                  error[k - 1] *
                      std::pow(static_cast<double>(resolutions[k - 1]) / static_cast<double>(resolutions[k]), 1.5));
    };
    SECTION("in an infinite medium") {
        // A width of 1 um in the middle of 8 um: what the walls send back is at most exp(-8) of the peak, 0.03 %.
        check({4, 4, 4}, 1, 0);
    }
    SECTION("in a box, by image sources") { check({edge_um / 6, 4, 4}, 2.4, 3); }
}

TEST_CASE("diffusion keeps the books of all voxels", "[glutamate]") {
    // As for one pool: each outflow is integrated from its own rate and what leaves a voxel enters another.
    RandomStream random(11, Purpose::stimulus, 0);
    const VoxelGrid grid{{3, 4, 2}, {20, 15, 8}};
    std::vector<double> rates(grid.size());
    for (double& rate : rates) rate = random.uniform() < 0.2 ? 0 : 1e4 * random.uniform();
    Region region(grid, make_voxels({}, rates));
    const auto stored = [&] {
        return region.total(&ExtracellularPool::cleft_zmol) + region.total(&ExtracellularPool::extracellular_zmol);
    };
    const double at_start = stored();
    for (int n = 0; n < 60; ++n) {
        std::vector<double> now;
        for (const double rate : rates)
            now.push_back(n % 7 == 0 ? 0.0 : rate * (n % 5 == 0 ? 500 : 3) * random.uniform());
        region.advance(now, n % 6 == 0 ? 0 : 0.3 + random.uniform(),
                       n % 20 == 19 ? 3600 : std::pow(10.0, 3 * random.uniform() - 3));
        const double through =
            region.total(&ExtracellularPool::released_zmol) + region.total(&ExtracellularPool::leaked_zmol);
        CHECK(std::abs(through - (stored() - at_start) - region.total(&ExtracellularPool::taken_up_at_synapse_zmol) -
                       region.total(&ExtracellularPool::taken_up_zmol)) < 1e-11 * through);
    }
}

TEST_CASE("healthy voxels stay at the ambient level whatever they release", "[glutamate]") {
    const std::vector<double> rates{1e3, 0, 4e4, 3, 1e5, 2e3, 0, 1e4};
    Region region({{2, 2, 2}, {5, 5, 5}}, make_voxels({}, rates));
    region.advance(rates, 1, 1000);
    for (const ExtracellularPool& voxel : region.voxels) {
        CHECK(concentration_uM(voxel) == Approx(voxel.parameters.ambient_uM).epsilon(1e-12));
        CHECK(voxel.nmda_gating == Approx(1).epsilon(1e-12));
    }
}

TEST_CASE("voxels with one input are one pool", "[glutamate]") {
    const VoxelGrid grid{{3, 2, 4}, {6, 6, 6}};
    Region region(grid);
    ExtracellularPool pool = make_pool({}, 1e4 * static_cast<double>(grid.size()));
    for (const double factor : {3.0, 0.0, 200.0, 1.0}) {
        region.advance(std::vector<double>(grid.size(), factor * 1e4), 0.8, 0.05);
        advance(pool, factor * 1e4 * static_cast<double>(grid.size()), 0.8, 0.05);
        CHECK(region.total(&ExtracellularPool::extracellular_zmol) == Approx(pool.extracellular_zmol).epsilon(1e-10));
        for (const ExtracellularPool& voxel : region.voxels) {
            CHECK(concentration_uM(voxel) == Approx(concentration_uM(pool)).epsilon(1e-10));
            CHECK(voxel.mglur_release_factor == Approx(pool.mglur_release_factor).epsilon(1e-10));
        }
    }
}

TEST_CASE("a steady gradient of glutamate has the closed form of uptake and diffusion", "[glutamate]") {
    // Far below Km uptake is k G, k = Vmax/Km. With an input a in [0, w] of a column [0, L] and l = sqrt(D*/k),
    // l^2 G'' = G - a/k [x < w], G' = 0 at the walls: beyond w, G = a/k sinh(w/l)/sinh(L/l) cosh((L - x)/l); before,
    // G = a/k (1 - sinh((L - w)/l)/sinh(L/l) cosh(x/l)). The level is 1e-4 uM, so that the curvature of uptake is
    // 1e-5; the error of the grid, second order, is 100 times that.
    const GlutamateParameters p;
    const double k_per_s = p.uptake_vmax_uM_per_s / p.uptake_half_uM, length_um = 6, source_um = 1.5;
    const double l_um = std::sqrt(1e3 * d_um2_per_ms / k_per_s), a_uM_per_s = 1e-4 * k_per_s;
    CHECK(l_um == Approx(1.54).epsilon(0.01));
    for (std::size_t axis = 0; axis < 3; ++axis) {
        std::array<double, 3> error{};
        for (std::size_t resolution = 0; resolution < 3; ++resolution) {
            VoxelGrid grid{{1, 1, 1}, {1, 1, 1}};
            grid.voxels[axis] = std::size_t{24} << resolution;
            grid.box_um[axis] = length_um;
            Region region(grid);
            region.empty();
            for (std::size_t i = 0; i < region.voxels.size(); ++i)
                if (region.centre_um(i, axis) < source_um)
                    region.voxels[i].leak_zmol_per_s = a_uM_per_s * region.voxels[i].volume_fL;
            region.advance(std::vector<double>(grid.size(), 0.0), 1, 600);
            for (std::size_t i = 0; i < region.voxels.size(); ++i) {
                const double x = region.centre_um(i, axis);
                const double shape = x > source_um ? std::sinh(source_um / l_um) * std::cosh((length_um - x) / l_um) /
                                                         std::sinh(length_um / l_um)
                                                   : 1 - std::sinh((length_um - source_um) / l_um) *
                                                             std::cosh(x / l_um) / std::sinh(length_um / l_um);
                error[resolution] = std::max(
                    error[resolution], std::abs(concentration_uM(region.voxels[i]) * k_per_s / a_uM_per_s - shape));
            }
        }
        INFO(error[0] << " " << error[1] << " " << error[2]);
        CHECK(error[0] < 0.01);
        CHECK(error[0] / error[1] == Approx(4).epsilon(0.1));
        CHECK(error[1] / error[2] == Approx(4).epsilon(0.1));
    }
}

TEST_CASE("diffusion between unequal volumes evens out the levels, not the amounts", "[glutamate]") {
    // Two voxels exchange at D*/h^2 V_ab; with V_ab = 2 Va Vb/(Va + Vb) the difference decays at 2 D*/h^2 whatever
    // the volumes.
    const std::vector<double> rates{1e4, 7e4};
    Region region({{2, 1, 1}, {10, 10, 10}}, make_voxels({}, rates));
    region.empty();
    const double h_um = 5, level_uM = 1;
    region.voxels[0].extracellular_zmol = level_uM * region.voxels[0].volume_fL;
    const double tau_s = h_um * h_um / (2 * 1e3 * d_um2_per_ms);
    const auto difference = [&] { return concentration_uM(region.voxels[0]) - concentration_uM(region.voxels[1]); };
    region.advance(std::vector<double>(2, 0.0), 0, tau_s, 1e-7);
    CHECK(difference() == Approx(level_uM * std::exp(-1)).epsilon(1e-3));
    region.advance(std::vector<double>(2, 0.0), 0, 1e5);
    CHECK(std::abs(difference()) < 1e-9);
    CHECK(concentration_uM(region.voxels[0]) == Approx(level_uM / 8).epsilon(1e-9));
}

TEST_CASE("one leap of diffusing glutamate equals many ticks", "[glutamate]") {
    const VoxelGrid grid{{4, 3, 1}, {12, 9, 3}};
    Region leap(grid), ticks(grid);
    std::vector<double> rates(grid.size(), 1e4);
    rates[0] = 8e4;
    rates[7] = 0;
    leap.advance(rates, 0.7, 100);
    for (int n = 0; n < 1000; ++n) ticks.advance(rates, 0.7, 0.1);
    for (std::size_t i = 0; i < grid.size(); ++i) {
        CHECK(concentration_uM(leap.voxels[i]) == Approx(concentration_uM(ticks.voxels[i])).epsilon(1e-9));
        CHECK(leap.voxels[i].taken_up_zmol == Approx(ticks.voxels[i].taken_up_zmol).epsilon(1e-5));
    }
    CHECK(concentration_uM(leap.voxels[0]) > concentration_uM(leap.voxels[1]));
    CHECK(concentration_uM(leap.voxels[1]) > concentration_uM(leap.voxels[2]));
}

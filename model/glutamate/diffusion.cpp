#include "glutamate/diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace rewire::glutamate {
namespace {

constexpr double ms_per_s = 1e3;

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

double dot(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

} // namespace

double effective_diffusion_um2_per_ms(double free_um2_per_ms, double tortuosity) {
    require(std::isfinite(free_um2_per_ms) && free_um2_per_ms >= 0,
            "glutamate: the diffusion coefficient must be finite and 0 or more");
    require(std::isfinite(tortuosity) && tortuosity >= 1, "glutamate: the tortuosity must be finite and 1 or more");
    return free_um2_per_ms / (tortuosity * tortuosity);
}

std::size_t VoxelGrid::at(const std::array<double, 3>& position_um) const {
    std::size_t index = 0;
    for (std::size_t axis = 3; axis-- > 0;) {
        if (voxels[axis] == 1) continue; // the box may be flat
        const double count = static_cast<double>(voxels[axis]);
        const double along = count * (position_um[axis] - origin_um[axis]) / box_um[axis];
        index = index * voxels[axis] + static_cast<std::size_t>(std::clamp(std::floor(along), 0.0, count - 1));
    }
    return index;
}

Diffusion make_diffusion(const VoxelGrid& grid, std::span<const double> volume_fL, double effective_um2_per_ms) {
    double count = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) {
        require(grid.voxels[axis] > 0, "glutamate: a grid has at least one voxel along each axis");
        require(grid.voxels[axis] == 1 || is_positive(grid.box_um[axis]),
                "glutamate: the edges of the box must be finite and above 0");
        count *= static_cast<double>(grid.voxels[axis]);
    }
    require(count <= std::numeric_limits<std::uint32_t>::max(), "glutamate: a grid has at most 2^32 voxels");
    require(volume_fL.size() == grid.size() && std::all_of(volume_fL.begin(), volume_fL.end(), is_positive),
            "glutamate: each voxel of the grid has a volume, finite and above 0");
    require(std::isfinite(effective_um2_per_ms) && effective_um2_per_ms >= 0,
            "glutamate: the diffusion coefficient must be finite and 0 or more");
    Diffusion diffusion;
    if (effective_um2_per_ms == 0) return diffusion;
    const std::array<std::size_t, 3> stride{1, grid.voxels[0], grid.voxels[0] * grid.voxels[1]};
    for (std::size_t axis = 0; axis < 3; ++axis) {
        const double edge_um = grid.box_um[axis] / static_cast<double>(grid.voxels[axis]);
        const double rate_per_s = ms_per_s * effective_um2_per_ms / (edge_um * edge_um);
        for (std::size_t a = 0; a < grid.size(); ++a) {
            if (a / stride[axis] % grid.voxels[axis] + 1 == grid.voxels[axis]) continue; // at the wall
            const std::size_t b = a + stride[axis];
            const double between_fL = 2 / (1 / volume_fL[a] + 1 / volume_fL[b]);
            diffusion.faces.push_back(
                {static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), rate_per_s * between_fL});
        }
    }
    if (diffusion.faces.empty()) return diffusion;
    diffusion.outward_fL_per_s.assign(grid.size(), 0);
    for (const Diffusion::Face& face : diffusion.faces) {
        diffusion.outward_fL_per_s[face.a] += face.exchange_fL_per_s;
        diffusion.outward_fL_per_s[face.b] += face.exchange_fL_per_s;
    }
    return diffusion;
}

void add_inflow(const Diffusion& diffusion, std::span<const double> level_uM, std::span<double> inflow_zmol_per_s) {
    for (const Diffusion::Face& face : diffusion.faces) {
        const double flux = face.exchange_fL_per_s * (level_uM[face.b] - level_uM[face.a]);
        inflow_zmol_per_s[face.a] += flux;
        inflow_zmol_per_s[face.b] -= flux;
    }
}

std::vector<double> solve_implicit(const Diffusion& diffusion, std::span<const double> diagonal, double dt_s,
                                   std::span<const double> right_hand_side) {
    const std::size_t n = right_hand_side.size();
    std::vector<double> x(n), residual(n), scaled(n), direction(n), image(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = right_hand_side[i] / diagonal[i];
    if (diffusion.faces.empty()) return x;
    // Conjugate gradients (Hestenes & Stiefel 1952) on the symmetric matrix, scaled by its diagonal. Where uptake is
    // faster than exchange, a few iterations do.
    const auto apply = [&](const std::vector<double>& v, std::vector<double>& result) {
        std::fill(result.begin(), result.end(), 0.0);
        add_inflow(diffusion, v, result);
        for (std::size_t i = 0; i < n; ++i) result[i] = diagonal[i] * v[i] - dt_s * result[i];
    };
    const auto scale = [&] {
        for (std::size_t i = 0; i < n; ++i)
            scaled[i] = residual[i] / (diagonal[i] + dt_s * diffusion.outward_fL_per_s[i]);
    };
    constexpr double relative_residual = 1e-14;
    apply(x, image);
    for (std::size_t i = 0; i < n; ++i) residual[i] = right_hand_side[i] - image[i];
    const double enough = relative_residual * relative_residual * dot(right_hand_side, right_hand_side);
    scale();
    direction = scaled;
    double product = dot(residual, scaled);
    const std::size_t most = 10 * n + 100; // in exact arithmetic n would do
    for (std::size_t k = 0; k < most && dot(residual, residual) > enough; ++k) {
        apply(direction, image);
        const double step = product / dot(direction, image);
        for (std::size_t i = 0; i < n; ++i) {
            x[i] += step * direction[i];
            residual[i] -= step * image[i];
        }
        scale();
        const double before = product;
        product = dot(residual, scaled);
        for (std::size_t i = 0; i < n; ++i) direction[i] = scaled[i] + product / before * direction[i];
    }
    // The sum of all equations holds to rounding, whatever the iterations left: one constant is added to all levels.
    double missing = 0, total = 0;
    for (std::size_t i = 0; i < n; ++i) {
        missing += right_hand_side[i] - diagonal[i] * x[i];
        total += diagonal[i];
    }
    for (double& level : x) level += missing / total;
    return x;
}

} // namespace rewire::glutamate

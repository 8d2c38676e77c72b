#pragma once
// Diffusion of extracellular glutamate between the voxels of a grid.
//
//     alpha dG/dt = div(alpha D* grad G),   D* = D/lambda^2      Nicholson & Sykova 1998, their D* and lambda
//
// with no flux through the walls of the box. alpha is the extracellular space per tissue, here the volume of a voxel's
// pool over that of the voxel. Finite volumes, second order in the voxel: between neighbours a and b at distance h
// goes D*/h^2 V_ab (G_b - G_a), V_ab the harmonic mean of their volumes, which is two half voxels in series. What
// leaves one voxel enters another, so amounts are conserved.
//
// Uptake limits how far glutamate gets, to sqrt(D* Km/Vmax): 1.5 um with the defaults. Voxels of tens of micrometres
// exchange little unless uptake is blocked or saturated.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rewire::glutamate {

/// D* in um^2/ms. \throws std::invalid_argument  negative or not finite coefficient, tortuosity below 1
double effective_diffusion_um2_per_ms(double free_um2_per_ms, double tortuosity);

/// A box cut into equal voxels; voxel (x, y, z) has the index x + nx (y + ny z).
struct VoxelGrid {
    std::array<std::size_t, 3> voxels = {1, 1, 1};
    std::array<double, 3> box_um = {300, 300, 300};
    std::array<double, 3> origin_um = {0, 0, 0}; ///< corner of the box

    std::size_t size() const { return voxels[0] * voxels[1] * voxels[2]; }
    /// The voxel that a position lies in; of one outside, the nearest along each axis.
    std::size_t at(const std::array<double, 3>& position_um) const;
};

/// Exchange between voxels; empty if there is none.
struct Diffusion {
    struct Face {
        std::uint32_t a, b;
        double exchange_fL_per_s; ///< D*/h^2 V_ab: amount per time and difference of levels
    };
    std::vector<Face> faces;
    std::vector<double> outward_fL_per_s; ///< per voxel: sum over its faces
};

/// Exchange between the voxels of a grid whose pools have these volumes.
/// \throws std::invalid_argument  no voxel along an axis or more than 2^32 of them, an edge that is cut or a volume not
/// above
///                                0, not one volume per voxel, or a coefficient that is negative or not finite
Diffusion make_diffusion(const VoxelGrid& grid, std::span<const double> volume_fL, double effective_um2_per_ms);

/// Adds what each voxel receives from its neighbours at these levels (zmol/s at uM).
void add_inflow(const Diffusion& diffusion, std::span<const double> level_uM, std::span<double> inflow_zmol_per_s);

/// Solves diagonal x level - dt x inflow(level) = right_hand_side for the levels. The sum over all voxels, in which
/// inflow cancels, holds to rounding.
/// \param diagonal  per voxel, above 0
std::vector<double> solve_implicit(const Diffusion& diffusion, std::span<const double> diagonal, double dt_s,
                                   std::span<const double> right_hand_side);

} // namespace rewire::glutamate

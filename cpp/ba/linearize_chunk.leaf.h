// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::ba {

// Writes the chunk's Jacobian, point Hessians and gradients, and to `partial` the gradient by its images' columns.
// Returns the chunk's cost.
double linearize_chunk(const fastcv::ba::Equations& equations, const fastcv::ba::Lenses& lenses,
                       const fastcv::ba::RobustLoss& loss, const fastcv::ba::Estimate& at, std::int64_t chunk);
// One Gauss-Newton step for each of the chunk's free points on its own, cameras fixed, taken where it lowers the cost
// of the point's observations: changes `points`. Returns the chunk's cost after it. Scratch: 14 doubles for each point.
double refine_points(const fastcv::ba::Equations& equations, const fastcv::ba::Lenses& lenses,
                     const fastcv::ba::RobustLoss& loss, const fastcv::ba::Estimate& at, double* points, double lambda,
                     std::int64_t chunk, double* scratch);

}  // namespace fastcv::FASTCV_ISA::ba

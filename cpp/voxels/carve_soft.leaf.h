// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// Rows along x [begin, end), numbered in raster order: probabilities, and the gradient by the log odds of each voxel.
void carve_soft(const fastcv::voxels::SoftCarving<float>& carving, std::int64_t begin, std::int64_t end, float* out);
void carve_soft(const fastcv::voxels::SoftCarving<double>& carving, std::int64_t begin, std::int64_t end, double* out);
void weigh_soft(const fastcv::voxels::SoftCarving<float>& carving, std::int64_t begin, std::int64_t end,
                const float* grad, float* weights);
void weigh_soft(const fastcv::voxels::SoftCarving<double>& carving, std::int64_t begin, std::int64_t end,
                const double* grad, double* weights);

// Adds to the gradient by each pixel of one view, in the order of voxels.
void scatter_soft(const fastcv::voxels::SoftCarving<float>& carving, std::int64_t view, std::int64_t begin,
                  std::int64_t end, const float* weights, double* sums);
void scatter_soft(const fastcv::voxels::SoftCarving<double>& carving, std::int64_t view, std::int64_t begin,
                  std::int64_t end, const double* weights, double* sums);

}  // namespace fastcv::FASTCV_ISA::voxels

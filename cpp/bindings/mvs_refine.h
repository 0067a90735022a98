// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of refinement share.
#pragma once

#include "bindings/mvs.h"
#include "mvs/refine_depth.h"

namespace fastcv::bindings {

// The sweep's first plane is that of the nearest depth, its last one of the farthest. intrinsics: fx, skew, cx, fy, cy;
// to_reference: a row for each source depth map.
inline mvs::Refinement refinement_from(const mvs::Sweep& sweep, const HostNumbers<float, 5>& intrinsics, float step,
                                       const ViewArgs<const float, 2>& source_depths,
                                       const HostMatrix<float, 12>& to_reference, float geometric_weight,
                                       std::uint64_t seed) {
  mvs::Refinement r{};
  const float *planes = sweep.hypotheses.planes, *K = intrinsics.data();
  r.sweep = sweep;
  r.nearest = planes[2], r.farthest = planes[3 * sweep.hypotheses.num - 1];
  r.step = step;
  r.fx = K[0], r.skew = K[1], r.cx = K[2], r.fy = K[3], r.cy = K[4];
  r.geometric_weight = geometric_weight;
  r.seed = seed;
  for (std::size_t k = 0; k < source_depths.size(); ++k) {
    r.source_depths[k].depth = source_depths[k].data();
    const float* row = to_reference.data() + 12 * k;
    std::copy(row, row + 12, r.source_depths[k].to_reference);
  }
  return r;
}

#define FASTCV_REFINE_PARAMETERS                                                                                       \
  FASTCV_SWEEP_PARAMETERS, HostNumbers<float, 5> intrinsics, float step, const ViewArgs<const float, 2>&source_depths, \
      HostMatrix<float, 12> to_reference, float geometric_weight, std::uint64_t seed, int num_iterations,              \
      ViewArg<float, 2> depth, ViewArg<float, 3> normals, ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost,    \
      ViewArg<float, 3> scratch
#define FASTCV_REFINED_MAP \
  mvs::RefinedMap { view<2>(depth), view<3>(normals), view<2>(confidence), view<2>(out_cost), view<3>(scratch) }
#define FASTCV_REFINE_VALUES \
  sweep_from(FASTCV_SWEEP_VALUES), intrinsics, step, source_depths, to_reference, geometric_weight, seed
#define FASTCV_REFINE_ARGS                                                                                            \
  FASTCV_SWEEP_ARGS, array("intrinsics"), nb::arg("step"), nb::arg("source_depths").noconvert(),                      \
      array("to_reference"), nb::arg("geometric_weight"), nb::arg("seed"), nb::arg("num_iterations"), array("depth"), \
      array("normals"), array("confidence"), array("out_cost"), array("scratch")

}  // namespace fastcv::bindings

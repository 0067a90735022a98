// SPDX-License-Identifier: Apache-2.0
// One observation of the resident solver. There is one kernel per camera model, whatever is wanted of it: two more
// would triple the time to compile, and save arithmetic where memory is what takes time.
#pragma once

#include "ba/reprojection.hd.h"
#include "ba/resident_equations.hd.h"

namespace fastcv::FASTCV_ISA::ba {

enum class Wanted { linearization, shifts, cost };

template <class Model>
struct Observe {
  ResidentEquations e;
  Estimate at;
  const std::int64_t* rows;  // the observations through this camera model; null where all are
  Wanted wanted;
  Column* shifts;  // (num_observations, 3) for Wanted::shifts

  FASTCV_HD void operator()(std::int64_t i) const {
    constexpr int kColumns = kPoseSize + Model::kNumParams;
    const std::int64_t k = rows ? rows[i] : i;
    const std::int64_t image = e.images[k], camera = e.image_cameras[image], first = e.param_offsets[camera];
    double r[2], d_camera[2 * kColumns], d_point[6];
    reprojection_jacobian<Model>(at.cam_from_world + 12 * image, at.params + first,
                                 at.points + 3 * std::int64_t(e.points[k]), e.observed + 2 * k, e.weights[k], r,
                                 d_camera, d_point);
    if (e.whitening) {
      whiten(e.whitening + 3 * k, r, r + 1, 1);
      whiten(e.whitening + 3 * k, d_camera, d_camera + kColumns, kColumns);
    }
    const RhoDerivatives rho = robust_loss(e.loss, r[0] * r[0] + r[1] * r[1]);
    e.costs[k] = 0.5 * rho.rho;
    if (wanted == Wanted::cost) return;
    const double scale = sqrt(rho.first);  // as in linearize_chunk.leaf.cpp
    e.weighted[2 * k] = scale * r[0];
    e.weighted[2 * k + 1] = scale * r[1];
    const auto column = [&](int c) {
      return Column{static_cast<float>(scale * d_camera[c]), static_cast<float>(scale * d_camera[kColumns + c])};
    };
    if (wanted == Wanted::shifts) {
      for (int c = 0; c < 3; ++c) shifts[3 * k + c] = column(kShiftColumn + c);
      return;
    }
    Column* row = e.jacobian + k * e.columns;
    for (int c = 0; c < kPoseSize; ++c) row[c] = column(c);
    // Over the parameters, not over the columns: indices that the compiler knows keep the derivatives in registers.
    for (int c = 0; c < Model::kNumParams; ++c) {
      const int to = e.param_columns[first + c];
      if (to >= 0) row[to] = column(kPoseSize + c);
    }
    for (int c = kPoseSize + e.num_free[camera]; c < e.columns; ++c) row[c] = {0, 0};
  }
};

}  // namespace fastcv::FASTCV_ISA::ba

// SPDX-License-Identifier: Apache-2.0
// Errors of many correspondences under many models, over plain arrays; the CPU loop and the CUDA kernel both call this.
#pragma once

#include "core/view.h"
#include "geometry/residuals.hd.h"

namespace fastcv::FASTCV_ISA {

// Squared Sampson error in pixels² of correspondence i.
template <class T>
struct SampsonPairs {
  using Residual = Sampson;
  Rows<const T, 2> points1, points2;

  FASTCV_HD std::int64_t rows() const { return points1.rows; }
  FASTCV_HD T squared_error(const T* model, std::int64_t i) const {
    const T c[6] = {points1[i][0], points1[i][1], points2[i][0], points2[i][1], T(1), T(1)};
    return Sampson::squared_error(model, c);
  }
};

// Squared reprojection error in pixels² of a normalised observation, weighted by its pixels per unit.
template <class T>
struct ReprojectionPairs {
  using Residual = Reprojection;
  Rows<const T, 2> points2D;
  Rows<const T, 3> points3D;
  T weight;

  FASTCV_HD std::int64_t rows() const { return points2D.rows; }
  FASTCV_HD T squared_error(const T* model, std::int64_t i) const {
    const T c[6] = {points3D[i][0], points3D[i][1], points3D[i][2], points2D[i][0], points2D[i][1], weight};
    return Reprojection::squared_error(model, c);
  }
};

}  // namespace fastcv::FASTCV_ISA

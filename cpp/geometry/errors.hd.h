// SPDX-License-Identifier: Apache-2.0
// Errors of correspondences in plain (N, columns) arrays; the CPU loop and the CUDA kernels both call exactly this.
#pragma once

#include <cmath>

#include "core/view.h"
#include "geometry/residuals.hd.h"

namespace fastcv::FASTCV_ISA {

// Sampson error of pixels, or of normalised points where one unit counts as one.
template <class T>
struct SampsonPairs {
  static constexpr int kModel = Sampson::kModel;
  Rows<const T, 2> points1, points2;

  FASTCV_HD std::int64_t rows() const { return points1.rows; }
  FASTCV_HD T squared_error(const T* model, std::int64_t i) const {
    const T c[Sampson::kColumns] = {points1[i][0], points1[i][1], points2[i][0], points2[i][1], T(1), T(1)};
    return Sampson::squared_error(model, c);
  }
};

// Reprojection error of normalised observations.
template <class T>
struct ReprojectionPairs {
  static constexpr int kModel = Reprojection::kModel;
  Rows<const T, 2> points2D;
  Rows<const T, 3> points3D;

  FASTCV_HD std::int64_t rows() const { return points2D.rows; }
  FASTCV_HD T squared_error(const T* model, std::int64_t i) const {
    const T c[Reprojection::kColumns] = {points3D[i][0], points3D[i][1], points3D[i][2],
                                         points2D[i][0], points2D[i][1], T(1)};
    return Reprojection::squared_error(model, c);
  }
};

// The error of correspondence index % N under model index / N.
template <class Pairs, class T>
struct ErrorOne {
  Pairs pairs;
  const T* models;
  T* errors;

  FASTCV_HD void operator()(std::int64_t index) const {
    const std::int64_t n = pairs.rows();
    errors[index] = std::sqrt(pairs.squared_error(models + index / n * Pairs::kModel, index % n));
  }
};

}  // namespace fastcv::FASTCV_ISA

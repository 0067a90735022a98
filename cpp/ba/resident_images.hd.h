// SPDX-License-Identifier: Apache-2.0
// One image of the resident solver: its gradient and its block of the Hessian, summed over its observations as rows of
// SumRows, and its priors.
#pragma once

#include "ba/resident_equations.hd.h"

namespace fastcv::FASTCV_ISA::ba {

struct OverImages {
  ResidentEquations e;
  FASTCV_HD std::int64_t begin(std::int64_t image) const { return e.image_begin[image]; }
  FASTCV_HD std::int64_t end(std::int64_t image) const { return e.image_begin[image + 1]; }
};

struct ImageGradients : OverImages {
  FASTCV_HD int size() const { return e.columns; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int c) const {
    const std::int64_t k = e.by_image[i];
    const Column a = e.row(k)[c];
    return a.x * e.weighted[2 * k] + a.y * e.weighted[2 * k + 1];
  }
  FASTCV_HD void store(std::int64_t image, int c, double sum) const { e.image_gradient[image * e.columns + c] = sum; }
};

struct ImageHessians : OverImages {
  FASTCV_HD int size() const { return e.columns * e.columns; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int entry) const {
    const Column* row = e.row(e.by_image[i]);
    const Column a = row[entry / e.columns], b = row[entry % e.columns];
    return double(a.x) * b.x + double(a.y) * b.y;
  }
  FASTCV_HD void store(std::int64_t image, int entry, double sum) const {
    e.image_hessian[image * size() + entry] = sum;
  }
};

// Row c of an image's Hessian times values of its columns.
FASTCV_HD double hessian_times(const ResidentEquations& e, const double* values, std::int64_t image, int c) {
  const double *row = e.image_hessian + (image * e.columns + c) * e.columns, *x = values + image * e.columns;
  double sum = 0;
  for (int i = 0; i < e.columns; ++i) sum += row[i] * x[i];
  return sum;
}

// As a term of a sum over images and columns: xᵀ H x.
struct ImageCurvature {
  ResidentEquations e;
  const double* x;
  FASTCV_HD double operator()(std::int64_t i) const {
    return x[i] * hessian_times(e, x, i / e.columns, static_cast<int>(i % e.columns));
  }
};

struct HessianDiagonal {
  ResidentEquations e;
  double* out;  // (num_images, columns)
  FASTCV_HD double operator()(std::int64_t i) const { return out[i] = e.image_hessian[i * e.columns + i % e.columns]; }
};

// Adds the gradient and Hessian of an image's priors unless `cost_only`; as a term of a sum: their cost.
struct ImagePriorTerms {
  ResidentEquations e;
  Estimate at;
  bool cost_only;

  template <int D>
  FASTCV_HD double add(std::int64_t image, int first, const PriorTerm<D>& term,
                       const fastcv::ba::RobustLoss& loss) const {
    const RhoDerivatives rho = robust_loss(loss, term.squared());
    if (cost_only || first < 0) return 0.5 * rho.rho;
    double* gradient = e.image_gradient + image * e.columns + first;
    double* hessian = e.image_hessian + (image * e.columns + first) * e.columns + first;
    for (int k = 0; k < D; ++k) {
      const double* row = term.jacobian[k];
      for (int r = 0; r < D; ++r) {
        gradient[r] += rho.first * row[r] * term.residual[k];
        for (int c = 0; c < D; ++c) hessian[r * e.columns + c] += rho.first * row[r] * row[c];
      }
    }
    return 0.5 * rho.rho;
  }
  FASTCV_HD double operator()(std::int64_t image) const {
    const ImagePriorLists& priors = e.image_priors;
    const double* pose = at.cam_from_world + 12 * image;
    double cost = 0;
    if (priors.pose_begin) {
      for (std::int64_t i = priors.pose_begin[image]; i < priors.pose_begin[image + 1]; ++i) {
        const double *value = priors.poses.values.data + 12 * i, *whitening = priors.poses.whitening.data + 36 * i;
        cost += add(image, 0, pose_prior(pose, value, whitening), priors.poses.loss);
      }
    }
    if (priors.position_begin) {
      for (std::int64_t i = priors.position_begin[image]; i < priors.position_begin[image + 1]; ++i) {
        const double *value = priors.positions.values.data + 3 * i,
                     *whitening = priors.positions.whitening.data + 9 * i;
        cost += add(image, kShiftColumn, position_prior(pose, value, whitening), priors.positions.loss);
      }
    }
    if (priors.params_begin) {
      for (std::int64_t i = priors.params_begin[image]; i < priors.params_begin[image + 1]; ++i) {
        const double* param = at.params + priors.params[i];
        cost += add(image, priors.columns[i], difference_prior<1>(param, priors.values + i, priors.weights + i),
                    {fastcv::ba::Loss::none, 1});
      }
    }
    return cost;
  }
};

}  // namespace fastcv::FASTCV_ISA::ba

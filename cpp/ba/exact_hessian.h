// SPDX-License-Identifier: Apache-2.0
// The Hessian of the cost itself, with the second derivatives of projections and losses that Gauss-Newton leaves out.
#pragma once

#include <memory>
#include <vector>

#include "ba/arrangement.h"

namespace fastcv::ba {

// A vector over everything in a problem, fixed or free: of a pose (w, v).
struct TangentView {
  Rows<double, 6> poses;   // (num_images, 6)
  View<double, 1> params;  // of all cameras
  Rows<double, 3> points;  // (num_points, 3)
};
struct Tangent {
  std::vector<double> poses, params, points;

  explicit Tangent(const Problem& problem)
      : poses(6 * problem.num_images()), params(problem.params.size()), points(3 * problem.num_points()) {}
  explicit Tangent(const TangentView& from)
      : poses(from.poses.data, from.poses.data + 6 * from.poses.rows),
        params(from.params.data, from.params.data + from.params.size()),
        points(from.points.data, from.points.data + 3 * from.points.rows) {}
};

// Derivatives by what the problem was told: observations, priors and their uncertainties. Those of a pose by the (w, v)
// that move it.
struct DataGradient {
  Rows<double, 2> observations;
  View<double, 1> weights;
  Rows<double, 3> whitening;
  struct OfPriors {
    View<double, 2> values;  // (M, 6) or (M, 3)
    View<double, 3> whitening;
  } pose_priors, position_priors, point_priors;
  struct OfParamsPriors {
    View<double, 1> values, weights;
  } params_priors;
};

// Where the problem's arrays stand.
class ExactHessian {
 public:
  ExactHessian(const Problem& problem, const RobustLoss& loss, int num_threads);

  // To be called when they have changed, and first.
  void linearize();
  const Tangent& gradient() const { return gradient_; }
  // H x, symmetric also where the gradient is not zero.
  Tangent times(const Tangent& x) const;
  // The derivatives of gradientᵀ x.
  void by_data(const Tangent& x, const DataGradient& out) const;

 private:
  struct Moved;  // everything as dual numbers, on its way along a direction
  Moved moved(const Tangent& along) const;
  // Sums over observations and priors: values of the gradient, or its slopes.
  Tangent sum(const Moved& at, bool slopes) const;
  // Calls f(kind, i, gradient) for priors on poses (kind 0), positions (1) and points (2).
  template <class F>
  void for_each_prior(const Moved& at, const F& f) const;
  std::int64_t prior_param(std::int64_t prior) const;

  const Problem& problem_;
  const Priors* const priors_[3];
  const RobustLoss loss_;
  const int num_threads_;
  const std::unique_ptr<bool[]> all_free_;
  const Arrangement arrangement_;  // of the problem with all parameters free
  Tangent gradient_;
};

// x becomes H x.
void hessian_product(const Problem& problem, Loss loss, double loss_scale, const TangentView& x, int num_threads);

}  // namespace fastcv::ba

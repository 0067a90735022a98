// SPDX-License-Identifier: Apache-2.0
// Priors in the native solver. Those on poses, positions and intrinsics belong to one image each: a camera's to the
// first image that uses it. Those on points are added where the points' blocks are (linearize_chunk.leaf.cpp).
#pragma once

#include <vector>

#include "ba/equations.h"
#include "ba/priors.hd.h"

namespace fastcv::ba {

class ImagePriors {
 public:
  ImagePriors(const Problem& problem, const Lenses& lenses, int columns);

  double cost(const Estimate& at) const;
  // Computes what the functions below use, and returns the cost.
  double linearize(const Estimate& at);

  // To values (num_images, columns) and blocks (num_images, columns, columns) of images.
  void add_gradient(double* of_images) const;
  void add_hessian(double* of_images) const;
  void add_product(const double* x, double* y) const;  // y += H x
  double curvature(const double* x) const;             // xᵀ H x

 private:
  struct Place {
    std::int64_t index;  // in all parameters
    int column;          // of the image, -1 where the parameter is fixed
  };

  // Calls f(image, first column, term, rho') for each prior, and returns the cost.
  template <class F>
  double for_each(const Estimate& at, const F& f) const;

  const Priors poses_, positions_;
  const ParamsPriors params_;
  const int columns_;
  std::vector<Place> params_places_;
  std::vector<std::int32_t> images_;  // with priors, ascending
  std::vector<std::int32_t> slots_;   // of every image, in images_
  std::vector<double> gradient_, hessian_;
};

// stepᵀ H step, summed over the priors on points.
double curvature_of_point_priors(const Priors& priors, const double* points, const double* step);

}  // namespace fastcv::ba

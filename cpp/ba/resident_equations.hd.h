// SPDX-License-Identifier: Apache-2.0
// The linearised problem of the resident solver, as arrays that stay where its kernels run.
//
// As in equations.h, observations are sorted by point, then by image, an observation's Jacobian is by its image alone
// and in single precision, and everything else is double, from the rounded Jacobian. Both rows of a column lie
// together, so that neighbouring threads with neighbouring columns read whole lines.
#pragma once

#include "ba/equations.h"
#include "ba/priors.hd.h"

namespace fastcv::FASTCV_ISA::ba {

using fastcv::ba::Estimate;

constexpr int kShiftColumn = 3;  // where a Jacobian's columns of v begin: minus the Jacobian by the point

// The derivatives of both coordinates of a residual by one unknown.
struct alignas(8) Column {
  float x, y;
};

// What priors on images say, each kind sorted by image: those of image i are [begin[i], begin[i + 1]).
struct ImagePriorLists {
  const std::int64_t *pose_begin, *position_begin, *params_begin;  // null where there is none
  fastcv::ba::Priors poses, positions;
  const std::int64_t* params;  // in all parameters
  const int* columns;          // of the image, -1 where the parameter is fixed
  const double *values, *weights;
};

struct ResidentEquations {
  int columns;
  std::int64_t num_images, num_points, num_observations;
  // What never changes.
  const std::int32_t* image_cameras;
  const std::int64_t* param_offsets;
  const std::int32_t* num_free;       // (num_cameras,) free parameters
  const std::int32_t* param_columns;  // of every parameter in its images, -1 where it is fixed
  const std::int32_t *images, *points;
  const double *observed, *weights, *whitening;  // whitening is null where weights are all
  fastcv::ba::RobustLoss loss;
  const bool* point_free;
  const std::int64_t* point_begin;             // (num_points + 1,)
  const std::int64_t *image_begin, *by_image;  // (num_images + 1,), (num_observations,)
  fastcv::ba::Priors point_priors;
  const std::int64_t* point_priors_begin;  // (num_points + 1,), null where there is none
  ImagePriorLists image_priors;
  // Written by each linearisation.
  Column* jacobian;        // (num_observations, columns)
  double* weighted;        // (num_observations, 2) residuals
  double* costs;           // (num_observations,)
  double* point_hessian;   // (num_points, 6)
  double* point_gradient;  // (num_points, 3)
  double* image_hessian;   // (num_images, columns, columns)
  double* image_gradient;  // (num_images, columns)
  // Of the damped point blocks. Zero for fixed points.
  double* point_inverse;  // (num_points, 6)

  FASTCV_HD const Column* row(std::int64_t k) const { return jacobian + k * columns; }
};

}  // namespace fastcv::FASTCV_ISA::ba

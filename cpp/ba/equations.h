// SPDX-License-Identifier: Apache-2.0
// The normal equations of a linearised problem, as the plain arrays that kernels read.
//
// Observations are sorted by point, then by image, and cut into chunks of whole points. Each keeps its Jacobian by the
// image's degrees of freedom alone, in single precision: two rows of `columns` = 6 for the pose (w, v) and the free
// intrinsics. The Jacobian by the point is minus the columns of v (reprojection.hd.h), so it is not stored. Everything
// else is in double precision, and computed from the rounded Jacobian, so that the system stays positive semidefinite.
#pragma once

#include <cstdint>

#include "ba/problem.h"

namespace fastcv::ba {

constexpr int kMostColumns = 24;

// Where entry (r, c) of a block of size x size lies: row-major, but of a size above 8 the columns beyond the last
// multiple of 8 follow one by one, so that a block is whole vectors of 8 and little else.
inline int block_index(int size, int r, int c) {
  const int wide = size < 8 ? size : size / 8 * 8;
  return c < wide ? r * wide + c : size * wide + (c - wide) * size + r;
}

struct Chunk {
  std::int64_t point_begin, point_end;
  std::int64_t images_begin;  // in chunk_images, and of its rows in `partial`
  int num_images;
  std::int64_t priors_begin, priors_end;  // in point_priors
};

struct Equations {
  int columns;
  std::int64_t num_images, num_points, num_observations;
  // What never changes.
  const Chunk* chunks;
  const std::int32_t* chunk_images;  // the images that a chunk's observations belong to
  const std::int64_t* point_begin;   // (num_points + 1,) first observation of a point
  const std::uint32_t* local;        // (num_observations,) row of the chunk's images
  const std::int32_t* images;        // (num_observations,)
  const std::int32_t* points;        // (num_observations,)
  const double* observed;            // (num_observations, 2)
  const double* weights;             // (num_observations,)
  const double* whitening;           // (num_observations, 3), or null where weights are all
  const bool* point_free;            // (num_points,)
  const bool* image_free;            // (num_images,) whether anything that its observations depend on is
  const std::int64_t* image_begin;   // (num_images + 1,) in by_image
  const std::int64_t* by_image;      // (num_observations,) observations by image, each image's in ascending order
  const std::int32_t* image_points;  // (num_observations,) their points
  Priors point_priors;
  // Written by linearize.
  float* jacobian;         // (num_observations, 2, columns)
  double* point_hessian;   // (num_points, 6) upper triangle, by rows
  double* point_gradient;  // (num_points, 3)
  // Written by damp_points: of the damped point blocks. Zero for fixed points.
  double* point_inverse;  // (num_points, 6)
  // Sums over a chunk's observations for each of its images: (size of chunk_images, columns).
  double* partial;
};

// Where the unknowns stand.
struct Estimate {
  const double* cam_from_world;  // (num_images, 12)
  const double* points;          // (num_points, 3), sorted as in Equations
  const double* params;
};

struct Lenses {
  const std::int32_t* image_cameras;
  const std::int32_t* models;
  const std::int64_t* param_offsets;
  const std::uint8_t* free_params;  // (num_cameras, columns - 6) indices of parameters, num_free valid
  const std::uint8_t* num_free;
};

}  // namespace fastcv::ba

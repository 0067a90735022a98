// SPDX-License-Identifier: Apache-2.0
// Loops over observations.
#include "ba/linearize.h"

#include <atomic>
#include <cmath>

#include "ba/reprojection.hd.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

// Calls body(k, Model{}, pose, params, point) for every observation k.
template <class Body>
void for_each_observation(const Problem& problem, int num_threads, const Body& body) {
  parallel_for(problem.num_observations(), kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const int image = problem.image_indices(k);
      const int camera = problem.image_cameras(image);
      generic::with_model(problem.camera_models(camera), [&](auto model) {
        body(k, model, problem.cam_from_world[image], problem.params.data + problem.param_offsets(camera),
             problem.points[problem.point_indices(k)]);
      });
    }
  });
}

}  // namespace

void residuals(const Problem& problem, Rows<double, 2> residuals, bool weighted, int num_threads) {
  for_each_observation(problem, num_threads, [&](std::int64_t k, auto model, auto* pose, auto* params, auto* point) {
    generic::ba::reprojection_residual<decltype(model)>(pose, params, point, problem.observations[k],
                                                        weighted ? problem.weights(k) : 1, residuals[k]);
    if (weighted && problem.whitening.rows > 0)
      generic::ba::whiten(problem.whitening[k], residuals[k], residuals[k] + 1, 1);
  });
}

std::int64_t first_beyond(const Problem& problem, double limit, int num_threads) {
  const std::int64_t none = problem.num_observations();
  std::atomic<std::int64_t> first{none};
  for_each_observation(problem, num_threads, [&](std::int64_t k, auto model, auto* pose, auto* params, auto* point) {
    double r[2];
    generic::ba::reprojection_residual<decltype(model)>(pose, params, point, problem.observations[k], 1.0, r);
    if (std::abs(r[0]) < limit && std::abs(r[1]) < limit) return;
    std::int64_t known = first;
    while (k < known && !first.compare_exchange_weak(known, k)) {
    }
  });
  return first == none ? -1 : first.load();
}

void linearize(const Problem& problem, Rows<double, 2> residuals, View<double, 3> d_pose, View<double, 3> d_params,
               View<double, 3> d_point, int num_threads) {
  constexpr int kPose = generic::ba::kPoseSize;
  for_each_observation(problem, num_threads, [&](std::int64_t k, auto model, auto* pose, auto* params, auto* point) {
    using Model = decltype(model);
    double d_camera[2 * (kPose + Model::kNumParams)];
    generic::ba::reprojection_jacobian<Model>(pose, params, point, problem.observations[k], problem.weights(k),
                                              residuals[k], d_camera, &d_point(k, 0, 0));
    if (problem.whitening.rows > 0) {
      const double* s = problem.whitening[k];
      generic::ba::whiten(s, residuals[k], residuals[k] + 1, 1);
      generic::ba::whiten(s, d_camera, d_camera + kPose + Model::kNumParams, kPose + Model::kNumParams);
      generic::ba::whiten(s, &d_point(k, 0, 0), &d_point(k, 1, 0), 3);
    }
    for (int r = 0; r < 2; ++r) {
      const double* row = d_camera + r * (kPose + Model::kNumParams);
      for (int c = 0; c < kPose; ++c) d_pose(k, r, c) = row[c];
      for (int c = 0; c < Model::kNumParams; ++c) d_params(k, r, c) = row[kPose + c];
      for (int c = Model::kNumParams; c < d_params.shape[2]; ++c) d_params(k, r, c) = 0;
    }
  });
}

}  // namespace fastcv::ba

// SPDX-License-Identifier: Apache-2.0
// The linearised problem with the points eliminated. Source: Triggs et al. 1999, section 6.1.
#include "ba/native.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ba/dot.h"
#include "ba/move_pose.hd.h"
#include "ba/settings.h"
#include "core/parallel.h"

#define FASTCV_LEAF "ba/eliminate_points.leaf.h"
#include "core/leaf.h"
#define FASTCV_LEAF "ba/linearize_chunk.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

double linearize_chunk(const Equations& e, const Lenses& lenses, const RobustLoss& loss, const Estimate& at,
                       std::int64_t chunk) {
  FASTCV_DISPATCH(ba::linearize_chunk(e, lenses, loss, at, chunk));
}
double refine_points(const Equations& e, const Lenses& lenses, const RobustLoss& loss, const Estimate& at,
                     double* points, double lambda, std::int64_t chunk, double* scratch) {
  FASTCV_DISPATCH(ba::refine_points(e, lenses, loss, at, points, lambda, chunk, scratch));
}
void damp_points(const Equations& e, double lambda, std::int64_t chunk) {
  FASTCV_DISPATCH(ba::damp_points(e, lambda, chunk));
}
void eliminated_gradient(const Equations& e, std::int64_t chunk) { FASTCV_DISPATCH(ba::eliminated_gradient(e, chunk)); }
void image_hessian(const Equations& e, std::int64_t image, double* hessian) {
  FASTCV_DISPATCH(ba::image_hessian(e, image, hessian));
}
double back_substitute(const Equations& e, const double* x, double* step, std::int64_t chunk) {
  FASTCV_DISPATCH(ba::back_substitute(e, x, step, chunk));
}

template <int Cols>
std::vector<double> copy(const Rows<double, Cols>& rows) {
  return {rows.data, rows.data + Cols * rows.rows};
}

}  // namespace

Native::Native(const Problem& problem, const Options& options)
    : problem_(problem),
      options_(options),
      loss_{options.loss, options.loss_scale * options.loss_scale},
      arrangement_(problem),
      unknowns_(problem, arrangement_.equations().columns),
      priors_(problem, arrangement_.lenses(), arrangement_.equations().columns),
      at_{copy(problem.cam_from_world),
          copy(problem.frames()),
          copy(problem.rigs.sensor_from_rig),
          {problem.params.data, problem.params.data + problem.params.size()},
          copy(problem.points)},
      trial_(at_),
      reduced_(arrangement_, unknowns_, priors_, options.linear_solver) {
  const Equations& e = arrangement_.equations();
  hessians_.resize(e.num_images * e.columns * e.columns);
  image_values_.resize(e.num_images * e.columns);
  gradient_.resize(unknowns_.count());
  diagonal_.resize(unknowns_.count());
  damping_.resize(unknowns_.count());
  step_.resize(unknowns_.count());
}

double Native::refine_trial(double lambda) {
  const Equations& e = arrangement_.equations();
  const double cost = sum_over_chunks([&](std::int64_t c) {
    std::vector<double> scratch(14 * (e.chunks[c].point_end - e.chunks[c].point_begin));
    return refine_points(e, arrangement_.lenses(), loss_, trial_.estimate(), trial_.points.data(), lambda, c,
                         scratch.data());
  });
  return cost + priors_.cost(trial_.estimate());
}

double Native::linearize() {
  const Equations& e = arrangement_.equations();
  unknowns_.stand_at(at_.frames.data(), at_.sensors.data());
  const double cost = priors_.linearize(at_.estimate()) + sum_over_chunks([&](std::int64_t c) {
                        return linearize_chunk(e, arrangement_.lenses(), loss_, at_.estimate(), c);
                      });
  arrangement_.add_partials(image_values_.data(), options_.num_threads);
  priors_.add_gradient(image_values_.data());
  unknowns_.gather(image_values_.data(), gradient_.data());
  const int size = e.columns * e.columns;
  parallel_for(e.num_images, 1, options_.num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) image_hessian(e, i, hessians_.data() + i * size);
  });
  priors_.add_hessian(hessians_.data());
  unknowns_.gather_diagonal(hessians_.data(), diagonal_.data());
  // The Jacobians are in single precision, which ends at 1e38.
  const bool finite = std::all_of(hessians_.begin(), hessians_.end(), [](double d) { return std::isfinite(d); });
  return finite ? cost : std::numeric_limits<double>::infinity();
}

double Native::gradient_max() {
  const Equations& e = arrangement_.equations();
  double largest = 0;
  for (const double g : gradient_) largest = std::max(largest, std::abs(g));
  for (std::int64_t i = 0; i < 3 * e.num_points; ++i) {
    if (e.point_free[i / 3]) largest = std::max(largest, std::abs(e.point_gradient[i]));
  }
  return largest;
}

int Native::solve(double lambda) {
  const Equations& e = arrangement_.equations();
  sum_over_chunks([&](std::int64_t c) {
    damp_points(e, lambda, c);
    eliminated_gradient(e, c);
    return 0.0;
  });
  arrangement_.add_partials(image_values_.data(), options_.num_threads);
  std::vector<double> b(unknowns_.count());
  unknowns_.gather(image_values_.data(), b.data());
  for (std::size_t i = 0; i < b.size(); ++i) {
    b[i] -= gradient_[i];
    damping_[i] = kDiagonalShare * lambda * std::max(diagonal_[i], kSmallestDiagonal);
  }
  const double scale = 1 + lambda * (1 - kDiagonalShare);  // of the Hessian's blocks by image
  return reduced_.solve(at_.frames.data(), hessians_.data(), scale, damping_.data(), b.data(), step_.data(),
                        options_.num_threads);
}

Linearization::Step Native::take_step() {
  const Equations& e = arrangement_.equations();
  std::vector<double>& point_step = trial_.points;
  unknowns_.spread(step_.data(), image_values_.data());
  const double curvature =
      sum_over_chunks([&](std::int64_t c) { return back_substitute(e, image_values_.data(), point_step.data(), c); }) +
      priors_.curvature(image_values_.data()) +
      curvature_of_point_priors(e.point_priors, at_.points.data(), point_step.data());
  double fall = -dot(gradient_, step_) - 0.5 * curvature;
  for (std::int64_t i = 0; i < 3 * e.num_points; ++i) fall -= e.point_gradient[i] * point_step[i];
  const double length = std::sqrt(dot(step_, step_) + dot(point_step, point_step));
  make_trial();
  return {fall, length};
}

void Native::make_trial() {
  const Equations& e = arrangement_.equations();
  unknowns_.spread(step_.data(), image_values_.data());
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    const double* values = image_values_.data() + i * e.columns;
    const std::int32_t camera = problem_.image_cameras(i);
    const Lenses& lenses = arrangement_.lenses();
    for (int c = 0; c < lenses.num_free[camera]; ++c) {  // images that share a camera agree
      const std::int64_t k =
          lenses.param_offsets[camera] + lenses.free_params[std::int64_t(camera) * (e.columns - 6) + c];
      trial_.params[k] = at_.params[k] + values[6 + c];
    }
  }
  move_poses();
  for (std::size_t i = 0; i < trial_.points.size(); ++i) trial_.points[i] += at_.points[i];
}

void Native::move_poses() {
  const auto move = [this](const std::int32_t* unknowns, const double* from, double* to) {
    double twist[generic::ba::kPoseSize];
    for (int c = 0; c < generic::ba::kPoseSize; ++c) twist[c] = unknowns[c] < 0 ? 0 : step_[unknowns[c]];
    generic::ba::move_pose(from, twist, to);
  };
  for (std::int64_t f = 0; f < problem_.num_frames(); ++f) {
    move(unknowns_.of_frame(f), at_.frames.data() + 12 * f, trial_.frames.data() + 12 * f);
  }
  for (std::int64_t s = 0; s < problem_.rigs.sensor_from_rig.rows; ++s) {
    move(unknowns_.of_sensor(s), at_.sensors.data() + 12 * s, trial_.sensors.data() + 12 * s);
  }
  for (std::int64_t i = 0; i < problem_.num_images(); ++i) {
    const double* frame = trial_.frames.data() + 12 * problem_.frame(i);
    double* pose = trial_.cam_from_world.data() + 12 * i;
    const std::int64_t sensor = problem_.sensor(i);
    if (sensor < 0) {
      std::copy_n(frame, 12, pose);
    } else {
      generic::ba::compose_pose(trial_.sensors.data() + 12 * sensor, frame, pose);
    }
  }
}

double Native::initial_radius() const { return ba::initial_radius(reduced_.is_iterative(), problem_.num_images()); }

// About the first point, for scenes in geographic coordinates lie millions of metres from the origin.
double Native::norm() {
  double sum = dot(at_.params, at_.params);
  for (std::size_t i = 0; i < at_.points.size(); ++i) {
    const double offset = at_.points[i] - at_.points[i % 3];
    sum += offset * offset;
  }
  return std::sqrt(sum);
}

void Native::write_back() const {
  std::copy(at_.frames.begin(), at_.frames.end(), problem_.frames().data);
  std::copy(at_.sensors.begin(), at_.sensors.end(), problem_.rigs.sensor_from_rig.data);
  std::copy(at_.cam_from_world.begin(), at_.cam_from_world.end(), problem_.cam_from_world.data);
  std::copy(at_.params.begin(), at_.params.end(), problem_.params.data);
  std::copy(at_.points.begin(), at_.points.end(), problem_.points.data);
}

Summary solve_native(const Problem& problem, const Options& options, const Callback& callback) {
  const auto start = std::chrono::steady_clock::now();
  try {
    Native native(problem, options);
    Summary summary = levenberg_marquardt(native, options, callback, start);
    native.write_back();
    return summary;
  } catch (...) {  // while it was set up
    Summary summary;
    interrupt(summary);
    return summary;
  }
}

}  // namespace fastcv::ba

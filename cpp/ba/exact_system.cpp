// SPDX-License-Identifier: Apache-2.0
#include "ba/exact_system.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "ba/dot.h"
#include "ba/second_order.hd.h"
#include "core/parallel.h"

#define FASTCV_LEAF "ba/eliminate_points.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

constexpr int kPoseSize = generic::ba::kPoseSize;
constexpr int kMostIterations = 1000;

// Where in the parameters of all cameras.
std::int64_t free_param(const Lenses& lenses, const Equations& e, std::int64_t camera, int column) {
  return lenses.param_offsets[camera] + lenses.free_params[camera * (e.columns - kPoseSize) + column];
}

void eliminated_gradient(const Equations& e, std::int64_t chunk) { FASTCV_DISPATCH(ba::eliminated_gradient(e, chunk)); }
double back_substitute(const Equations& e, const double* x, double* step, std::int64_t chunk) {
  FASTCV_DISPATCH(ba::back_substitute(e, x, step, chunk));
}

}  // namespace

ExactSystem::ExactSystem(const Problem& problem, const Arrangement& arrangement, const Unknowns& unknowns,
                         const Undamped& factor, const ExactHessian& hessian, int num_threads)
    : problem_(problem),
      arrangement_(arrangement),
      unknowns_(unknowns),
      factor_(factor),
      hessian_(hessian),
      num_threads_(num_threads) {}

ExactSystem::Vector ExactSystem::restricted(const Tangent& tangent) const {
  const Equations& e = arrangement_.equations();
  const Lenses& lenses = arrangement_.lenses();
  std::vector<double> of_images(e.num_images * e.columns, 0.0);
  std::vector<bool> done(problem_.num_cameras(), false);
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    double* to = of_images.data() + i * e.columns;
    std::copy_n(tangent.poses.data() + kPoseSize * i, kPoseSize, to);
    const std::int32_t camera = lenses.image_cameras[i];
    if (done[camera]) continue;  // gathering adds up
    done[camera] = true;
    for (int c = 0; c < lenses.num_free[camera]; ++c)
      to[kPoseSize + c] = tangent.params[free_param(lenses, e, camera, c)];
  }
  Vector vector(unknowns_.count());
  unknowns_.gather(of_images.data(), vector.data());
  for (std::int64_t i = 0; i < 3 * e.num_points; ++i) vector.push_back(e.point_free[i / 3] ? tangent.points[i] : 0);
  return vector;
}

Tangent ExactSystem::expanded(const Vector& vector) const {
  const Equations& e = arrangement_.equations();
  const Lenses& lenses = arrangement_.lenses();
  Tangent tangent(problem_);
  std::vector<double> of_images(e.num_images * e.columns);
  unknowns_.spread(vector.data(), of_images.data());
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    const double* from = of_images.data() + i * e.columns;
    std::copy_n(from, kPoseSize, tangent.poses.data() + kPoseSize * i);
    const std::int32_t camera = lenses.image_cameras[i];
    for (int c = 0; c < lenses.num_free[camera]; ++c) {
      tangent.params[free_param(lenses, e, camera, c)] = from[kPoseSize + c];
    }
  }
  std::copy(vector.begin() + unknowns_.count(), vector.end(), tangent.points.begin());
  return tangent;
}

ExactSystem::Vector ExactSystem::gauss_newton(const Vector& b) const {
  const Equations& e = arrangement_.equations();
  const std::int32_t count = unknowns_.count();
  // The kernels solve for a step down a gradient.
  for (std::int64_t i = 0; i < 3 * e.num_points; ++i) e.point_gradient[i] = -b[count + i];
  const auto for_each_chunk = [&](const auto& f) {
    parallel_for(arrangement_.num_chunks(), 1, num_threads_, [&](std::int64_t chunk, std::int64_t) { f(chunk); });
  };
  std::vector<double> of_images(e.num_images * e.columns);
  for_each_chunk([&](std::int64_t chunk) { eliminated_gradient(e, chunk); });
  arrangement_.add_partials(of_images.data(), num_threads_);
  Vector x(b.size());
  unknowns_.gather(of_images.data(), x.data());
  for (std::int32_t i = 0; i < count; ++i) x[i] += b[i];
  if (count > 0) factor_.solve(x.data());
  unknowns_.spread(x.data(), of_images.data());
  for_each_chunk([&](std::int64_t chunk) { back_substitute(e, of_images.data(), x.data() + count, chunk); });
  return x;
}

ExactSystem::Vector ExactSystem::times(const Vector& x) const {
  Vector y = restricted(hessian_.times(expanded(x)));
  if (problem_.has_rigs()) add_rig_curvature(x, y);
  return y;
}

// The Hessian by images' poses is not all: these bend with the poses of frames and sensors.
void ExactSystem::add_rig_curvature(const Vector& x, Vector& y) const {
  const auto twist = [&](const std::int32_t* unknowns, double* values) {
    for (int c = 0; c < kPoseSize; ++c) values[c] = unknowns[c] < 0 ? 0 : x[unknowns[c]];
  };
  const auto add = [&](const std::int32_t* unknowns, const double* values, int count) {
    for (int c = 0; c < count; ++c) {
      if (unknowns[c] >= 0) y[unknowns[c]] += values[c];
    }
  };
  for (std::int64_t i = 0; i < problem_.num_images(); ++i) {
    if (problem_.sensor(i) < 0) continue;
    const std::int32_t *frame = unknowns_.of_frame(problem_.frame(i)),
                       *sensor = unknowns_.of_sensor(problem_.sensor(i));
    double by_frame[kPoseSize], by_sensor[kPoseSize], to_frame[3], to_sensor[kPoseSize];
    twist(frame, by_frame);
    twist(sensor, by_sensor);
    generic::ba::rig_curvature(
        problem_.rigs.sensor_from_rig[problem_.sensor(i)], problem_.rigs.rig_from_world[problem_.frame(i)],
        hessian_.gradient().poses.data() + kPoseSize * i, by_frame, by_sensor, to_frame, to_sensor);
    add(frame, to_frame, 3);
    add(sensor, to_sensor, kPoseSize);
  }
}

bool ExactSystem::solve(const Vector& b, double tolerance, Vector& x) const {
  const std::size_t n = b.size();
  x.assign(n, 0.0);
  Vector r = b, p(n, 0.0);
  double rz = 0, first = 0;
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    const Vector z = gauss_newton(r);
    const double next = dot(r, z), beta = iteration == 0 ? 0 : next / rz;
    if (iteration == 0) first = next;
    if (!(next > tolerance * tolerance * first)) return true;
    rz = next;
    for (std::size_t i = 0; i < n; ++i) p[i] = z[i] + beta * p[i];
    const Vector q = times(p);
    const double curvature = dot(p, q);
    if (!(curvature > 0)) return false;
    const double alpha = rz / curvature;
    for (std::size_t i = 0; i < n; ++i) x[i] += alpha * p[i];
    for (std::size_t i = 0; i < n; ++i) r[i] -= alpha * q[i];
  }
  throw std::invalid_argument("problem: expected a Hessian that conjugate gradients can solve, got none in " +
                              std::to_string(kMostIterations) + " iterations");
}

}  // namespace fastcv::ba

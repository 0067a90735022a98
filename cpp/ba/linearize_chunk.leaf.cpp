// SPDX-License-Identifier: Apache-2.0
// Residuals and Jacobians of a chunk of observations, 16 at a time.

// See camera/project.leaf.cpp.
#pragma GCC optimize("no-tree-pre", "fp-contract=fast")
#include "ba/equations.h"
#include "ba/point_block.hd.h"
#include "ba/priors.hd.h"
#include "ba/reprojection.hd.h"
#include "core/elementwise.hd.h"
// The declarations come after what they mention.
#include "ba/linearize_chunk.leaf.h"

namespace fastcv::FASTCV_ISA::ba {
namespace {

using fastcv::ba::Chunk;
using fastcv::ba::Equations;
using fastcv::ba::Estimate;
using fastcv::ba::Lenses;
using fastcv::ba::RobustLoss;

// What every operation reads of observation `first + i`: pose, intrinsics, point, observed pixel, weight.
template <class Model>
struct Observed {
  static constexpr int kParams = 12, kPoint = kParams + Model::kNumParams, kPixel = kPoint + 3, kWeight = kPixel + 2;
  static constexpr int kInputs = kWeight + 1;
  const Equations& equations;
  const Lenses& lenses;
  const Estimate& at;
  std::int64_t first;

  FASTCV_HD void load(std::int64_t i, double* in, int stride) const {
    const std::int64_t k = first + i;
    const int image = equations.images[k];
    const double* pose = at.cam_from_world + 12 * std::int64_t(image);
    const double* params = at.params + lenses.param_offsets[lenses.image_cameras[image]];
    const double* point = at.points + 3 * std::int64_t(equations.points[k]);
    FASTCV_UNROLL
    for (int c = 0; c < 12; ++c) in[c * stride] = pose[c];
    FASTCV_UNROLL
    for (int c = 0; c < Model::kNumParams; ++c) in[(kParams + c) * stride] = params[c];
    FASTCV_UNROLL
    for (int c = 0; c < 3; ++c) in[(kPoint + c) * stride] = point[c];
    in[kPixel * stride] = equations.observed[2 * k];
    in[(kPixel + 1) * stride] = equations.observed[2 * k + 1];
    in[kWeight * stride] = equations.weights[k];
  }
};

template <int N>
struct Values {
  double values[N];
  FASTCV_HD Values(const double* from, int stride) {
    FASTCV_UNROLL
    for (int c = 0; c < N; ++c) values[c] = from[c * stride];
  }
};

template <class Model>
struct LinearizeOne : Observed<Model> {
  using Base = Observed<Model>;
  using Scalar = double;
  static constexpr int kColumns = kPoseSize + Model::kNumParams;
  static constexpr int kInputs = Base::kInputs, kOutputs = 2 + 2 * kColumns, kSums = 0;
  const RobustLoss& loss;
  double* gradient;  // of the chunk's images
  double& cost;

  FASTCV_HD void compute(const double* in, double* out, double*, int stride) const {
    const Values<Base::kInputs> v(in, stride);
    double r[2], d_camera[2 * kColumns], d_point[6];
    reprojection_jacobian<Model>(v.values, v.values + Base::kParams, v.values + Base::kPoint, v.values + Base::kPixel,
                                 v.values[Base::kWeight], r, d_camera, d_point);
    out[0] = r[0];
    out[stride] = r[1];
    FASTCV_UNROLL
    for (int c = 0; c < 2 * kColumns; ++c) out[(2 + c) * stride] = d_camera[c];
  }
  FASTCV_HD void store(std::int64_t i, double* out, int stride) const {
    const Equations& e = this->equations;
    const std::int64_t k = this->first + i;
    if (e.whitening) {
      whiten(e.whitening + 3 * k, out, out + stride, 1);
      whiten(e.whitening + 3 * k, out + 2 * stride, out + (2 + kColumns) * stride, kColumns, stride);
    }
    const int columns = e.columns, camera = this->lenses.image_cameras[e.images[k]];
    const std::uint8_t* free = this->lenses.free_params + std::int64_t(camera) * (columns - kPoseSize);
    const int num_free = this->lenses.num_free[camera];
    const double r0 = out[0], r1 = out[stride];
    const RhoDerivatives rho = robust_loss(loss, r0 * r0 + r1 * r1);
    cost += 0.5 * rho.rho;
    // Where the loss bends down, the residual and its Jacobian are scaled (Triggs et al. 1999, section 4.3, without
    // the term in rho'', which may make the system indefinite).
    const double scale = sqrt(rho.first), weighted[2] = {scale * r0, scale * r1};
    double* g = gradient + std::int64_t(e.local[k]) * columns;
    double* v = e.point_hessian + 6 * std::int64_t(e.points[k]);
    double* gp = e.point_gradient + 3 * std::int64_t(e.points[k]);
    const double *from0 = out + 2 * stride, *from1 = from0 + kColumns * stride;
    float *a0 = e.jacobian + 2 * k * columns, *a1 = a0 + columns;
    const auto put = [&](int column, int to) {
      const double value0 = scale * from0[column * stride], value1 = scale * from1[column * stride];
      a0[to] = static_cast<float>(value0);
      a1[to] = static_cast<float>(value1);
      const double product = value0 * weighted[0] + value1 * weighted[1];
      g[to] += product;
      return product;
    };
    FASTCV_UNROLL
    for (int c = 0; c < 3; ++c) put(c, c);
    FASTCV_UNROLL
    for (int c = 3; c < kPoseSize; ++c) gp[c - 3] -= put(c, c);
    for (int c = 0; c < num_free; ++c) put(kPoseSize + free[c], kPoseSize + c);
    for (int c = kPoseSize + num_free; c < columns; ++c) a0[c] = a1[c] = 0;
    // One by one, for a load of two waits until both stores are done. (Values kept in registers are no way out: gcc
    // 12 forgets to round some of them where it vectorises, and singular Hessians then look regular.)
    const volatile float *s0 = a0 + 3, *s1 = a1 + 3;
    const double b0[3] = {s0[0], s0[1], s0[2]}, b1[3] = {s1[0], s1[1], s1[2]};
    v[0] += b0[0] * b0[0] + b1[0] * b1[0];
    v[1] += b0[0] * b0[1] + b1[0] * b1[1];
    v[2] += b0[0] * b0[2] + b1[0] * b1[2];
    v[3] += b0[1] * b0[1] + b1[1] * b1[1];
    v[4] += b0[1] * b0[2] + b1[1] * b1[2];
    v[5] += b0[2] * b0[2] + b1[2] * b1[2];
  }
};

// The cost of each point, with its gradient and Hessian by the point.
struct PointSums {
  double hessian[6], gradient[3], cost, cost_after;
  double before[3];  // where the point was
};

template <class Model>
struct PointOne : Observed<Model> {
  using Base = Observed<Model>;
  using Scalar = double;
  static constexpr int kInputs = Base::kInputs, kOutputs = 8, kSums = 0;
  const RobustLoss& loss;
  PointSums* sums;  // of point 0

  FASTCV_HD void compute(const double* in, double* out, double*, int stride) const {
    const Values<Base::kInputs> v(in, stride);
    double r[2], d_camera[2 * (kPoseSize + Model::kNumParams)], d_point[6];
    reprojection_jacobian<Model>(v.values, v.values + Base::kParams, v.values + Base::kPoint, v.values + Base::kPixel,
                                 v.values[Base::kWeight], r, d_camera, d_point);
    out[0] = r[0];
    out[stride] = r[1];
    FASTCV_UNROLL
    for (int c = 0; c < 6; ++c) out[(2 + c) * stride] = d_point[c];
  }
  FASTCV_HD void store(std::int64_t i, double* out, int stride) const {
    const Equations& e = this->equations;
    const std::int64_t k = this->first + i;
    PointSums& s = sums[e.points[k]];
    if (e.whitening) {
      whiten(e.whitening + 3 * k, out, out + stride, 1);
      whiten(e.whitening + 3 * k, out + 2 * stride, out + 5 * stride, 3, stride);
    }
    const double r[2] = {out[0], out[stride]};
    const RhoDerivatives rho = robust_loss(loss, r[0] * r[0] + r[1] * r[1]);
    s.cost += 0.5 * rho.rho;
    for (int row = 0; row < 2; ++row) {
      const double* b = out + (2 + 3 * row) * stride;
      const double x = b[0], y = b[stride], z = b[2 * stride], w = rho.first;
      s.hessian[0] += w * x * x;
      s.hessian[1] += w * x * y;
      s.hessian[2] += w * x * z;
      s.hessian[3] += w * y * y;
      s.hessian[4] += w * y * z;
      s.hessian[5] += w * z * z;
      s.gradient[0] += w * x * r[row];
      s.gradient[1] += w * y * r[row];
      s.gradient[2] += w * z * r[row];
    }
  }
};

template <class Model>
struct PointCostOne : Observed<Model> {
  using Base = Observed<Model>;
  using Scalar = double;
  static constexpr int kInputs = Base::kInputs, kOutputs = 2, kSums = 0;
  const RobustLoss& loss;
  PointSums* sums;

  FASTCV_HD void compute(const double* in, double* out, double*, int stride) const {
    const Values<Base::kInputs> v(in, stride);
    double r[2];
    reprojection_residual<Model>(v.values, v.values + Base::kParams, v.values + Base::kPoint, v.values + Base::kPixel,
                                 v.values[Base::kWeight], r);
    out[0] = r[0];
    out[stride] = r[1];
  }
  FASTCV_HD void store(std::int64_t i, double* out, int stride) const {
    const Equations& e = this->equations;
    const std::int64_t k = this->first + i;
    if (e.whitening) whiten(e.whitening + 3 * k, out, out + stride, 1);
    const double squared = out[0] * out[0] + out[stride] * out[stride];
    sums[e.points[k]].cost_after += 0.5 * robust_loss(loss, squared).rho;
  }
};

// Calls f(model, first, count) for every run of observations through the same camera model.
template <class F>
FASTCV_HD void for_each_run(const Equations& e, const Lenses& lenses, const Chunk& chunk, F&& f) {
  const std::int64_t end = e.point_begin[chunk.point_end];
  const auto model_of = [&](std::int64_t k) { return lenses.models[lenses.image_cameras[e.images[k]]]; };
  for (std::int64_t first = e.point_begin[chunk.point_begin], k = first; first < end; first = k) {
    const int model = model_of(first);
    while (k < end && model_of(k) == model) ++k;
    with_model(model, [&](auto m) { f(m, first, k - first); });
  }
}

// Calls f(prior, point) for every prior on one of the chunk's points.
template <class F>
FASTCV_HD void for_each_prior(const Equations& e, const Chunk& chunk, F&& f) {
  for (std::int64_t i = chunk.priors_begin; i < chunk.priors_end; ++i) f(i, std::int64_t(e.point_priors.rows.data[i]));
}

}  // namespace

double linearize_chunk(const Equations& e, const Lenses& lenses, const RobustLoss& loss, const Estimate& at,
                       std::int64_t index) {
  const Chunk& chunk = e.chunks[index];
  double* gradient = e.partial + chunk.images_begin * e.columns;
  for (std::int64_t i = 0; i < std::int64_t(chunk.num_images) * e.columns; ++i) gradient[i] = 0;
  for (std::int64_t i = 6 * chunk.point_begin; i < 6 * chunk.point_end; ++i) e.point_hessian[i] = 0;
  for (std::int64_t i = 3 * chunk.point_begin; i < 3 * chunk.point_end; ++i) e.point_gradient[i] = 0;
  double cost = 0;
  for_each_run(e, lenses, chunk, [&](auto model, std::int64_t first, std::int64_t count) {
    using Model = decltype(model);
    run_in_lanes(LinearizeOne<Model>{{e, lenses, at, first}, loss, gradient, cost}, count, nullptr);
  });
  for_each_prior(e, chunk, [&](std::int64_t i, std::int64_t p) {
    cost += add_point_prior(e.point_priors, i, at.points + 3 * p, e.point_hessian + 6 * p, e.point_gradient + 3 * p);
  });
  return cost;
}

double refine_points(const Equations& e, const Lenses& lenses, const RobustLoss& loss, const Estimate& at,
                     double* points, double lambda, std::int64_t index, double* scratch) {
  const Chunk& chunk = e.chunks[index];
  const std::int64_t count = chunk.point_end - chunk.point_begin;
  PointSums* own = reinterpret_cast<PointSums*>(scratch);
  PointSums* sums = own - chunk.point_begin;
  for (std::int64_t i = 0; i < count; ++i) own[i] = {};
  for_each_run(e, lenses, chunk, [&](auto model, std::int64_t first, std::int64_t size) {
    using Model = decltype(model);
    run_in_lanes(PointOne<Model>{{e, lenses, at, first}, loss, sums}, size, nullptr);
  });
  for_each_prior(e, chunk, [&](std::int64_t i, std::int64_t p) {
    sums[p].cost += add_point_prior(e.point_priors, i, points + 3 * p, sums[p].hessian, sums[p].gradient);
  });
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    PointSums& s = sums[p];
    double inverse[6], step[3];
    invert_damped(s.hessian, lambda, inverse);
    multiply_symmetric(inverse, s.gradient, step);
    for (int c = 0; c < 3; ++c) {
      s.before[c] = points[3 * p + c];
      if (e.point_free[p]) points[3 * p + c] -= step[c];
    }
  }
  for_each_run(e, lenses, chunk, [&](auto model, std::int64_t first, std::int64_t size) {
    using Model = decltype(model);
    run_in_lanes(PointCostOne<Model>{{e, lenses, at, first}, loss, sums}, size, nullptr);
  });
  for_each_prior(e, chunk, [&](std::int64_t i, std::int64_t p) {
    sums[p].cost_after += point_prior_cost(e.point_priors, i, points + 3 * p);
  });
  double cost = 0;
  for (std::int64_t p = chunk.point_begin; p < chunk.point_end; ++p) {
    const PointSums& s = sums[p];
    const bool better = s.cost_after < s.cost;
    for (int c = 0; c < 3; ++c) points[3 * p + c] = better ? points[3 * p + c] : s.before[c];
    cost += better ? s.cost_after : s.cost;
  }
  return cost;
}

}  // namespace fastcv::FASTCV_ISA::ba

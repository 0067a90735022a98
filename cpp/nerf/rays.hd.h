// SPDX-License-Identifier: Apache-2.0
// One ray: from the camera to the world, through a box or a sphere, and the random pixel that it starts from.
#pragma once

#include <cmath>

#include "core/elementwise.hd.h"
#include "core/philox.hd.h"
#include "nerf/rays.h"

namespace fastcv::FASTCV_ISA {

// The direction R^T ray, of length 1.
FASTCV_HD void ray_direction(const double* pose, const double* ray, float* direction) {
  using std::sqrt;
  const double x = ray[0], y = ray[1], z = ray[2], inverse = 1.0 / sqrt(x * x + y * y + z * z);
  double sums[4];  // with t's column, for two vectors do the work of three numbers
  for (int i = 0; i < 4; ++i) sums[i] = (pose[i] * x + pose[4 + i] * y + pose[8 + i] * z) * inverse;
  for (int i = 0; i < 3; ++i) direction[i] = static_cast<float>(sums[i]);
}

// The centre of projection, -R^T t.
FASTCV_HD double ray_origin(const double* pose, int axis) {
  return -(pose[axis] * pose[3] + pose[4 + axis] * pose[7] + pose[8 + axis] * pose[11]);
}

FASTCV_HD void no_ray(float* values) {
  for (int i = 0; i < 3; ++i) values[i] = NAN;
}

// Along one axis the ray is between two planes for t from min to max of (plane - origin) / direction; where it runs
// along them, for all t or none. Source: Kay & Kajiya 1986, "Ray tracing complex scenes". Comparisons are such that NaN
// gives an empty range.
FASTCV_HD nerf::RayRange clip_ray(const nerf::RayBox& box, const nerf::RayRange& range, const float (&o)[3],
                                  const float (&d)[3]) {
  float near = range.near, far = range.far;
  FASTCV_UNROLL
  for (int i = 0; i < 3; ++i) {
    const float below = box.low[i] - o[i], above = box.high[i] - o[i], a = below / d[i], b = above / d[i];
    const float enter = a < b ? a : b, leave = a < b ? b : a;
    const bool parallel = d[i] == 0, between = (below <= 0) & (above >= 0);
    const float all_or_none = between ? -INFINITY : INFINITY;
    const float begin = parallel ? all_or_none : enter, end = parallel ? INFINITY : leave;
    near = begin > near ? begin : near;
    far = end < far ? end : far;
    far = begin <= end ? far : -INFINITY;
  }
  const bool moves = (d[0] != 0) | (d[1] != 0) | (d[2] != 0), inside = moves & (near < far);
  return {inside ? near : 0, inside ? far : 0};
}

// The distance from the centre to the ray's line comes from their difference vector, not from a difference of squares,
// which far away has no digits left. Source: Haines et al. 2019, "Precision improvements for ray/sphere intersection",
// Ray Tracing Gems ch. 7.
FASTCV_HD nerf::RayRange clip_ray(const nerf::RaySphere& sphere, const nerf::RayRange& range, const float (&o)[3],
                                  const float (&d)[3]) {
  using std::sqrt;
  double to[3], dd = 0, along = 0, away = 0;
  for (int i = 0; i < 3; ++i) {
    to[i] = sphere.center[i] - o[i];
    dd += double(d[i]) * d[i];
    along += to[i] * d[i];
  }
  const double middle = along / dd;
  for (int i = 0; i < 3; ++i) {
    const double off = to[i] - middle * d[i];
    away += off * off;
  }
  const double rest = sphere.radius * sphere.radius - away;
  const double half = sqrt((rest > 0 ? rest : 0) / dd);
  const auto enter = static_cast<float>(middle - half), leave = static_cast<float>(middle + half);
  const float near = enter > range.near ? enter : range.near, far = leave < range.far ? leave : range.far;
  return (rest > 0) & (dd > 0) & (near < far) ? nerf::RayRange{near, far} : nerf::RayRange{0, 0};
}

// As core/elementwise.hd.h runs it.
template <class Shape>
struct ClipRay {
  using Scalar = float;
  static constexpr int kInputs = 6, kOutputs = 2, kSums = 0;
  Shape shape;
  nerf::RayRange range;
  const float *origins, *directions;
  float *near, *far;

  FASTCV_HD void load(std::int64_t i, float* in, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 3; ++k) {
      in[k * stride] = origins[3 * i + k];
      in[(3 + k) * stride] = directions[3 * i + k];
    }
  }
  FASTCV_HD void compute(const float* in, float* out, double* /*sums*/, int stride) const {
    const float origin[3] = {in[0], in[stride], in[2 * stride]};
    const float direction[3] = {in[3 * stride], in[4 * stride], in[5 * stride]};
    const nerf::RayRange found = clip_ray(shape, range, origin, direction);
    out[0] = found.near;
    out[stride] = found.far;
  }
  FASTCV_HD void store(std::int64_t i, const float* out, int stride) const {
    near[i] = out[0];
    far[i] = out[stride];
  }
};

// The upper 64 bits of a product: a number in [0, b) from any a.
FASTCV_HD std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t a0 = a & 0xffffffffU, a1 = a >> 32, b0 = b & 0xffffffffU, b1 = b >> 32;
  const std::uint64_t low = a0 * b0, left = a1 * b0 + (low >> 32), right = a0 * b1 + (left & 0xffffffffU);
  return a1 * b1 + (left >> 32) + (right >> 32);
}

struct SamplePixelOne {
  nerf::PixelTable table;
  std::uint64_t seed, step;
  std::int64_t* images;
  float* pixels;

  FASTCV_HD void operator()(std::int64_t i) const {
    const Philox4 words = philox(seed, step, static_cast<std::uint64_t>(i));
    const std::int64_t pixel = pick(words.v[0] | std::uint64_t(words.v[1]) << 32), size = table.height * table.width;
    const std::int64_t image = pixel / size, within = pixel - image * size, row = within / table.width;
    images[i] = image;
    pixels[2 * i] = static_cast<float>(within - row * table.width) + 0.5F;
    pixels[2 * i + 1] = static_cast<float>(row) + 0.5F;
  }

 private:
  FASTCV_HD std::int64_t pick(std::uint64_t word) const {
    const std::int64_t count = table.images * table.height * table.width;
    if (table.cumulative == nullptr) return static_cast<std::int64_t>(high_product(word, count));
    const auto sought = static_cast<std::int64_t>(high_product(word, table.cumulative[count - 1]));
    const std::int64_t bucket = sought >> table.shift;
    std::int64_t low = table.guide[bucket], high = table.guide[bucket + 1];  // the first entry above is one of these
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (table.cumulative[middle] > sought) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
};

}  // namespace fastcv::FASTCV_ISA

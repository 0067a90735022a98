// SPDX-License-Identifier: Apache-2.0
// Matching cost of one reference pixel on a slanted plane of its own: bilaterally weighted NCC and reprojection error.
#pragma once

#include "core/lane_access.hd.h"
#include "mvs/match_cost.hd.h"
#include "mvs/refine_depth.h"
#include "mvs/warp.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr int kSampleStep = 2;  // windows take every second pixel, as ACMH does (Xu & Tao 2019, section 4.4)
constexpr int kMaxSamples = (mvs::kMaxRefineWindow / kSampleStep + 1) * (mvs::kMaxRefineWindow / kSampleStep + 1);
constexpr float kMaxReprojection = 3.0F;  // pixels; more is not worse. Source: Schönberger et al. 2016, eq. 11

// Inverse depth around a pixel: inverse_depth + slope_x dx + slope_y dy.
template <class F>
struct Plane {
  F slope_x, slope_y, inverse_depth;
};

// The reference's side of a pixel's windows: what no plane changes. Weights sum to 1; products are weights times the
// deviation of the sample from the weighted mean, in grey levels.
template <class F>
struct Patch {
  F weights[kMaxSamples], products[kMaxSamples];
  F inv_deviation;
  IntOf<F> middle;  // about the mean, in units of a source's samples: less cancellation
  MaskOf<F> textured;
};

// Grey level of packed pixels, from -128.
template <class I>
FASTCV_HD I first_byte(I words) {
  return ((words & 0xff) ^ 0x80) - 0x80;
}

// Of pixels (x, y) that the reference has. Samples that it has not, and masked ones, weigh nothing.
template <class F>
FASTCV_HD void make_patch(const mvs::Refinement& r, IntOf<F> x, std::int32_t y, Patch<F>& patch) {
  using I = IntOf<F>;
  const mvs::PackedImage& image = r.sweep.reference;
  const std::int32_t radius = r.sweep.window / 2, stride = image.width + 1;
  const std::int32_t lowest = image.masked ? mvs::kMaskedByte : mvs::kMaskedByte - 1;
  const I center = first_byte(gather(image.words, x + y * stride));
  F total{}, sum{};
  int n = 0;
  for (std::int32_t dy = -radius; dy <= radius; dy += kSampleStep) {
    const bool row_inside = y + dy >= 0 && y + dy < image.height;
    for (std::int32_t dx = -radius; dx <= radius; dx += kSampleStep, ++n) {
      const auto inside = (x + dx >= 0) & (x + dx < image.width) & (I{} + row_inside > 0);
      const I level = first_byte(gather(image.words, select(inside, x + (dx + (y + dy) * stride), I{})));
      const I difference = level - center;
      const F tonal = gather(r.tonal, larger(difference, -difference));
      const float spatial = r.spatial[dx < 0 ? -dx : dx] * r.spatial[dy < 0 ? -dy : dy];
      patch.weights[n] = select(inside & (level > lowest), tonal * spatial, F{});
      patch.products[n] = to_float(level);
      total += patch.weights[n];
      sum += patch.weights[n] * patch.products[n];
    }
  }
  const F inv_total = 1.0F / larger(total, F{} + 1e-30F), mean = sum * inv_total;
  F variance{};
  for (int i = 0; i < n; ++i) {
    const F deviation = patch.products[i] - mean;
    patch.weights[i] *= inv_total;
    patch.products[i] = patch.weights[i] * deviation;
    variance += patch.products[i] * deviation;
  }
  patch.textured = (variance >= kMinVariance) & (center > lowest);
  patch.inv_deviation = inverse_sqrt(select(patch.textured, variance, F{} + 1.0F));
  patch.middle = to_int(mean) * (1 << kNccBits);
}

// Homogeneous pixel of a source.
template <class F>
struct Homogeneous {
  F x, y, z;
};

// The source's position of a reference pixel with this inverse depth.
template <class F>
FASTCV_HD Homogeneous<F> transfer(const float* rotation, const float* translation, F x, F y, F inverse_depth) {
  const auto row = [&](int i) {
    return rotation[3 * i] * x + (rotation[3 * i + 1] * y + rotation[3 * i + 2]) + translation[i] * inverse_depth;
  };
  return {row(0), row(1), row(2)};
}

// 1 - NCC of the windows in [0, 2], or kNoCost where a sample of the window is out of the source's view.
template <class F>
FASTCV_HD F patch_cost(const mvs::Refinement& r, const mvs::SweepSource& source, const Patch<F>& patch, F x, F y,
                       const Plane<F>& plane) {
  constexpr float kMin = kMinVariance * float(1 << 2 * kNccBits);
  const std::int32_t radius = r.sweep.window / 2;
  const float *rotation = source.rotation, *translation = source.translation;
  const Homogeneous<F> center = transfer(rotation, translation, x, y, plane.inverse_depth);
  const auto slope = [&](int row, int column, F along) {
    return rotation[3 * row + column] + translation[row] * along;
  };
  const F right[3] = {slope(0, 0, plane.slope_x), slope(1, 0, plane.slope_x), slope(2, 0, plane.slope_x)};
  const F down[3] = {slope(0, 1, plane.slope_y), slope(1, 1, plane.slope_y), slope(2, 1, plane.slope_y)};
  F sum{}, squares{}, products{};
  MaskOf<F> seen = plane.inverse_depth == plane.inverse_depth;
  int n = 0;
  for (std::int32_t dy = -radius; dy <= radius; dy += kSampleStep) {
    const F row_x = center.x + down[0] * float(dy), row_y = center.y + down[1] * float(dy),
            row_z = center.z + down[2] * float(dy);
    for (std::int32_t dx = -radius; dx <= radius; dx += kSampleStep, ++n) {
      const Position<F> p = position<F>(source.image, row_x + right[0] * float(dx), row_y + right[1] * float(dx),
                                        row_z + right[2] * float(dx));
      const IntOf<F> quad = gather(source.image.words, p.index);
      const F weight = patch.weights[n], value = to_float(sample<kNccBits, F>(quad, p) - patch.middle);
      seen &= is_seen<F>(source.image, quad, p) | (weight <= 0.0F);
      const F weighted = weight * value;
      sum += weighted;
      squares += weighted * value;
      products += patch.products[n] * value;
    }
  }
  const F variance = larger(squares - sum * sum, F{} + kMin);
  const F cost = 1.0F - products * patch.inv_deviation * inverse_sqrt(variance);
  return select(seen, smaller(larger(cost, F{}), F{} + 2.0F), F{} + kNoCost);
}

// How far from the pixel its point comes back by way of the source's own depth map, in pixels, at most
// kMaxReprojection; that too where the source has no depth. As consistent_pixel (consistency.hd.h) measures it.
template <class F>
FASTCV_HD F reprojection_error(const mvs::SweepSource& source, const mvs::SourceDepth& known, F x, F y,
                               F inverse_depth) {
  using I = IntOf<F>;
  const Homogeneous<F> there = transfer(source.rotation, source.translation, x, y, inverse_depth);
  const F u = there.x / there.z, v = there.y / there.z;
  I column = wrapping_difference(to_int(u + 1.5F), 1), row = wrapping_difference(to_int(v + 1.5F), 1);
  const auto inside = (there.z > kMinDepth) & at_most_unsigned(column, source.image.width - 1) &
                      at_most_unsigned(row, source.image.height - 1);
  column = select(inside, column, I{}), row = select(inside, row, I{});
  const F depth = gather(known.depth, row * source.image.width + column);
  const Homogeneous<F> back = transfer(known.to_reference, known.to_reference + 9, u, v, 1.0F / depth);
  const F dx = back.x / back.z - x, dy = back.y / back.z - y;
  const F squared = smaller(dx * dx + dy * dy, F{} + kMaxReprojection * kMaxReprojection);
  return select(inside & (depth > 0.0F) & (back.z > 0.0F), squared * inverse_sqrt(larger(squared, F{} + 1e-12F)),
                F{} + kMaxReprojection);
}

// Mean over the cheapest sources, kNoCost where none sees the pixel's window.
template <class F>
FASTCV_HD F plane_cost(const mvs::Refinement& r, const Patch<F>& patch, F x, F y, const Plane<F>& plane) {
  CostList<F> list;
  for (int k = 0; k < r.sweep.num_sources; ++k) {
    const mvs::SweepSource& source = r.sweep.sources[k];
    F cost = patch_cost(r, source, patch, x, y, plane);
    if (r.source_depths[k].depth != nullptr) {
      cost += r.geometric_weight * reprojection_error(source, r.source_depths[k], x, y, plane.inverse_depth);
    }
    add_cost(r.sweep, k, cost, list);
  }
  const F mean = mean_cost<F>(r.sweep, list);
  return select(mean == mean, mean, F{} + kNoCost);
}

}  // namespace fastcv::FASTCV_ISA

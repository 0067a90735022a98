// SPDX-License-Identifier: Apache-2.0
// Where a source's feature map shows a reference pixel at a depth, and how features of all sources become one value.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/feature_sweep.h"

namespace fastcv::FASTCV_ISA {

// Bilinear weights of the pixel at `index`, of the ones to its right, below, and below right. index = -1: out of view.
template <class F>
struct FeaturePosition {
  IntOf<F> index;
  F weights[4];
};

// The numerator and denominator of a projection.
template <class F>
struct Projected {
  F x, y, z, inverse_depth;
};

// The same order of operations everywhere, for it decides what is in view.
template <class F>
FASTCV_HD Projected<F> project(const mvs::FeatureSource& s, F x, float y, F depth) {
  const F w = 1.0F / depth;
  const float *r = s.rotation, *t = s.translation;
  return {(r[0] * x + (r[1] * y + r[2])) + t[0] * w, (r[3] * x + (r[4] * y + r[5])) + t[1] * w,
          (r[6] * x + (r[7] * y + r[8])) + t[2] * w, w};
}

// Positions outside by less than this count as on the border, in pixels: rows of a rectified pair are the same but for
// rounding.
constexpr float kBorder = 1.0F / 1024;

// Where a projected point falls in a source, moved onto the border from less than kBorder outside.
template <class F>
struct SourcePoint {
  F u, v;
  MaskOf<F> in_view;  // between centres of pixels, in front of the source, at a depth that is positive
};
template <class F>
FASTCV_HD SourcePoint<F> source_point(const mvs::FeatureSource& s, const Projected<F>& p, F depth) {
  constexpr float kMinDepth = 1e-20F;  // points nearer than this to the source's own plane are out of its view
  const F inverse_z = 1.0F / p.z, u = p.x * inverse_z, v = p.y * inverse_z;
  const float right = float(s.features.width - 1), bottom = float(s.features.height - 1);
  const MaskOf<F> in_view = (depth > 0.0F) & (p.z > kMinDepth) & (u >= -kBorder) & (v >= -kBorder) &
                            (u <= right + kBorder) & (v <= bottom + kBorder);
  return {select(in_view, smaller(larger(u, F{}), F{} + right), F{}),
          select(in_view, smaller(larger(v, F{}), F{} + bottom), F{}), in_view};
}

template <class F>
FASTCV_HD FeaturePosition<F> feature_position(const mvs::FeatureSource& s, const Projected<F>& p, F depth) {
  const SourcePoint<F> at = source_point(s, p, depth);
  const IntOf<F> left = to_int(at.u), top = to_int(at.v);
  const F fx = at.u - to_float(left), fy = at.v - to_float(top), gx = 1.0F - fx, gy = 1.0F - fy;
  return {select(at.in_view, top * (s.features.width + 1) + left, IntOf<F>{} - 1),
          {gx * gy, fx * gy, gx * fy, fx * fy}};
}

// The pixels in the order of the weights.
template <class F, class W>
FASTCV_HD F bilinear(F a, F b, F c, F d, const W* weights) {
  return (a * weights[0] + b * weights[1]) + (c * weights[2] + d * weights[3]);
}

// How the weights change with depth: the derivative of a sample is the same sum over the four pixels with these.
template <class F>
FASTCV_HD void weight_slopes(const mvs::FeatureSource& s, const Projected<F>& p, F depth, F* slopes) {
  const SourcePoint<F> at = source_point(s, p, depth);
  const F fx = at.u - to_float(to_int(at.u)), fy = at.v - to_float(to_int(at.v)), gx = 1.0F - fx, gy = 1.0F - fy;
  const F per_depth = p.inverse_depth * p.inverse_depth / p.z;  // less the sign
  const F du = (at.u * s.translation[2] - s.translation[0]) * per_depth;
  const F dv = (at.v * s.translation[2] - s.translation[1]) * per_depth;
  slopes[0] = -du * gy - gx * dv, slopes[1] = du * gy - fx * dv;
  slopes[2] = gx * dv - du * fy, slopes[3] = du * fy + fx * dv;
}

// One channel of the features of all sources that see a pixel: the value of a volume and its derivatives, which are per
// unit of `upstream`, the volume's gradient times EvidenceScale::scale.
template <mvs::FeatureReduce Reduce, class F>
struct Evidence;

// Differences to the reference, for where all views agree a mean of squares less the square of a mean would be noise.
template <class F>
struct Evidence<mvs::FeatureReduce::variance, F> {
  F sum{}, squares{};
  FASTCV_HD void add(F reference, F sample) {
    const F difference = sample - reference;
    sum += difference;
    squares += difference * difference;
  }
  FASTCV_HD F value(F, float inverse_views, float scale) const {
    return larger(F{}, (squares - sum * (sum * inverse_views)) * scale);  // the second where it is NaN
  }
  FASTCV_HD F reference_slope(F upstream, float inverse_views) const {
    return (upstream * -2.0F) * (sum * inverse_views);
  }
  FASTCV_HD F sample_slope(F upstream, F reference, F sample, float inverse_views) const {
    return (upstream * 2.0F) * ((sample - reference) - sum * inverse_views);
  }
};

template <class F>
struct Evidence<mvs::FeatureReduce::correlation, F> {
  F sum{};
  FASTCV_HD void add(F, F sample) { sum += sample; }
  FASTCV_HD F value(F reference, float, float scale) const { return reference * (sum * scale); }
  FASTCV_HD F reference_slope(F upstream, float) const { return upstream * sum; }
  FASTCV_HD F sample_slope(F upstream, F reference, F, float) const { return upstream * reference; }
};

// How much a channel counts for its group where `seen` sources see the pixel: with 1 / views, the arguments of value().
// Variance is over the reference too. Nothing counts where nobody sees.
struct EvidenceScale {
  float inverse_views, scale;
};
FASTCV_HD EvidenceScale evidence_scale(const mvs::FeatureSweep& s, std::int32_t seen) {
  const std::int32_t views = s.reduce == mvs::FeatureReduce::variance ? seen + 1 : seen;
  const float inverse = seen > 0 ? 1.0F / float(views) : 0.0F;
  return {inverse, inverse / float(s.channels.group_size)};
}

}  // namespace fastcv::FASTCV_ISA

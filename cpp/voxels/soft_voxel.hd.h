// SPDX-License-Identifier: Apache-2.0
// The odds that a voxel is occupied, from what a mask shows at its centre in every view, and their derivative.
#pragma once

#include "voxels/double_lanes.hd.h"
#include "voxels/projection.hd.h"
#include "voxels/soft_carving.h"

namespace fastcv::FASTCV_ISA {

template <class T>
FASTCV_HD Frame soft_frame(const voxels::SoftCarving<T>& c, std::int64_t view) {
  const std::int64_t* layout = c.layout + view * voxels::kSoftLayout;
  return {c.image_from_voxel + 12 * view, double(layout[0]), double(layout[1]), 0};
}

// A view's mask between the centres of four pixels: the first one's place, how far the others are, and the distance to
// it in pixels.
template <class D>
struct Sample {
  MaskOf<D> seen;
  D value;
  Int32Of<D> first, right, down;
  D x, y;
};

// Bilinear; beyond the centres of the outermost pixels these go on. One with a pixel that is not of the image is not
// seen.
template <class D, class T>
FASTCV_HD Sample<D> sample(const Frame& f, const T* mask, const Position<D>& p) {
  const D inverse = 1 / p.w, u = p.xw * inverse, v = p.yw * inverse, zero{};
  const auto inside = (p.w > 0) & (u >= 0) & (v >= 0) & (u < f.width) & (v < f.height);
  const D x = larger(zero, smaller(keep_if(inside, u - 0.5), zero + (f.width - 1)));
  const D y = larger(zero, smaller(keep_if(inside, v - 0.5), zero + (f.height - 1)));
  const Int32Of<D> column = truncated(x), row = truncated(y), one = Int32Of<D>{} + 1;
  const auto width = static_cast<std::int32_t>(f.width);
  Sample<D> s;
  s.first = row * width + column;
  s.right = keep_if(x < f.width - 1, one);
  s.down = keep_if(y < f.height - 1, one) * width;
  s.x = x - to_double(column);
  s.y = y - to_double(row);
  const D a = gather(mask, s.first), b = gather(mask, s.first + s.right);
  const D c = gather(mask, s.first + s.down), d = gather(mask, s.first + s.right + s.down);
  s.seen = inside & (a >= 0) & (b >= 0) & (c >= 0) & (d >= 0);
  s.value = (1 - s.y) * ((1 - s.x) * a + s.x * b) + s.y * ((1 - s.x) * c + s.x * d);
  return s;
}

// How likely it is that a mask shows s where the voxel is occupied, and where it is empty, up to a common factor: the
// true pixel is foreground with probability s, so
//   occupied(s) = s (1 - miss) + (1 - s) miss,  empty(s) = s false_alarm + (1 - s) (1 - false_alarm).
struct Likelihoods {
  double miss, occupied_slope, correct, empty_slope;

  FASTCV_HD explicit Likelihoods(const voxels::Sensor& sensor)
      : miss(sensor.miss_rate),
        occupied_slope(1 - 2 * sensor.miss_rate),
        correct(1 - sensor.false_alarm_rate),
        empty_slope(2 * sensor.false_alarm_rate - 1) {}
  template <class D>
  FASTCV_HD D occupied(D s) const {
    return miss + s * occupied_slope;
  }
  template <class D>
  FASTCV_HD D empty(D s) const {
    return correct + s * empty_slope;
  }
  // The derivative by s of the logarithm of occupied over empty, and a bound of its size.
  template <class D>
  FASTCV_HD D slope(D s) const {
    return occupied_slope / occupied(s) - empty_slope / empty(s);
  }
  FASTCV_HD double largest_slope() const {
    const auto steepest = [](double slope, double at_0, double at_1) {
      return (slope < 0 ? -slope : slope) / (at_0 < at_1 ? at_0 : at_1);
    };
    return steepest(occupied_slope, miss, 1 - miss) + steepest(empty_slope, correct, 1 - correct);
  }
};

// Products of likelihoods as mantissas and binary exponents: their ratio is the sum of the views' log odds without
// logarithms, and nothing underflows. Rates are at least kLeastRate.
constexpr double kLeastRate = 1e-6;
constexpr int kViewsBetweenScalings = 32;

template <class D>
struct Odds {
  D occupied, empty;
  Int64Of<D> exponent;  // of occupied, less that of empty

  FASTCV_HD void add(const Likelihoods& l, const Sample<D>& s, std::int32_t outside_violates) {
    const D unseen_occupied = D{} + (outside_violates ? l.miss : 1.0);
    const D unseen_empty = D{} + (outside_violates ? l.correct : 1.0);
    occupied = occupied * choose(s.seen, l.occupied(s.value), unseen_occupied);
    empty = empty * choose(s.seen, l.empty(s.value), unseen_empty);
  }
  FASTCV_HD void scale() {
    exponent += exponent_of(occupied) - exponent_of(empty);
    occupied = mantissa_of(occupied);
    empty = mantissa_of(empty);
  }
  // occupied : empty, no farther from 1 than double precision can tell.
  FASTCV_HD D ratio(double prior_odds) {
    scale();
    constexpr std::int64_t kFarthest = 900;
    return prior_odds * (occupied / empty) * power_of_two(D(), clamped(exponent, kFarthest));
  }
};
template <class D>
FASTCV_HD Odds<D> even_odds() {
  return {D{} + 1.0, D{} + 1.0, Int64Of<D>{}};
}

template <class D>
FASTCV_HD D probability(D odds) {
  return odds / (1 + odds);
}
// Of the probability by the logarithm of the odds.
template <class D>
FASTCV_HD D probability_slope(D odds) {
  const D empty = 1 / (1 + odds);
  return empty * (odds * empty);
}

// One voxel at a time, as a GPU does it. i: voxel.
template <class T>
struct SoftVoxel {
  voxels::SoftCarving<T> c;

  FASTCV_HD Sample<double> at(std::int64_t view, std::int64_t i) const {
    const std::int64_t width = c.shape[2], height = c.shape[1];
    const double x = double(i % width) + 0.5, y = double(i / width % height) + 0.5,
                 z = double(i / width / height) + 0.5;
    const Frame f = soft_frame(c, view);
    return sample<double>(f, c.masks + c.layout[view * voxels::kSoftLayout + 2], position<double, 1>(f, x, y, z, 0));
  }
  FASTCV_HD double odds(std::int64_t i) const {
    const Likelihoods likelihoods(c.sensor);
    Odds<double> odds = even_odds<double>();
    for (std::int64_t view = 0; view < c.count; ++view) {
      odds.add(likelihoods, at(view, i), c.sensor.outside_violates);
      if (view % kViewsBetweenScalings == kViewsBetweenScalings - 1) odds.scale();
    }
    return odds.ratio(c.sensor.prior_odds);
  }
};

}  // namespace fastcv::FASTCV_ISA

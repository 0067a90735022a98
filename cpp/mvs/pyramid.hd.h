// SPDX-License-Identifier: Apache-2.0
// Between the levels of an image pyramid: images of half the size on the way up, ranges of depth on the way down.
#pragma once

#include <type_traits>

#include "core/lanes.hd.h"
#include "core/view.h"
#include "mvs/local_planes.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD std::int64_t clamped(std::int64_t i, std::int64_t size) { return i < 0 ? 0 : i < size ? i : size - 1; }

// Mean of 2 x 2 pixels; whole numbers are rounded, halves up. image (height, width, channels), out half as high and
// wide, rounded down. T is uint8_t, uint16_t or float.
template <class T>
struct HalveImage {
  View<const T, 3> image;
  View<T, 3> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t channels = out.shape[2], c = i % channels, x = i / channels % out.shape[1],
                       y = i / channels / out.shape[1];
    const T *top = &image(2 * y, 2 * x, c), *bottom = &image(2 * y + 1, 2 * x, c);
    if constexpr (std::is_floating_point_v<T>) {
      out.data[i] = T(0.25) * ((top[0] + top[channels]) + (bottom[0] + bottom[channels]));
    } else {
      out.data[i] = T((top[0] + top[channels] + bottom[0] + bottom[channels] + 2) >> 2);
    }
  }
};

// 1 where all of 2 x 2 pixels may be used, else 0: what a mean of them may be told from.
struct HalveMask {
  View<const std::uint8_t, 2> mask;
  View<std::uint8_t, 2> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t x = i % out.shape[1], y = i / out.shape[1];
    const std::uint8_t *top = &mask(2 * y, 2 * x), *bottom = &mask(2 * y + 1, 2 * x);
    out.data[i] = top[0] != 0 && top[1] != 0 && bottom[0] != 0 && bottom[1] != 0;
  }
};

// Median of 25 values, which are lost. The least and the greatest of more than half of all values cannot be the median,
// so that 14 at a time suffice. Source: Devillard 1998, "Fast median search: an ANSI C implementation".
template <class F>
FASTCV_HD F median_of_25(F* v) {
  int first = 0, last = 13;
  for (int next = 14; next <= 25; ++next) {
    for (int i = first + 1; i <= last; ++i) {  // the least to the front
      const F low = smaller(v[first], v[i]);
      v[i] = larger(v[first], v[i]);
      v[first] = low;
    }
    for (int i = first + 1; i < last; ++i) {  // the greatest to the end
      const F high = larger(v[i], v[last]);
      v[i] = smaller(v[i], v[last]);
      v[last] = high;
    }
    if (next == 25) break;
    ++first;
    v[last] = v[next];
  }
  return v[first + 1];
}

// Median of the 5 x 5 pixels around each; the image repeats its border. No NaN.
struct Median {
  View<const float, 2> image;
  View<float, 2> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = image.shape[0], width = image.shape[1], y = i / width, x = i % width;
    float values[25];
    for (int k = 0; k < 25; ++k) values[k] = image(clamped(y + k / 5 - 2, height), clamped(x + k % 5 - 2, width));
    out.data[i] = median_of_25(values);
  }
};

// Least and greatest of the 3 x 3 pixels around each: out is (2, height, width), the greatest first. No NaN.
struct Extremes {
  View<const float, 2> image;
  View<float, 3> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = image.shape[0], width = image.shape[1], y = i / width, x = i % width;
    float greatest = image.data[i], least = greatest;
    for (int k = 0; k < 9; ++k) {
      const float value = image(clamped(y + k / 3 - 1, height), clamped(x + k % 3 - 1, width));
      greatest = larger(greatest, value);
      least = smaller(least, value);
    }
    out.data[i] = greatest;
    out.data[height * width + i] = least;
  }
};

// Depths between which a pixel of the finer level looks, from inverse depths (2, coarse height, coarse width). out is
// (2, 2, height, width): for each of the two, interpolated, the depths near and far around it.
struct LocalRanges {
  View<const float, 3> coarse;
  mvs::LocalPlanes planes;
  View<float, 4> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t pixels = out.shape[2] * out.shape[3], which = i / pixels, at = i - which * pixels;
    const std::int64_t x = at % out.shape[3], y = at / out.shape[3];
    const float highest = float(planes.last - planes.num + 1), middle = 0.5F * float(planes.num - 1);
    float k = interpolated(which, y, x) / planes.step - middle;
    k = larger(smaller(k, highest), float(planes.first));
    float* near = out.data + 2 * which * pixels + at;
    near[0] = 1.0F / ((k + float(planes.num - 1)) * planes.step);
    near[pixels] = 1.0F / (k * planes.step);
  }

 private:
  // A pixel's centre lies a quarter of a coarse pixel beside that of the coarse pixel that it is part of.
  FASTCV_HD float interpolated(std::int64_t which, std::int64_t y, std::int64_t x) const {
    const std::int64_t height = coarse.shape[1], width = coarse.shape[2];
    const std::int64_t near_x = clamped(x / 2, width), far_x = clamped(x % 2 == 0 ? x / 2 - 1 : x / 2 + 1, width);
    const std::int64_t near_y = clamped(y / 2, height), far_y = clamped(y % 2 == 0 ? y / 2 - 1 : y / 2 + 1, height);
    const float *near = &coarse(which, near_y, 0), *far = &coarse(which, far_y, 0);
    return 0.75F * (0.75F * near[near_x] + 0.25F * near[far_x]) + 0.25F * (0.75F * far[near_x] + 0.25F * far[far_x]);
  }
};

}  // namespace fastcv::FASTCV_ISA
